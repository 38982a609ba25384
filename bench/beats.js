// What a beat costs: CPU of the web server and the programs, how many a second
// one core takes, and how long an answer takes then. All contenders, the
// floors too, in rounds; 64 beats are under way at any time, over as many
// connections, or as many as customers where each has one of its own.
//
// Every answer is looked at, and each customer must be online in the end.

'use strict';

const { count, medians, pooled, chosen, withFresh, inRounds, load, loadOn, ROUNDS } = require('./lib/measure');
const { names } = require('./lib/contenders');
const { save } = require('./lib/report');

const CUSTOMERS = 10000;
const FEWER = 1000; // where each holds a connection or a session, or beats are few
const BEATS = 20000;
const IN_FLIGHT = 64;
const SLOW = ['php']; // a tenth of the beats
const FEW = ['socketio-ws', 'socketio-polling', 'php'];

function prepare({ name }) {
  return {
    crowd: count(FEW.includes(name) ? FEWER : CUSTOMERS, IN_FLIGHT),
    beats: count(BEATS / (SLOW.includes(name) ? 10 : 1), 100),
  };
}

function job({ port, party, crowd }, beats) {
  const connections = party.proto === 'ws' ? crowd : IN_FLIGHT;
  return { deadlineMs: 120000, beats: { ...party, port, connections, inFlight: IN_FLIGHT, count: beats } };
}

async function measure(contender) {
  const { crowd, beats } = contender;
  contender.party = await contender.customers(crowd);
  await load(job(contender, crowd)); // all are online again, and compilers and caches warm
  const { beats: found, cpu, programsCpu } = await loadOn(contender, job(contender, beats));
  const online = await contender.online();
  if (online !== null && online !== crowd)
    throw new Error(`${online} of ${crowd} customers are online`);
  const { p50, p99, p999, histogram } = found.latency;
  return {
    rate: found.good / found.seconds,
    cpu: cpu / found.good * 1e6, programsCpu: programsCpu / found.good * 1e6, // ms for 1,000
    p50, p99, p999, histogram,
  };
}

/** Its CPU in relation to the floor's behind the same server, if it has one. */
function overFloor({ contender, cpu }, rows) {
  const floor = rows.find((row) => row.contender === `floor-${contender}`);
  return floor && { overFloor: cpu / floor.cpu };
}

function print(rows) {
  console.log(`${'1,000 beats'.padEnd(34)}  CPU ms  programs  over floor   beats/s  p50 ms  p99 ms  p99.9 ms`);
  for (const row of rows)
    console.log(`${row.label.padEnd(34)}${row.cpu.toFixed(1).padStart(8)}${row.programsCpu.toFixed(1).padStart(10)}` +
      `${(row.overFloor?.toFixed(2) ?? '').padStart(12)}${row.rate.toFixed(0).padStart(10)}` +
      `${row.p50.toFixed(2).padStart(8)}${row.p99.toFixed(2).padStart(8)}${row.p999.toFixed(2).padStart(10)}`);
}

/** A new process has its memory elsewhere, which alone can make 15 %: one for each round. */
function measureFresh(name) {
  return withFresh(name, async (contender) => {
    Object.assign(contender, prepare(contender));
    return { label: contender.label, ...await measure(contender) };
  });
}

async function main() {
  const found = await inRounds(chosen(names), measureFresh);
  const rows = [...found].map(([name, runs]) => ({
    contender: name, label: runs[0].label, ...medians(runs), histogram: pooled(runs.map((run) => run.histogram)),
  }));
  for (const row of rows)
    Object.assign(row, overFloor(row, rows));
  print(rows);
  save('beats', { runs: ROUNDS, rows });
}

main().catch((err) => {
  console.error(err);
  process.exitCode = 1;
});
