// What the benches found: save(NAME, RESULT) keeps it in build/bench/NAME.json,
// and bench/report.js makes the page of it. A short look (see measure.js) is
// kept apart, in NAME.short.json: it is no result.
//
// A result is {runs, rows}: how many rounds the figures are medians of, and an
// object for each line of its table, at least of these. Times are milliseconds,
// memory is bytes:
//
//   beats    contender label rate cpu programsCpu p50 p99 p999   (cpu: of 1,000)
//   latency  contender label waiting rate p50 p99 percentiles   ([[50, ms], …];
//            rate: beats a second beside)
//   fanout   contender label waiting last memory programsMemory kernelMemory
//            (of each that waits)
//   tabs     tabs beatCpu oneCpu manyCpu pageCpu memory diskPerTab   (cpu: µs)
//   expiry   customers rate lost twice wrong p50 p99 latest beat
//   writers  processes p50 p999 max busy

'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('../../tests/lib/demo');

const FOUND = path.resolve(ROOT, process.env.BUILD || 'build', 'bench');
const SHORT = ['CONTENDERS', 'ROUNDS', 'SHARE'].some((name) => process.env[name]);

/** A row a line, for those who compare two of them. */
function save(name, { runs, rows }) {
  fs.mkdirSync(FOUND, { recursive: true });
  fs.writeFileSync(path.join(FOUND, `${name}${SHORT ? '.short' : ''}.json`),
    `{"runs": ${runs}, "rows": [\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]}\n`);
}

module.exports = { save, FOUND };
