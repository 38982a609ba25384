// What differs from server to server: how many may wait, what a crash or a
// graceful restart of the web server does, and that nothing of it is lost.

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { startDemo, newTab, until, sleep, MOST_POLLS } = require('../lib/demo');
const { Reader } = require('../lib/reader');

const SETTINGS = { minBeatMs: 0, leaveGraceMs: 0, timeoutMs: 600000 };
const ROUNDS = 2; // who may not wait sees a change only every 5 s

test('three times as many dashboards as places: beats in time, every change to all', async (t) => {
  const demo = await startDemo({ set: { ...SETTINGS, maxWaiters: 6 } });
  t.after(() => demo.stop());
  const session = await demo.conversation();
  const cursor = await demo.cursor();
  const readers = Array.from({ length: 18 }, () => new Reader(demo, { cursor, timeout: 20 }));
  await Promise.all(readers.map((r) => r.start()));
  await until(async () => readers.filter((r) => r.busy > 0).length === 12 && await demo.held() === 6,
    { deadline: 30000, what: '6 wait, and 12 are told that there is no room' });

  let slowest = 0;
  let latest = 0; // bench/servers.js tells what it is on a quiet machine
  for (let i = 0; i < ROUNDS; i++) {
    const tab = newTab();
    for (const what of ['online', 'heartbeat', 'offline']) {
      const at = performance.now();
      assert.equal((await demo.tell(what, session, tab)).status, 200);
      slowest = Math.max(slowest, performance.now() - at);
      if (what === 'heartbeat')
        continue;
      const n = i * 2 + (what === 'online' ? 1 : 2);
      await until(() => readers.every((r) => r.events.length >= n),
        { deadline: 20000, what: `change ${n} is seen by all` });
      latest = Math.max(latest, performance.now() - at);
    }
  }
  for (const { events } of readers)
    assert.deepEqual(events.map((e) => e.event),
      Array(ROUNDS).fill(['customer:online', 'customer:offline']).flat());
  t.diagnostic(`slowest beat ${slowest.toFixed(0)} ms, slowest change ${latest.toFixed(0)} ms`);
  await Promise.all(readers.map((r) => r.stop()));
});

test('a program that is killed gives its places back by itself', async (t) => {
  const demo = await startDemo({ set: { ...SETTINGS, maxWaiters: 1 } });
  t.after(() => demo.stop());
  const first = demo.pollAnswer({ timeout: 55, client: 'a' }).catch(() => {});
  await until(async () => await demo.held() === 1, { what: 'the poll is held' });
  assert.equal((await demo.pollAnswer({ timeout: 55, client: 'b' })).status, 503);
  for (const pid of demo.processes('events.fcgi'))
    process.kill(pid, 'SIGKILL');
  await first;
  await until(async () => (await demo.pollAnswer({ timeout: 1, client: 'b' })).status === 200,
    { deadline: 20000, what: 'another poll is held' });
});

test('a newer poll of the same client takes the last place', async (t) => {
  const demo = await startDemo({ set: { ...SETTINGS, maxWaiters: 1 } });
  t.after(() => demo.stop());
  const first = demo.pollAnswer({ timeout: 55, client: 'a' });
  await until(async () => await demo.held() === 1, { what: 'the poll is held' });
  const second = demo.pollAnswer({ timeout: 3, client: 'a' });
  assert.deepEqual((await first).json.events, []);
  assert.equal(await demo.held(), 1);
  assert.equal((await second).status, 200);
});

/** Which signal restarts it without cutting anybody off. */
const GRACEFUL = { nginx: 'SIGHUP' };

test('a graceful restart during 200 polls and a stream of beats loses nothing', async (t) => {
  const places = MOST_POLLS; // the other dashboards ask every 5 s
  const demo = await startDemo({ set: { ...SETTINGS, maxWaiters: places } });
  t.after(() => demo.stop());
  const sessions = await Promise.all(Array.from({ length: 10 }, () => demo.conversation()));
  const cursor = await demo.cursor();
  const readers = Array.from({ length: 200 }, () => new Reader(demo, { cursor, timeout: 10 }));
  await Promise.all(readers.map((r) => r.start()));
  await until(async () => await demo.held() === places,
    { deadline: 60000, what: `${places} polls are held` });

  let stop = false;
  let rounds = 0;
  const customers = sessions.map(async (session) => {
    while (!stop && !demo.stopped) {
      const tab = newTab();
      for (const [seq, what] of [[1, 'online'], [2, 'heartbeat'], [3, 'offline']])
        await insist(demo, () => demo.tell(what, session, tab, { seq }, { deadline: 10000 }));
      rounds++;
      await sleep(100);
    }
  });
  const before = demo.programs();
  await sleep(500);
  process.kill(demo.serverPid, GRACEFUL[demo.server] ?? 'SIGUSR1');
  // The programs that the server starts itself are all started again.
  if (!['nginx', 'proxy_fcgi'].includes(demo.server))
    await until(() => !before.some((pid) => demo.programs().includes(pid)),
      { deadline: 30000, what: 'the old programs are gone' });
  const restarted = rounds;
  await until(() => rounds > restarted + 50, { deadline: 90000, what: 'beats go on' });
  stop = true;
  await Promise.all(customers);

  await until(() => readers.every((r) => r.events.filter(isChange).length >= 2 * rounds),
    { deadline: 90000, what: `${2 * rounds} changes are seen by all` });
  for (const reader of readers) {
    assert.equal(reader.resets, 0);
    for (const { sessionId } of sessions) {
      const seen = reader.events.filter((e) => e.sessionId === sessionId && isChange(e));
      seen.forEach((e, i) => assert.equal(e.event, i % 2 ? 'customer:offline' : 'customer:online'));
    }
    assert.equal(reader.events.filter(isChange).length, 2 * rounds);
  }
  t.diagnostic(`${2 * rounds} changes; failed polls: ${readers.reduce((n, r) => n + r.failures, 0)}`);
  await Promise.all(readers.map((r) => r.stop()));
});

function isChange(e) {
  return e.event !== 'customer:heartbeat';
}

/** Says it until it is heard, as a widget does. */
async function insist(demo, send) {
  while (!demo.stopped) {
    const answer = await send().catch(() => ({ status: 0 }));
    if (answer.status === 200)
      return;
    assert.ok(answer.status === 0 || answer.status >= 500, `${answer.status} ${answer.text}`);
    await sleep(50);
  }
}
