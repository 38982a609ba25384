// Many dashboards wait for one customer: how long from his beat until the last
// of 1,000 and of 5,000 is told, and the memory that one costs while it waits.
//
// Memory is what the processes have more with 5,000 dashboards than without
// any, so each contender is started anew for each round. The kernel's share is
// of the whole machine: of both ends of each connection, ours too.

'use strict';

const {
  chosen, median, medians, memory, kernelMemory, withFresh, inRounds, load, ROUNDS,
} = require('./lib/measure');
const { sleep } = require('../tests/lib/demo');
const { save } = require('./lib/report');

const CONTENDERS = ['lighttpd', 'nginx', 'loop-lighttpd', 'loop-nginx',
  'socketio-ws', 'socketio-polling', 'node', 'nchan'];
const WAITING = [5000, 1000];
const WARM_UP = 1; // changes that do not count
const CHANGES = 2; // a round
const GAP_MS = 0.2; // between two, for each dashboard: all have asked again
const SETTLE_MS = 1000;

function memoryNow(contender) {
  return {
    memory: memory(contender.pids()), programsMemory: memory(contender.programs()), kernelMemory: kernelMemory(),
  };
}

/** What each of n has more than before, in bytes. */
function perPoll(before, now, n) {
  return Object.fromEntries(Object.keys(now).map((name) => [name, (now[name] - before[name]) / n]));
}

async function measureCase(contender, waiting) {
  const { port } = contender;
  const customers = await contender.customers(2);
  await sleep(SETTLE_MS);
  const before = memoryNow(contender);
  const dashboards = await contender.dashboards(waiting, 0);
  let now;
  const { watch } = await load({
    watch: {
      groups: [{ ...dashboards, port, told: true }],
      trigger: { ...customers, port, requests: customers.requests.slice(0, 1) },
      rounds: WARM_UP + CHANGES, gapMs: GAP_MS * waiting, settleMs: 0,
    },
  }, async () => {
    await sleep(SETTLE_MS);
    now = memoryNow(contender);
  });
  return { last: median(watch.last.rounds.slice(WARM_UP)), ...perPoll(before, now, waiting) };
}

/** The most first: what a process has grown to for them, it keeps. */
async function measure(contender) {
  const cases = [];
  for (const waiting of WAITING)
    cases.push(await measureCase(contender, waiting));
  return { label: contender.label, cases };
}

/** A row for each number of dashboards; memory is that of the first. */
function rowsOf(contender, rounds) {
  return WAITING.map((waiting, i) => {
    const { last, ...bytes } = medians(rounds.map((round) => round.cases[i]));
    return { contender, label: rounds[0].label, waiting, last, ...(i === 0 && bytes) };
  });
}

function print(rows) {
  console.log(`${'one change to all that wait'.padEnd(30)}waiting  the last, ms   programs, B   + server, B   kernel, B`);
  for (const row of rows)
    console.log(`${row.label.padEnd(30)}${String(row.waiting).padStart(7)}${row.last.toFixed(1).padStart(14)}` +
      ['programsMemory', 'memory', 'kernelMemory'].map((name) => (row[name]?.toFixed(0) ?? '').padStart(14)).join(''));
}

async function main() {
  const found = await inRounds(chosen(CONTENDERS), (name) => withFresh(name, measure));
  const rows = [...found].flatMap(([name, rounds]) => rowsOf(name, rounds));
  print(rows);
  save('fanout', { runs: ROUNDS, rows });
}

main().catch((err) => {
  console.error(err);
  process.exitCode = 1;
});
