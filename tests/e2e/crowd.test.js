// The crowd: 100,000 beats over 10,000 sessions leave exactly 10,000 online
// sessions, and after the window exactly 10,000 customer:offline events,
// each once, whoever reads.
//
// The window must be longer than one round of 10,000 beats takes, or the
// first would run out before the last came: a round takes 1 or 2 s, and a
// machine that is ten times slower still fits. The load generator of the
// benches sends them: Node would take longer for them than the server.

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { load } = require('../../bench/lib/measure');
const { startDemo, newTab, until, inParallel } = require('../lib/demo');
const { Reader } = require('../lib/reader');

const SESSIONS = 10000;
const ROUNDS = 10;
const WINDOW = 60000;
const CONNECTIONS = 50;

test('10,000 customers come, beat and fall silent', { timeout: 300000 }, async (t) => {
  const demo = await startDemo({ set: { timeoutMs: WINDOW, minBeatMs: 0 } });
  t.after(() => demo.stop());
  let clock = Date.now();
  const lap = (what) => {
    t.diagnostic(`${what}: ${((Date.now() - clock) / 1000).toFixed(1)} s`);
    clock = Date.now();
  };

  const sessions = await inParallel(Array.from({ length: SESSIONS }), 64, () => demo.conversation());
  lap('conversations');
  const cursor = await demo.cursor();
  const readers = [
    await new Reader(demo, { cursor, timeout: 20 }).start(), // waits
    await new Reader(demo, { cursor, timeout: 0, pause: 100 }).start(), // asks and goes
  ];

  const tabs = sessions.map(newTab);
  const took = [];
  let beats = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    const requests = sessions.map((session, i) => beat(session, tabs[i], round));
    const [{ beats: { good, seconds } }] = await Promise.all([
      load({ beats: { proto: 'http', port: demo.port, connections: CONNECTIONS,
        count: SESSIONS, requests, expect: '"ok":true' } }),
      round > 1 && looks(demo, sessions),
    ]);
    beats += good;
    took.push(seconds.toFixed(1));
  }
  lap(`${beats} beats, in rounds of ${took.join(' ')} s`);
  assert.equal(beats, SESSIONS * ROUNDS);

  const online = await everybody(demo);
  lap('presence of all, in pages');
  assert.equal(online.length, SESSIONS);
  assert.equal(new Set(online.map((p) => p.conversationId)).size, SESSIONS);
  assert.equal(online.reduce((sum, p) => sum + p.devices, 0), SESSIONS);
  assert.ok(online.every((p) => p.isOnline && p.socketsInRoom === 1));
  const due = new Map(online.map((p) => [p.sessions[0].sessionId, p.expiresAt]));

  await until(async () => (await demo.presence()).presences.length === 0,
    { deadline: WINDOW + 60000, every: 500, what: 'all are offline' });
  lap('the window, until nobody is online');
  for (const reader of readers) {
    await until(() => reader.of('offline').length >= SESSIONS,
      { deadline: 60000, what: 'all have been told offline' });
    exactlyOnce(reader.of('online'), sessions);
    exactlyOnce(reader.of('offline'), sessions);
    assert.equal(reader.resets, 0);
    assert.equal(reader.failures, 0);
    for (const event of reader.of('offline')) {
      assert.equal(event.reason, 'timeout');
      assert.equal(event.timestamp, due.get(event.sessionId), 'dated at the true moment');
    }
    await reader.stop();
  }
  lap('all events');
  const rest = await demo.poll({ timeout: 0, cursor: readers[0].cursor });
  assert.deepEqual(rest.events, []);

  // So far back only comings and goings are still known one by one.
  const heartbeats = await demo.poll({ timeout: 0, cursor, heartbeats: 1 });
  assert.equal(heartbeats.reset, true);
  const comings = await demo.poll({ timeout: 0, cursor });
  assert.equal(comings.reset, undefined);
  assert.equal(comings.events.length, 500);
});

/** A beat as a whole HTTP request. */
function beat({ conversationId, sessionId }, tabId, seq) {
  const body = JSON.stringify({ conversationId, sessionId, tabId, seq });
  return 'POST /api/widget/heartbeat HTTP/1.1\r\nHost: 127.0.0.1\r\n' +
    `Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** Agents look, in between, at some who have beaten. */
async function looks(demo, sessions) {
  for (let i = 0; i < sessions.length; i += 500)
    assert.equal((await demo.presence(sessions[i].conversationId)).isOnline, true);
}

/** Everybody that is online, page by page. */
async function everybody(demo) {
  const all = [];
  let after;
  do {
    const page = await demo.presence(undefined, { limit: 500, after });
    all.push(...page.presences);
    after = page.next ?? undefined;
  } while (after);
  return all;
}

function exactlyOnce(events, sessions) {
  const told = new Map();
  for (const e of events)
    told.set(e.sessionId, [...told.get(e.sessionId) ?? [], e]);
  assert.deepEqual([...told.values()].filter((list) => list.length > 1), [], 'told more than once');
  assert.deepEqual(new Set(events.map((e) => e.sessionId)), new Set(sessions.map((s) => s.sessionId)));
}
