// What a beat costs: CPU of the web server and the programs, how many a second
// one core takes, and how long an answer takes then. All contenders, the
// floors too, in rounds; 64 beats are under way at any time, over as many
// connections, or as many as customers where each has one of its own.
//
// Every answer is looked at, and each customer must be online in the end.

'use strict';

const { count, median, medians, pooled, chosen, startAll, stopAll, inRounds, load, loadOn, ROUNDS } = require('./lib/measure');
const { names } = require('./lib/contenders');
const { save } = require('./lib/report');

const CUSTOMERS = 10000;
const FEWER = 1000; // where each holds a connection or a session, or beats are few
const BEATS = 20000;
const SLICES = 10; // of them, in turns with the floor: the CPU's speed is another each second
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

async function prepareOne(contender) {
  Object.assign(contender, prepare(contender));
  contender.party = await contender.customers(contender.crowd);
  await load(job(contender, contender.crowd)); // all are online again, and compilers and caches warm
}

function rowOf({ label }, slices) {
  const sum = (of) => slices.reduce((total, slice) => total + of(slice), 0);
  const good = sum(({ beats }) => beats.good);
  return {
    label,
    rate: good / sum(({ beats }) => beats.seconds),
    cpu: sum(({ cpu }) => cpu) / good * 1e6, // ms for 1,000
    programsCpu: sum(({ programsCpu }) => programsCpu) / good * 1e6,
    ...medians(slices.map(({ beats }) => beats.latency)),
    histogram: pooled(slices.map(({ beats }) => beats.latency.histogram)),
  };
}

async function check(contender) {
  const { name, crowd } = contender;
  const online = await contender.online();
  if (online !== null && online !== crowd)
    throw new Error(`${name}: ${online} of ${crowd} customers are online`);
}

/**
 * Those of a group, in turns, slice by slice. They are started for it: a new
 * process has its memory elsewhere, which alone can make 15 %.
 */
async function measure(group) {
  const started = await startAll(group);
  try {
    for (const contender of started)
      await prepareOne(contender);
    const slices = started.map(() => []);
    const share = group.length > 1 ? SLICES : 1;
    for (let i = 0; i < share; i++)
      for (const [which, contender] of started.entries())
        slices[which].push(await loadOn(contender, job(contender, contender.beats / share)));
    for (const contender of started)
      await check(contender);
    return started.map((contender, which) => ({ contender: contender.name, ...rowOf(contender, slices[which]) }));
  } finally {
    await stopAll(started);
  }
}

/** Each with its floor, if it has one. */
function groups() {
  const floor = (name) => `floor-${name}`;
  return chosen(names)
    .filter((name) => !names.some((other) => floor(other) === name))
    .map((name) => chosen([name, ...names.includes(floor(name)) ? [floor(name)] : []]));
}

/** The rows of a group, of what its rounds found; `overFloor` is CPU in relation to the floor's. */
function rowsOf(rounds) {
  return rounds[0].map(({ contender, label }, i) => {
    const runs = rounds.map((round) => round[i]);
    const floors = rounds.map((round) => round.find((one) => one.contender === `floor-${contender}`));
    return {
      contender, label, ...medians(runs), histogram: pooled(runs.map((run) => run.histogram)),
      ...(floors[0] && { overFloor: median(runs.map((run, round) => run.cpu / floors[round].cpu)) }),
    };
  });
}

function print(rows) {
  console.log(`${'1,000 beats'.padEnd(34)}  CPU ms  programs  over floor   beats/s  p50 ms  p99 ms  p99.9 ms`);
  for (const row of rows)
    console.log(`${row.label.padEnd(34)}${row.cpu.toFixed(1).padStart(8)}${row.programsCpu.toFixed(1).padStart(10)}` +
      `${(row.overFloor?.toFixed(2) ?? '').padStart(12)}${row.rate.toFixed(0).padStart(10)}` +
      `${row.p50.toFixed(2).padStart(8)}${row.p99.toFixed(2).padStart(8)}${row.p999.toFixed(2).padStart(10)}`);
}

async function main() {
  const found = await inRounds(groups(), measure);
  const rows = [...found.values()].flatMap(rowsOf)
    .sort((a, b) => names.indexOf(a.contender) - names.indexOf(b.contender));
  print(rows);
  save('beats', { runs: ROUNDS, rows });
}

main().catch((err) => {
  console.error(err);
  process.exitCode = 1;
});
