// Beats and presence: what a beat answers, what an agent reads after it, and
// when it ends. The window is short here; that 60 s are 60 s to the
// millisecond is the unit tests' part.

'use strict';

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { startDemo, newTab, until } = require('../lib/demo');

const WINDOW = 4000; // longer than two requests take, on a busy machine too
const HIDDEN = 60000; // for more of them
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let demo;

before(async () => {
  demo = await startDemo({
    set: {
      timeoutMs: WINDOW, hiddenTimeoutMs: HIDDEN, heartbeatIntervalMs: 1000, minBeatMs: 0,
      log: 'debug',
    },
  });
});
after(() => demo?.stop());

test('the answer to a beat says status, lease, interval and time', async () => {
  const session = await demo.conversation();
  for (const what of ['online', 'heartbeat', 'typing', 'offline']) {
    const extra = what === 'typing' ? { typing: true } : {};
    const answer = await demo.tell(what, session, 'tab-0123456789abcdef', extra);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.ok, true);
    assert.equal(answer.json.status, 'online');
    assert.equal(answer.json.leaseMs, WINDOW);
    assert.equal(answer.json.heartbeatIntervalMs, 1000);
    assert.match(answer.json.serverTime, ISO);
    assert.match(answer.headers['content-type'], /^application\/json/);
  }
});

test('a conversation that never had a beat is offline and has no last heartbeat', async () => {
  const { conversationId } = await demo.conversation();
  const presence = await demo.presence(conversationId);
  assert.equal(presence.conversationId, conversationId);
  assert.equal(presence.platform, 'WIDGET');
  assert.equal(presence.supported, true);
  assert.equal(presence.isOnline, false);
  assert.equal(presence.status, 'offline');
  for (const name of ['lastHeartbeat', 'onlineSince', 'expiresAt'])
    assert.equal(presence[name], null, name);
  assert.equal(presence.socketsInRoom, 0);
  assert.equal(presence.devices, 0);
  assert.equal(presence.typing, false);
  assert.deepEqual(presence.sessions, []);
  assert.equal(typeof presence.cursor, 'string');
});

test('a beat makes the conversation online, with every member of the answer', async () => {
  const session = await demo.conversation();
  const beat = await demo.beat(session, newTab());
  const presence = await demo.presence(session.conversationId);
  assert.equal(presence.isOnline, true);
  assert.equal(presence.status, 'online');
  assert.equal(presence.socketsInRoom, 1);
  assert.equal(presence.devices, 1);
  for (const name of ['lastHeartbeat', 'onlineSince', 'expiresAt', 'serverTime'])
    assert.match(presence[name], ISO, name);
  assert.equal(presence.lastHeartbeat, beat.json.serverTime);
  assert.equal(presence.onlineSince, beat.json.serverTime);
  assert.equal(Date.parse(presence.expiresAt) - Date.parse(presence.lastHeartbeat), WINDOW);
  assert.deepEqual(presence.sessions, [{
    sessionId: session.sessionId, status: 'online', connections: 1,
    onlineSince: presence.onlineSince, lastHeartbeat: presence.lastHeartbeat,
  }]);
});

test('presence is no-store and text/plain beats count like JSON ones', async () => {
  const session = await demo.conversation();
  const body = { ...session, tabId: newTab() };
  assert.equal((await demo.api.post('/api/widget/heartbeat', body)).status, 200);
  assert.equal((await demo.api.post('/api/widget/heartbeat', JSON.stringify(body),
    { 'content-type': 'text/plain;charset=UTF-8' })).status, 200);
  const answer = await demo.api.get('/api/widget/presence',
    { conversationId: session.conversationId }, demo.asAgent);
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.equal(answer.json.socketsInRoom, 1);
});

test('online until the lease runs out and offline from that moment, by the server\'s clock',
  async () => {
    const session = await demo.conversation();
    await demo.beat(session, newTab());
    const { expiresAt, lastHeartbeat } = await demo.presence(session.conversationId);
    const last = await until(async () => {
      const now = await demo.presence(session.conversationId);
      const live = Date.parse(now.serverTime) < Date.parse(expiresAt);
      assert.equal(now.isOnline, live, `at ${now.serverTime}, lease until ${expiresAt}`);
      return !now.isOnline && now;
    }, { what: 'the lease runs out', every: 5 });
    assert.equal(last.status, 'offline');
    assert.equal(last.socketsInRoom, 0);
    assert.equal(last.lastHeartbeat, lastHeartbeat, 'last seen stays');
  });

test('beats within the window keep it online and move expiresAt, not onlineSince', async () => {
  const session = await demo.conversation();
  const tab = newTab();
  await demo.beat(session, tab);
  const first = await demo.presence(session.conversationId);
  const end = Date.parse(first.expiresAt) + WINDOW / 2;
  const last = await until(async () => {
    await demo.beat(session, tab);
    const now = await demo.presence(session.conversationId);
    assert.equal(now.isOnline, true);
    assert.equal(now.onlineSince, first.onlineSince);
    return Date.parse(now.serverTime) > end && now;
  }, { every: 200 });
  assert.ok(last.expiresAt > first.expiresAt);
});

test('a hidden tab has the longer lease and is away; visible again, it is online', async () => {
  const session = await demo.conversation();
  const tab = newTab();
  const hidden = await demo.beat(session, tab, { visibility: 'hidden' });
  assert.equal(hidden.json.leaseMs, HIDDEN);
  assert.equal(hidden.json.status, 'away');
  const away = await demo.presence(session.conversationId);
  assert.equal(away.status, 'away');
  assert.equal(away.isOnline, true);
  assert.equal(Date.parse(away.expiresAt) - Date.parse(away.lastHeartbeat), HIDDEN);
  await demo.beat(session, tab, { visibility: 'visible' });
  assert.equal((await demo.presence(session.conversationId)).status, 'online');
});

test('one visible tab among hidden ones makes it online', async () => {
  const session = await demo.conversation();
  await demo.beat(session, newTab(), { visibility: 'hidden' });
  await demo.beat(session, newTab(), { visibility: 'visible' });
  const presence = await demo.presence(session.conversationId);
  assert.equal(presence.status, 'online');
  assert.equal(presence.socketsInRoom, 2);
});

test('typing shows, and ends when the customer says so', async () => {
  const session = await demo.conversation();
  const tab = newTab();
  await demo.typing(session, tab);
  assert.equal((await demo.presence(session.conversationId)).typing, true);
  await demo.typing(session, tab, { typing: false });
  assert.equal((await demo.presence(session.conversationId)).typing, false);
});

test('typing wears off by itself while the tab stays', async () => {
  const session = await demo.conversation();
  const tab = newTab();
  await demo.typing(session, tab);
  await until(async () => {
    await demo.beat(session, tab);
    return !(await demo.presence(session.conversationId)).typing;
  }, { every: 500, what: 'typing wears off', deadline: 12000 });
  assert.equal((await demo.presence(session.conversationId)).isOnline, true);
});

test('a message whose seq is not above the last is answered and changes nothing', async () => {
  const session = await demo.conversation();
  const tab = newTab();
  await demo.online(session, tab, { seq: 5, visibility: 'hidden' });
  assert.equal((await demo.offline(session, tab, { seq: 4 })).status, 200);
  assert.equal((await demo.offline(session, tab, { seq: 5 })).status, 200);
  const { expiresAt } = await demo.presence(session.conversationId);
  await demo.beat(session, tab, { seq: 5 });
  const presence = await demo.presence(session.conversationId);
  assert.equal(presence.isOnline, true);
  assert.equal(presence.expiresAt, expiresAt);
});

test('a conversation of another platform is never online and says so', async () => {
  const presence = await demo.presence('conv_facebook');
  assert.equal(presence.platform, 'FACEBOOK');
  assert.equal(presence.supported, false);
  assert.equal(presence.isOnline, false);
  for (const name of ['status', 'lastHeartbeat', 'onlineSince', 'expiresAt'])
    assert.equal(presence[name], null, name);
  assert.equal(presence.socketsInRoom, 0);
  assert.deepEqual(presence.sessions, []);
});

test('several conversations in one answer, in the order asked for', async () => {
  const here = await demo.conversation();
  const away = await demo.conversation();
  await demo.beat(here, newTab());
  const ids = [away.conversationId, here.conversationId, 'conv_facebook'];
  const { presences, serverTime, cursor, pollTimeoutMs } = await demo.presence(ids);
  assert.match(serverTime, ISO);
  assert.equal(pollTimeoutMs, 20000, 'the setting\'s default');
  assert.equal(typeof cursor, 'string');
  assert.deepEqual(presences.map((p) => p.conversationId), ids);
  assert.deepEqual(presences.map((p) => p.isOnline), [false, true, false]);
});

test('faster beats that change nothing are answered and not written (minBeatMs)', async (t) => {
  const slow = await startDemo({ set: { minBeatMs: 59000 } });
  t.after(() => slow.stop());
  const session = await slow.conversation();
  const tab = newTab();
  await slow.beat(session, tab);
  const first = await slow.presence(session.conversationId);
  assert.equal((await slow.beat(session, tab)).status, 200);
  assert.equal((await slow.presence(session.conversationId)).lastHeartbeat, first.lastHeartbeat);
  await slow.beat(session, tab, { visibility: 'hidden' });
  assert.equal((await slow.presence(session.conversationId)).status, 'away', 'a change is written');
});

test('the first form makes a conversation that can beat', async () => {
  const answer = await demo.api.post('/api/widget/conversations',
    JSON.stringify({ siteKey: demo.siteKey, name: 'Ada', email: 'ada@example.org' }));
  assert.equal(answer.status, 201, answer.text);
  const { conversationId, sessionId } = answer.json;
  assert.ok(sessionId.length >= 22, 'a secret of 128 bits or more');
  assert.equal((await demo.beat(answer.json, newTab())).status, 200);
  assert.equal((await demo.presence(conversationId)).isOnline, true);
});

test('health says ok', async () => {
  const { status, json } = await demo.api.get('/api/health');
  assert.equal(status, 200);
  assert.equal(json.status, 'ok');
  assert.equal(json.store, 'sqlite');
  assert.equal(typeof json.version, 'string');
});

test('log = debug says in words who came, beat, fell silent and went', async () => {
  const silent = await demo.conversation();
  const leaving = await demo.conversation();
  for (const session of [silent, leaving])
    await demo.online(session, 'a-tab');
  await demo.offline(leaving, 'a-tab');
  const said = (line, { conversationId }) => until(async () => {
    await demo.presence(conversationId); // whoever reads, expires
    return demo.log().includes(`debug: ${line}: ${conversationId}\n`);
  }, { what: line });
  for (const session of [silent, leaving]) {
    await said('🟢 Customer came online', session);
    await said('💓 Customer heartbeat', session);
  }
  await said('⏰ Customer heartbeat timeout', silent);
  await said('🔴 Customer went offline', leaving);
});
