// Leaving: the grace that hides page changes, several tabs of a session,
// several devices of a customer, and packets that come late.

'use strict';

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { startDemo, newTab, until } = require('../lib/demo');
const { Reader } = require('../lib/reader');

const GRACE = 3000; // longer than the next request takes, on a busy machine too

let demo;

before(async () => {
  demo = await startDemo({ set: { leaveGraceMs: GRACE, minBeatMs: 0 } });
});
after(() => demo?.stop());

/** A conversation, and a reader that follows it alone. */
async function followed(t) {
  const session = await demo.conversation();
  const reader = await new Reader(demo, { conversationId: session.conversationId }).start();
  t.after(() => reader.stop());
  return { session, reader };
}

function goneOffline({ conversationId }) {
  return until(async () => {
    const presence = await demo.presence(conversationId);
    return !presence.isOnline && presence;
  }, { what: 'offline' });
}

test('leaving takes effect after the grace, and is dated there', async (t) => {
  const { session, reader } = await followed(t);
  const tab = newTab();
  await demo.online(session, tab);
  const left = await demo.offline(session, tab);
  const during = await demo.presence(session.conversationId);
  assert.equal(during.isOnline, true, 'within the grace');
  assert.equal(Date.parse(during.expiresAt) - Date.parse(left.json.serverTime), GRACE);
  const event = await reader.see((e) => e.event === 'customer:offline');
  assert.equal(event.reason, 'left');
  assert.equal(event.timestamp, during.expiresAt);
  assert.equal(event.isOnline, false);
  assert.equal(event.status, 'offline');
  assert.equal(event.connections, 0);
  assert.equal(event.expiresAt, null);
  await goneOffline(session);
});

test('going to the next page is no flicker: no event at all', async (t) => {
  const { session, reader } = await followed(t);
  let tab = newTab();
  await demo.online(session, tab);
  for (let page = 0; page < 5; page++) {
    await demo.offline(session, tab);
    tab = newTab();
    await demo.online(session, tab);
  }
  await until(async () =>
    (await demo.presence(session.conversationId)).socketsInRoom === 1, { what: 'one tab left' });
  await demo.offline(session, tab);
  await reader.see((e) => e.event === 'customer:offline');
  assert.equal(reader.of('online').length, 1);
  assert.equal(reader.of('offline').length, 1);
});

test('one of two tabs closed: stays; the other too: goes, once', async (t) => {
  const { session, reader } = await followed(t);
  const [one, two] = [newTab(), newTab()];
  await demo.online(session, one);
  await demo.online(session, two);
  assert.equal((await demo.presence(session.conversationId)).socketsInRoom, 2);
  await demo.offline(session, one);
  const after1 = await until(async () => {
    const presence = await demo.presence(session.conversationId);
    return presence.socketsInRoom === 1 && presence;
  }, { what: 'one tab left' });
  assert.equal(after1.isOnline, true);
  assert.equal(after1.sessions[0].connections, 1);
  assert.equal(reader.of('offline').length, 0);
  await demo.offline(session, two);
  await goneOffline(session);
  await reader.see((e) => e.event === 'customer:offline');
  assert.deepEqual(reader.events.filter((e) => e.event !== 'customer:heartbeat')
    .map((e) => e.event), ['customer:online', 'customer:offline']);
});

test('two devices come and go by themselves; the conversation is online while one is',
  async (t) => {
    const { session: phone, reader } = await followed(t);
    const laptop = await demo.conversation({ id: phone.conversationId });
    assert.notEqual(laptop.sessionId, phone.sessionId);
    const [a, b] = [newTab(), newTab()];
    await demo.online(phone, a);
    await demo.online(laptop, b);
    const both = await demo.presence(phone.conversationId);
    assert.equal(both.devices, 2);
    assert.deepEqual(both.sessions.map((s) => s.sessionId).sort(),
      [phone.sessionId, laptop.sessionId].sort());
    await demo.offline(phone, a);
    const event = await reader.see((e) => e.event === 'customer:offline');
    assert.equal(event.sessionId, phone.sessionId);
    assert.equal(event.isOnline, true, 'the conversation still is');
    assert.equal(event.status, 'online');
    assert.equal(event.connections, 1);
    assert.equal((await demo.presence(phone.conversationId)).devices, 1);
    await demo.offline(laptop, b);
    const last = await reader.see((e) => e.event === 'customer:offline' && !e.isOnline);
    assert.equal(last.sessionId, laptop.sessionId);
    assert.equal(reader.of('online').length, 2);
    assert.equal(reader.of('offline').length, 2);
  });

test('a late beat does not revive a tab that left; a newer online does (back/forward cache)',
  async (t) => {
    const { session, reader } = await followed(t);
    const tab = newTab();
    await demo.online(session, tab, { seq: 1 });
    await demo.offline(session, tab, { seq: 3 });
    assert.equal((await demo.beat(session, tab, { seq: 2 })).status, 200);
    await goneOffline(session);
    assert.equal((await demo.beat(session, tab, { seq: 2 })).status, 200);
    assert.equal((await demo.presence(session.conversationId)).isOnline, false);
    await demo.online(session, tab, { seq: 4 });
    assert.equal((await demo.presence(session.conversationId)).isOnline, true);
    await reader.see(() => reader.of('online').length === 2);
  });

test('leaving a tab that was never there makes nobody online', async () => {
  const session = await demo.conversation();
  assert.equal((await demo.offline(session, newTab())).status, 200);
  assert.equal((await demo.presence(session.conversationId)).isOnline, false);
});

test('leaving twice is leaving once', async (t) => {
  const { session, reader } = await followed(t);
  const tab = newTab();
  await demo.online(session, tab);
  await demo.offline(session, tab);
  const { expiresAt } = await demo.presence(session.conversationId);
  await demo.offline(session, tab);
  const event = await reader.see((e) => e.event === 'customer:offline');
  assert.equal(event.timestamp, expiresAt, 'the second leave prolongs nothing');
  assert.equal(reader.of('offline').length, 1);
});
