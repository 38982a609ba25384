// How long from a customer's beat to the dashboard that waits for it, with 100
// and with 1,000 dashboards: one waits for that customer, all others for one
// that stays silent. On an idle server, and while others beat 2,000 times a
// second.
//
// All contenders have a case one after the other, each beside its floor, before
// the next case: what the machine does else changes from minute to minute. p50
// and p99 are medians of those of the rounds; the percentiles are of all rounds
// together.

'use strict';

const { count, medians, percentiles, startAll, stopAll, inRounds, load, ROUNDS } = require('./lib/measure');
const { sleep } = require('../tests/lib/demo');
const { save } = require('./lib/report');

const CONTENDERS = ['lighttpd', 'loop-lighttpd', 'nginx', 'loop-nginx',
  'socketio-ws', 'socketio-polling', 'node', 'php', 'nchan'];
const BEATS = 200;
const SLOW = { php: 0.2 }; // the share of them that one who is slow has
const OTHERS = 1000; // who beat meanwhile
const CONNECTIONS = 64; // of theirs, if they do not hold one each
const RATE = 2000;
const CASES = [
  { waiting: 100, rate: 0 }, { waiting: 100, rate: RATE },
  { waiting: 1000, rate: 0 }, { waiting: 1000, rate: RATE },
];
const FLEETING = ['socketio-polling']; // sessions that end if nobody holds a GET
const GAP_MS = 10; // between two beats: the dashboard has asked again
const SETTLE_MS = 500;
const DEADLINE_MS = 180000; // PHP looks every 250 ms

/** PHP has a process for each poll, and is too slow for that rate. */
function isFor({ waiting, rate }, { name }) {
  return name !== 'php' || (waiting === 100 && rate === 0);
}

/** The customers [from, to) of a party. */
function some(party, from, to) {
  return { ...party, requests: party.requests.slice(from, to), hello: party.hello?.slice(from, to) };
}

function beatsOf(party, rate) {
  const others = some(party, 2);
  const connections = party.proto === 'ws' ? others.requests.length : CONNECTIONS;
  return rate && { beats: { ...others, connections, rate, count: 1e9 } };
}

/**
 * The dashboards that were not told have left, which most web servers hide: a
 * beat of whom they waited for ends their polls.
 */
async function letGo(party) {
  if (party.proto === 'http')
    await load({ beats: some(party, 1, 2) });
  await sleep(SETTLE_MS);
}

async function measure({ contender, waiting, rate }) {
  const { name, port } = contender;
  if (!contender.party || FLEETING.includes(name))
    contender.party = { ...await contender.customers(OTHERS), port };
  const { party } = contender;
  const told = { ...await contender.dashboards(1, 0), port, told: true };
  const others = { ...await contender.dashboards(waiting - 1, 1), port };
  const { watch } = await load({
    deadlineMs: DEADLINE_MS,
    ...beatsOf(party, rate),
    watch: {
      groups: [told, others], trigger: some(party, 0, 1),
      rounds: count(BEATS * (SLOW[name] ?? 1), 10), gapMs: GAP_MS, settleMs: SETTLE_MS,
    },
  });
  await letGo(party);
  return { p50: watch.last.p50, p99: watch.last.p99, answered: watch.answered.p50, times: watch.last.rounds };
}

/** The row of a contender's case, of what its rounds found. */
function rowOf({ name, contender, waiting, rate }, runs) {
  return {
    contender: name, label: contender.label, waiting, rate, ...medians(runs),
    percentiles: percentiles(runs.flatMap((run) => run.times)),
  };
}

function print(rows) {
  for (const { waiting, rate } of CASES) {
    console.log(`beat to dashboard, ${waiting} waiting, ${rate} beats/s beside`.padEnd(58) + ' p50 ms  p99 ms');
    for (const row of rows.filter((one) => one.waiting === waiting && one.rate === rate))
      console.log(`  ${row.label.padEnd(56)}${row.p50.toFixed(2).padStart(7)}${row.p99.toFixed(2).padStart(8)}`);
  }
}

async function main() {
  const started = await startAll(CONTENDERS);
  try {
    const all = CASES.flatMap((one) => started.filter((contender) => isFor(one, contender))
      .map((contender) => ({ name: contender.name, contender, ...one })));
    const found = await inRounds(all, measure);
    const rows = [...found].map(([one, runs]) => rowOf(one, runs));
    print(rows);
    save('latency', { runs: ROUNDS, rows });
  } finally {
    await stopAll(started);
  }
}

main().catch((err) => {
  console.error(err);
  process.exitCode = 1;
});
