// The long poll: holding and waking, cursors, exactly once, heartbeats, the
// client that supersedes itself, and the reset of a cursor that is no good.

'use strict';

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { startDemo, newTab, until, sleep } = require('../lib/demo');
const { Reader } = require('../lib/reader');

const WINDOW = 4000; // longer than two requests take, on a busy machine too

let demo;

before(async () => {
  demo = await startDemo({
    set: { timeoutMs: WINDOW, hiddenTimeoutMs: 60000, leaveGraceMs: 200, minBeatMs: 0 },
  });
});
after(() => demo?.stop());

test('without a cursor it starts now: what was before is not told', async () => {
  const session = await demo.conversation();
  await demo.online(session, newTab(), { visibility: 'hidden' });
  const answer = await demo.poll({ timeout: 0, conversationId: session.conversationId });
  assert.deepEqual(answer.events, []);
  assert.equal(typeof answer.cursor, 'string');
  assert.match(answer.serverTime, /^\d{4}-.*Z$/);
});

test('timeout=0 asks and goes; answers are no-store', async () => {
  const answer = await demo.pollAnswer({ timeout: 0, cursor: await demo.cursor() });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json.events, []);
  assert.equal(answer.headers['cache-control'], 'no-store');
});

test('with nothing to tell it is held for its timeout', async () => {
  const { conversationId } = await demo.conversation();
  const start = Date.now();
  const answer = await demo.poll({ timeout: 1, conversationId });
  assert.ok(Date.now() - start >= 950, `held ${Date.now() - start} ms`);
  assert.deepEqual(answer.events, []);
});

test('without a timeout it is held for pollTimeoutMs', async (t) => {
  const short = await startDemo({ set: { pollTimeoutMs: 700 } });
  t.after(() => short.stop());
  const start = Date.now();
  assert.deepEqual((await short.poll({})).events, []);
  assert.ok(Date.now() - start >= 650, `held ${Date.now() - start} ms`);
});

test('a held poll wakes for what happens, with every member of the event', async () => {
  const session = await demo.conversation();
  const { conversationId } = session;
  const cursor = await demo.cursor();
  const held = demo.poll({ timeout: 30, conversationId, cursor });
  const beat = await demo.online(session, newTab(), { visibility: 'hidden' });
  const { events: [event, ...more] } = await held;
  assert.deepEqual(more, []);
  const presence = await demo.presence(conversationId);
  assert.deepEqual(event, {
    event: 'customer:online', conversationId, sessionId: session.sessionId,
    timestamp: beat.json.serverTime, isOnline: true, status: 'away', connections: 1,
    expiresAt: presence.expiresAt,
  });
});

test('falling silent comes by itself while somebody waits, dated at the true moment', async () => {
  const session = await demo.conversation();
  await demo.online(session, newTab());
  const { expiresAt, cursor } = await demo.presence(session.conversationId);
  const { events: [event] } = await demo.poll(
    { timeout: 30, conversationId: session.conversationId, cursor });
  assert.equal(event.event, 'customer:offline');
  assert.equal(event.reason, 'timeout');
  assert.equal(event.timestamp, expiresAt);
  assert.equal(event.isOnline, false);
});

test('falling silent unseen is told to the next reader, dated at the true moment', async () => {
  const session = await demo.conversation();
  await demo.online(session, newTab());
  const { expiresAt, cursor } = await demo.presence(session.conversationId);
  await sleep(WINDOW + 500); // nobody looks meanwhile
  const { events: [event] } = await demo.poll(
    { timeout: 0, conversationId: session.conversationId, cursor });
  assert.equal(event.event, 'customer:offline');
  assert.equal(event.timestamp, expiresAt);
});

test('presence, then events from its cursor: misses nothing and repeats nothing', async () => {
  const session = await demo.conversation();
  const tab = newTab();
  await demo.online(session, tab, { visibility: 'hidden' });
  const { cursor } = await demo.presence(session.conversationId);
  const query = { timeout: 0, conversationId: session.conversationId };
  assert.deepEqual((await demo.poll({ ...query, cursor })).events, []);
  await demo.offline(session, tab);
  const { events } = await demo.poll({ ...query, timeout: 10, cursor });
  assert.ok(events.some((e) => e.event === 'customer:offline' || e.event === 'customer:heartbeat'));
});

test('the same cursor gives the same events again; the next one goes on', async () => {
  const session = await demo.conversation();
  const cursor = await demo.cursor();
  const query = { timeout: 0, conversationId: session.conversationId };
  await demo.online(session, newTab(), { visibility: 'hidden' });
  const first = await demo.poll({ ...query, cursor });
  const again = await demo.poll({ ...query, cursor });
  assert.equal(first.events.length, 1);
  assert.deepEqual(again.events, first.events);
  assert.deepEqual((await demo.poll({ ...query, cursor: first.cursor })).events, []);
});

test('many readers each see every coming and going once, in order', async (t) => {
  const sessions = await Promise.all(Array.from({ length: 10 }, () => demo.conversation()));
  const mine = new Set(sessions.map((s) => s.sessionId));
  const cursor = await demo.cursor();
  const readers = [{ timeout: 10 }, { timeout: 0, pause: 20 }, { timeout: 1, heartbeats: 1 }]
    .map((query) => new Reader(demo, { ...query, cursor }));
  await Promise.all(readers.map((r) => r.start()));
  t.after(() => Promise.all(readers.map((r) => r.stop())));
  for (let round = 0; round < 5; round++) {
    const tab = newTab();
    await Promise.all(sessions.map((s) => demo.online(s, tab, { visibility: 'hidden' })));
    await Promise.all(sessions.map((s) => demo.offline(s, tab)));
    await until(async () => (await demo.presence(sessions.map((s) => s.conversationId)))
      .presences.every((p) => !p.isOnline), { what: 'all gone' });
  }
  const changes = (reader) => reader.events.filter(
    (e) => mine.has(e.sessionId) && e.event !== 'customer:heartbeat');
  for (const reader of readers)
    await until(() => changes(reader).length >= 100, { what: '100 changes' });
  for (const reader of readers) {
    assert.deepEqual(changes(reader), changes(readers[0]));
    for (const { sessionId } of sessions)
      assert.deepEqual(
        changes(reader).filter((e) => e.sessionId === sessionId).map((e) => e.event),
        Array(5).fill(['customer:online', 'customer:offline']).flat());
  }
});

test('heartbeats come for a named conversation', async () => {
  const session = await demo.conversation();
  const tab = newTab();
  await demo.online(session, tab, { visibility: 'hidden' });
  const { cursor } = await demo.presence(session.conversationId);
  const held = demo.poll({ timeout: 30, conversationId: session.conversationId, cursor });
  await demo.typing(session, tab);
  const { events: [event] } = await held;
  assert.equal(event.event, 'customer:heartbeat');
  assert.equal(event.sessionId, session.sessionId);
  assert.equal(event.typing, true);
  assert.equal(event.isOnline, true);
  assert.equal(event.connections, 1);
});

test('without a name heartbeats come only when asked for', async () => {
  const session = await demo.conversation();
  const tab = newTab();
  await demo.online(session, tab, { visibility: 'hidden' });
  const cursor = await demo.cursor();
  await demo.beat(session, tab, { visibility: 'hidden' });
  const of = ({ events }) => events.filter((e) => e.sessionId === session.sessionId);
  assert.deepEqual(of(await demo.poll({ timeout: 0, cursor })), []);
  const asked = of(await demo.poll({ timeout: 0, cursor, heartbeats: 1 }));
  assert.deepEqual(asked.map((e) => e.event), ['customer:heartbeat']);
});

test('going away and coming back shows in the heartbeats', async (t) => {
  const session = await demo.conversation();
  const tab = newTab();
  const reader = await new Reader(demo, { conversationId: session.conversationId }).start();
  t.after(() => reader.stop());
  await demo.online(session, tab, { visibility: 'visible' });
  await demo.beat(session, tab, { visibility: 'hidden' });
  await reader.see((e) => e.status === 'away');
  await demo.beat(session, tab, { visibility: 'visible' });
  await reader.see((e) => e.event === 'customer:heartbeat' && e.status === 'online');
});

test('a newer poll of the same client ends the older at once, empty', async () => {
  const { conversationId } = await demo.conversation();
  const query = { timeout: 30, conversationId, client: newTab() };
  const answered = [];
  const polls = [1, 2].map((n) => demo.poll(query).then((json) => answered.push({ n, json })));
  await until(() => answered.length === 1, { what: 'one of the two is answered' });
  assert.deepEqual(answered[0].json.events, []);
  const third = demo.poll({ ...query, timeout: 0 });
  assert.deepEqual((await third).events, []);
  await Promise.all(polls);
  assert.equal(answered.length, 2, 'and the third ended the second');
});

test('polls of different clients, and of none, leave each other alone', async () => {
  const session = await demo.conversation();
  const query = { timeout: 30, conversationId: session.conversationId, cursor: await demo.cursor() };
  const polls = [{ client: 'a' }, { client: 'b' }, {}, {}].map((c) => demo.poll({ ...query, ...c }));
  await sleep(300); // time enough to end one wrongly
  await demo.online(session, newTab());
  for (const { events } of await Promise.all(polls))
    assert.deepEqual(events.map((e) => e.event), ['customer:online']);
});

test('a client that breaks off its poll misses nothing', async () => {
  const session = await demo.conversation();
  const cursor = await demo.cursor();
  await demo.raw(`GET /api/widget/events?timeout=30&cursor=${encodeURIComponent(cursor)} HTTP/1.1\r\n` +
    `Host: x\r\nAuthorization: Bearer ${demo.agentToken}\r\n\r\n`, { deadline: 300, end: false });
  await demo.online(session, newTab());
  const { events } = await demo.poll({ timeout: 0, cursor });
  assert.ok(events.some((e) => e.sessionId === session.sessionId));
});

test('a cursor of another store says reset and gives one to go on with', async (t) => {
  const other = await startDemo();
  t.after(() => other.stop());
  const answer = await demo.poll({ timeout: 30, cursor: await other.cursor() });
  assert.equal(answer.reset, true);
  assert.deepEqual(answer.events, []);
  const next = await demo.poll({ timeout: 0, cursor: answer.cursor });
  assert.equal(next.reset, undefined);
});

test('a cursor older than the retention says reset', async (t) => {
  const brief = await startDemo({ set: { retentionMs: 1000, leaveGraceMs: 0, minBeatMs: 0 } });
  t.after(() => brief.stop());
  const session = await brief.conversation();
  const cursor = await brief.cursor();
  await until(async () => {
    const tab = newTab();
    await brief.online(session, tab);
    await brief.offline(session, tab);
    return (await brief.poll({ timeout: 0, cursor })).reset;
  }, { every: 200, what: 'the old cursor is told to reset' });
  assert.equal((await brief.poll({ timeout: 0, cursor: await brief.cursor() })).reset, undefined);
});
