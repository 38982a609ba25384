// What the benches found: save(NAME, RESULT) keeps it in build/bench/NAME.json,
// and bench/report.js makes the page of it. A short look (see measure.js) is
// kept apart, in NAME.short.json: it is no result.
//
// A result is {runs, rows}: how many runs the figures are medians of, and an
// object for each line of its table. Names say the unit where it is not
// milliseconds:
//
//   beats    contender label rate cpu programsCpu p50 p99   (cpu: ms for 1,000
//            beats, of the web server and the programs)
//   latency  contender label waiting rate p50 p99 percentiles: [[50, ms], …]
//            (rate: beats a second beside)
//   fanout   contender label waiting last memory programsMemory   (bytes a poll)
//   tabs     tabs beatCpu one many page memory diskPerTab   (cpu: ms for 1,000
//            beats; one, many, page: ms of a query; memory: bytes of the programs)
//   expiry   customers events twice lost latest
//   writers  processes p50 p999 max busy
//   servers  server label places memory answered last crowd

'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('../../tests/lib/demo');

const FOUND = path.resolve(ROOT, process.env.BUILD || 'build', 'bench');

const SHORT = ['CONTENDERS', 'ROUNDS', 'SHARE', 'TABS'].some((name) => process.env[name]);

function save(name, result) {
  fs.mkdirSync(FOUND, { recursive: true });
  fs.writeFileSync(path.join(FOUND, `${name}${SHORT ? '.short' : ''}.json`), `${JSON.stringify(result, null, 1)}\n`);
}

module.exports = { save, FOUND };
