// The servers side by side, each with the config that is shipped for it: how
// many dashboards may wait at once, what a poll that is held costs, how long
// one takes that is answered at once, and how soon one change reaches all that
// wait; then, with three times as many dashboards as places, of which two in
// three ask every 5 s, how long the slowest beat took and how soon a change
// reached the last of them.
// These are the figures of the README's table.
//
// Memory is the PSS of the web server and the programs together: what they
// share is counted once.

'use strict';

const http = require('node:http');
const { Reader } = require('../tests/lib/reader');
const { startDemo, newTab, until, sleep, descendantsOf } = require('../tests/lib/demo');
const { memory } = require('./lib/measure');

const SERVERS = ['lighttpd', 'nginx', 'proxy_fcgi', 'mod_fcgid', 'bundle', 'cgi', 'lighttpd_cgi'];
const MOST = 1000; // polls held; a server's own limit may be below
const ANSWERED = 200;
const CHANGES = 5;

/** Of all processes of the demo but its shell, in bytes. */
const memoryOf = (demo) => memory(descendantsOf(demo.pid).map((p) => p.pid));

/** How long a poll takes that is answered at once: the median, in ms. */
async function answered(demo, cursor) {
  const times = [];
  for (let i = 0; i < ANSWERED; i++) {
    const at = performance.now();
    await demo.poll({ timeout: 0, cursor });
    times.push(performance.now() - at);
  }
  return times.sort((a, b) => a - b)[ANSWERED / 2];
}

/** Fills all places: gives the polls that are held, and where they end. */
async function fill(demo, cursor) {
  const held = [];
  let full = false;
  let i = 0;
  const agent = new http.Agent({ keepAlive: false });
  while (!full && held.length < MOST) {
    const poll = { status: 0 };
    poll.answer = demo.pollOf(agent, { cursor, timeout: 55, client: `bench${i++}` })
      .then((answer) => Object.assign(poll, answer, { at: performance.now() }));
    held.push(poll);
    await until(async () => poll.status || await demo.held() >= held.length,
      { deadline: 15000, what: `poll ${held.length} is held` });
    full = poll.status === 503;
    if (full)
      held.pop();
    else if (poll.status)
      throw new Error(`poll ${held.length}: ${poll.status} ${poll.text}`);
  }
  return held;
}

/**
 * Three times as many dashboards as places: those that find no room ask every
 * 5 s. Gives the slowest beat meanwhile, and how long until all saw a change,
 * in ms.
 */
async function crowd(demo, places) {
  const cursor = await demo.cursor();
  const session = await demo.conversation();
  const worst = { beat: 0, change: 0 };
  const readers = Array.from({ length: 3 * places }, () => new Reader(demo, { cursor, timeout: 20 }));
  await Promise.all(readers.map((reader) => reader.start()));
  await until(async () => await demo.held() >= places, { deadline: 60000, what: 'all places are taken' });
  for (let i = 1; i <= CHANGES; i++) {
    const other = await demo.conversation();
    const changed = performance.now();
    await demo.online(other, newTab());
    while (!readers.every((reader) => reader.of('online').length > i)) {
      const at = performance.now();
      await demo.beat(session, newTab());
      worst.beat = Math.max(worst.beat, performance.now() - at);
      await sleep(20);
    }
    worst.change = Math.max(worst.change, performance.now() - changed);
  }
  await Promise.all(readers.map((reader) => reader.stop()));
  return worst;
}

async function measure(server) {
  const demo = await startDemo({ server, set: { minBeatMs: 0 } });
  demo.pollOf = (agent, query) => demo.request({
    agent, path: `/api/widget/events?${new URLSearchParams(query)}`, headers: demo.asAgent, deadline: 90000,
  });
  try {
    const session = await demo.conversation();
    await demo.beat(session, newTab());
    const cursor = await demo.cursor();

    const median = await answered(demo, cursor);
    // Apache ends connections that are idle when it has few workers left, and
    // who sends something on one just then is cut off.
    demo.http = new http.Agent({ keepAlive: false });

    const before = memoryOf(demo);
    const held = await fill(demo, cursor);
    const each = (memoryOf(demo) - before) / held.length;

    const other = await demo.conversation();
    const sent = performance.now();
    await demo.online(other, newTab());
    await Promise.all(held.map((poll) => poll.answer));
    const last = Math.max(...held.map((poll) => poll.at)) - sent;
    for (const poll of held)
      if (poll.json?.events.length !== 1)
        throw new Error(`a poll was not told: ${poll.status} ${poll.text}`);

    const worst = await crowd(demo, held.length);
    return {
      server, places: held.length, most: held.length === MOST, memory: each, answered: median,
      last, crowdBeat: worst.beat, crowdChange: worst.change,
    };
  } finally {
    await demo.stop();
  }
}

function print(row) {
  console.log(`${row.server.padEnd(13)}${String(row.places).padStart(5)}${row.most ? '+' : ' '}` +
    `${(row.memory / 1024).toFixed(1).padStart(12)} kB${row.answered.toFixed(2).padStart(12)} ms` +
    `${row.last.toFixed(0).padStart(14)} ms${String(row.places * 3).padStart(9)} dashboards: ` +
    `beats within ${row.crowdBeat.toFixed(0)} ms, a change within ${(row.crowdChange / 1000).toFixed(1)} s`);
}

async function main() {
  const chosen = process.env.CONTENDERS?.split(' ') ?? SERVERS;
  console.log('server       may wait  memory a poll    answered in  a change to all');
  for (const server of chosen)
    print(await measure(server));
}

main().catch((err) => {
  console.error(err);
  process.exitCode = 1;
});
