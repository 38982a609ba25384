// How many may wait, behind each server: those who find no place see each change
// all the same, and a place is given back whatever happens to who had it.

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { startDemo, kill, newTab, until } = require('../lib/demo');
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
    kill(pid, 'SIGKILL');
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
