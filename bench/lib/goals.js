// The goals, and whether what was measured reaches them: goals(RESULTS) gives
// {measure, goal, measured, reached} of each, by what the benches saved.
// reached is undefined where the bench has not run.

'use strict';

const { figure } = require('./plot');

const SERVERS = ['lighttpd', 'nginx'];
const BEHIND = { php: 'PHP-FPM with SQLite', node: 'Node with SQLite', 'socketio-polling': 'Socket.IO, polling' };
const SOCKETIO = { 'socketio-ws': 'Socket.IO, WebSocket', 'socketio-polling': 'Socket.IO, polling' };
const MEMORY = { ...SOCKETIO, nchan: 'nchan' };

const times = (n) => `${n.toFixed(2)} ×`;
const more = (n) => `${((n - 1) * 100).toFixed(1)} % more`;
const unit = (name) => (n) => `${figure(n)} ${name}`;
const thousands = (n) => n.toLocaleString('en-US');

function row(rows, wanted) {
  const found = rows.find((one) => Object.entries(wanted).every(([name, value]) => one[name] === value));
  if (!found)
    throw new Error(`nothing was measured of ${JSON.stringify(wanted)}`);
  return found;
}

const of = (rows, contender) => row(rows, { contender });

/** At most that much. */
function most(limit, value, write) {
  return { measured: write(value), reached: value <= limit };
}

/** The highest of [ratio, where]: at most that much, or below it. */
function highest(limit, ratios, { below = false } = {}) {
  const sorted = [...ratios].sort(([a], [b]) => a - b);
  const [[least], [ratio, where]] = [sorted[0], sorted.at(-1)];
  return { measured: `${least.toFixed(2)} to ${times(ratio)} (${where})`, reached: below ? ratio < limit : ratio <= limit };
}

// --- beats ---

/** How many times better ours are; the worse of the two servers counts. */
function ahead(rows, name) {
  const theirs = of(rows, name);
  const ours = SERVERS.map((server) => of(rows, server));
  const better = [
    theirs.cpu / Math.max(...ours.map((one) => one.cpu)),
    Math.min(...ours.map((one) => one.rate)) / theirs.rate,
    theirs.p99 / Math.max(...ours.map((one) => one.p99)),
  ];
  return { measured: better.map(times).join(', '), reached: better.every((n) => n > 1) };
}

const BEATS = [
  ...SERVERS.map((server) => [
    `CPU of web server and programs for 1,000 beats, over a program that does nothing: ${server}`, '≤ 1.25 ×',
    (rows) => most(1.25, of(rows, server).overFloor, times)]),
  ...SERVERS.map((server) => [
    `CPU of the program for 1,000 beats, ${server}`, '≤ 40 ms',
    (rows) => most(40, of(rows, server).programsCpu, unit('ms'))]),
  ...Object.entries(BEHIND).map(([name, label]) => [
    `how many times better than ${label}: CPU of a beat, rate, p99`, '> 1 × each',
    (rows) => ahead(rows, name)]),
];

// --- a crowd of tabs ---

/** A million against a thousand. */
function grown(rows, name) {
  return row(rows, { tabs: 1000000 })[name] / row(rows, { tabs: 1000 })[name];
}

const TABS = [
  ['memory of the programs for 1,000,000 tabs online, against 1,000', '≤ 10 % more',
    (rows) => most(1.1, grown(rows, 'memory'), more)],
  ['disk for a tab, of 1,000,000', '≤ 250 bytes',
    (rows) => most(250, row(rows, { tabs: 1000000 }).diskPerTab, unit('bytes'))],
  ...Object.entries({
    beatCpu: 'a beat', oneCpu: 'presence of one conversation', manyCpu: 'presence of 200 at once',
    pageCpu: 'a company’s first 100 of 50,000 online',
  }).map(([name, what]) => [
    `CPU of ${what}, with 1,000,000 tabs online against 1,000`, '≤ 1.3 ×',
    (rows) => most(1.3, grown(rows, name), times)]),
];

// --- dashboards that wait ---

/** [ours / theirs, where], for each case and percentile that both have. */
function latencies(rows, ours, theirs) {
  return rows.filter((one) => one.contender === ours).flatMap((one) => {
    const { waiting, rate } = one;
    const other = row(rows, { contender: theirs, waiting, rate });
    const where = `${thousands(waiting)} waiting, ${rate ? `${thousands(rate)} beats/s beside` : 'idle'}`;
    return ['p50', 'p99'].map((p) => [one[p] / other[p], `${p}, ${where}`]);
  });
}

const LATENCY = [
  ...SERVERS.map((server) => [
    `beat sent → dashboard has it, over programs that only hold and answer: ${server}`, '≤ 1.3 ×',
    (rows) => highest(1.3, latencies(rows, server, `loop-${server}`))]),
  ...SERVERS.map((server) => [
    `the same, against Socket.IO, both transports: ${server}`, '< 1 ×',
    (rows) => highest(1, Object.entries(SOCKETIO).flatMap(([name, label]) =>
      latencies(rows, server, name).map(([ratio, where]) => [ratio, `${label}: ${where}`])), { below: true })]),
];

const FANOUT = [
  ...SERVERS.flatMap((server) => [1000, 5000].map((waiting) => [
    `one change → the last of ${thousands(waiting)} dashboards has it, over programs that only hold and answer: ${server}`, '≤ 1.2 ×',
    (rows) => most(1.2, row(rows, { contender: server, waiting }).last /
      row(rows, { contender: `loop-${server}`, waiting }).last, times)])),
  ['memory of a poll that is held: our program', '≤ 1,000 bytes',
    (rows) => most(1000, largest(rows, 'lighttpd').programsMemory, unit('bytes'))],
  ['the same with lighttpd’s, against Socket.IO and nchan', '< 1 ×',
    (rows) => highest(1, Object.entries(MEMORY).map(([name, label]) =>
      [largest(rows, 'lighttpd').memory / largest(rows, name).memory, label]), { below: true })],
];

/** With most dashboards. */
function largest(rows, contender) {
  return rows.filter((one) => one.contender === contender).sort((a, b) => b.waiting - a.waiting)[0];
}

// --- the rest ---

const EXPIRY = [
  ['10,000 customers that fall silent in one second: events missing, told twice, or wrongly dated', '0',
    (rows) => most(0, rows.reduce((sum, { lost, twice, wrong }) => sum + lost + twice + wrong, 0), String)],
  ['the same: the latest, after its moment', '≤ 100 ms',
    (rows) => most(100, row(rows, { rate: 0 }).latest, unit('ms'))],
  ['the same while others beat 500 times a second', '≤ 100 ms',
    (rows) => most(100, row(rows, { rate: 500 }).latest, unit('ms'))],
];

const WRITERS = [
  ['8 processes that write at once: how long a beat waits for its turn, p99.9', '≤ 20 ms',
    ([one]) => most(20, one.p999, unit('ms'))],
  ['the same: the longest', '≤ 100 ms', ([one]) => most(100, one.max, unit('ms'))],
  ['the same: refused, for the store was busy', '0', ([one]) => most(0, one.busy, String)],
];

const GOALS = { beats: BEATS, tabs: TABS, latency: LATENCY, fanout: FANOUT, expiry: EXPIRY, writers: WRITERS };

function goals(results) {
  return Object.entries(GOALS).flatMap(([bench, list]) => list.map(([measure, goal, find]) => ({
    measure, goal, ...(results[bench] && find(results[bench].rows)),
  })));
}

module.exports = { goals };
