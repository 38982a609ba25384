// Eight processes that write at once, as those of mod_fcgid: how long a beat
// waits for its turn. Taken where it waits (bench/writers.c), for from outside
// the web server's own queue would be in it; the database is on the disk, and
// the processes do nothing but write, which is more than eight ever have to.

'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { customersFile, startFilled, made, newFolder } = require('./lib/filled');
const { ROUNDS, count, median } = require('./lib/measure');
const { save } = require('./lib/report');

const PROCESSES = 8;
const CUSTOMERS = 10000;
const SECONDS = 10;

function measure(config) {
  const seconds = count(SECONDS);
  const out = execFileSync(made('writers'), [config, customersFile(config), PROCESSES, seconds].map(String),
    { encoding: 'utf8', timeout: (seconds + 30) * 1000 });
  return JSON.parse(out);
}

async function main() {
  const dataDir = newFolder('writers');
  let demo;
  try {
    demo = await startFilled({ dataDir, customers: CUSTOMERS, span: 0, set: { timeoutMs: 86400000, minBeatMs: 0 } });
    const runs = Array.from({ length: ROUNDS }, () => measure(demo.config));
    const row = {
      processes: PROCESSES,
      rate: median(runs.map((run) => run.beats)) / count(SECONDS),
      p50: median(runs.map((run) => run.wait.p50)),
      p99: median(runs.map((run) => run.wait.p99)),
      p999: median(runs.map((run) => run.wait.p999)),
      max: Math.max(...runs.map((run) => run.wait.max)),
      busy: runs.reduce((sum, run) => sum + run.busy, 0),
    };
    console.log(`${PROCESSES} processes, ${Math.round(row.rate)} beats/s, wait for a turn: p50 ${row.p50.toFixed(2)} ms  ` +
      `p99 ${row.p99.toFixed(2)} ms  p99.9 ${row.p999.toFixed(2)} ms  longest of all ${row.max.toFixed(1)} ms  ` +
      `busy ${row.busy}`);
    save('writers', { runs: ROUNDS, rows: [row] });
  } finally {
    await demo?.stop();
    fs.rmSync(dataDir, { recursive: true, force: true });
  }
}

main().catch((err) => {
  console.error(err);
  process.exitCode = 1;
});
