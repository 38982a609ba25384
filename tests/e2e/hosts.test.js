// The host application's side: conversations made, given more sessions, and
// forgotten; and lists of presence in pages.

'use strict';

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { startDemo, newTab } = require('../lib/demo');
const { Reader } = require('../lib/reader');

let demo;

before(async () => {
  demo = await startDemo({ set: { minBeatMs: 0 } });
});
after(() => demo?.stop());

const make = (body) => demo.api.post('/api/conversations', body, demo.asHost);

test('201 makes it, a second call with its id is 200 and one more session', async () => {
  const first = await make({ id: 'order-1', name: 'Ada' });
  assert.equal(first.status, 201, first.text);
  assert.equal(first.json.conversationId, 'order-1');
  const second = await make({ id: 'order-1' });
  assert.equal(second.status, 200);
  assert.equal(second.json.conversationId, 'order-1');
  assert.notEqual(second.json.sessionId, first.json.sessionId);
  for (const session of [first.json, second.json])
    assert.equal((await demo.beat(session, newTab())).status, 200);
  assert.equal((await demo.presence('order-1')).devices, 2);
});

test('without an id it makes one up; ids and secrets are never the same twice', async () => {
  const made = await Promise.all(Array.from({ length: 50 }, () => make({})));
  assert.equal(new Set(made.map((a) => a.json.conversationId)).size, 50);
  assert.equal(new Set(made.map((a) => a.json.sessionId)).size, 50);
  for (const { json } of made)
    assert.ok(json.sessionId.length >= 22, '128 bits');
});

test('two calls at the same time with the same id make one conversation', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => make({ id: 'race' })));
  assert.equal(answers.filter((a) => a.status === 201).length, 1);
  assert.equal(answers.filter((a) => a.status === 200).length, 19);
});

test('ids may hold any letter', async () => {
  for (const id of ['größe 1/2 & ?', '日本語', '<script>', '"quoted"', 'a\\b', "o'clock"]) {
    const { status, json } = await make({ id });
    assert.equal(status, 201, id);
    await demo.beat(json, newTab());
    const presence = await demo.presence(id);
    assert.equal(presence.conversationId, id);
    assert.equal(presence.isOnline, true);
    const gone = await demo.api.delete(`/api/conversations/${encodeURIComponent(id)}`, demo.asHost);
    assert.ok(gone.status === 200 || gone.status === 204, `${id}: ${gone.status}`);
  }
});

test('DELETE forgets it, its sessions and its presence', async () => {
  const session = await demo.conversation({ id: 'forget-me' });
  const reader = new Reader(demo, { cursor: await demo.cursor() });
  await demo.online(session, newTab());
  const gone = await demo.api.delete('/api/conversations/forget-me', demo.asHost);
  assert.ok(gone.status === 200 || gone.status === 204, gone.text);
  assert.equal((await demo.beat(session, newTab())).status, 403);
  assert.equal((await demo.api.get('/api/widget/presence', { conversationId: 'forget-me' },
    demo.asAgent)).status, 403);
  const { presences } = await demo.presence();
  assert.ok(presences.every((p) => p.conversationId !== 'forget-me'));
  assert.equal(reader.resets, 0);
  const fresh = await make({ id: 'forget-me' });
  assert.equal(fresh.status, 201, 'the name is free again');
  assert.equal((await demo.presence('forget-me')).lastHeartbeat, null, 'and knows nothing');
  assert.equal((await demo.beat(session, newTab())).status, 403, 'nor do old sessions come back');
});

test('all that are online, newest first, in pages that fit together', async (t) => {
  const crowd = await startDemo({ set: { minBeatMs: 0 } });
  t.after(() => crowd.stop());
  const ids = [];
  for (let i = 0; i < 25; i++) {
    const session = await crowd.conversation();
    await crowd.online(session, newTab());
    ids.unshift(session.conversationId);
  }
  await crowd.conversation(); // never online: not in the list
  const all = await crowd.presence();
  assert.equal(all.presences.length, 25);
  assert.ok(!all.next);
  for (let i = 1; i < 25; i++)
    assert.ok(all.presences[i - 1].onlineSince >= all.presences[i].onlineSince, 'newest first');
  const seen = [];
  let after;
  let pages = 0;
  do {
    const page = await crowd.presence(undefined, { limit: 10, after });
    seen.push(...page.presences.map((p) => p.conversationId));
    assert.ok(page.presences.length <= 10);
    after = page.next ?? undefined;
    pages++;
  } while (after);
  assert.equal(pages, 3);
  assert.deepEqual(seen, all.presences.map((p) => p.conversationId));
  assert.deepEqual([...seen].sort(), [...ids].sort());
});

test('limit is 100 unless said, 500 at most', async (t) => {
  const crowd = await startDemo({ set: { minBeatMs: 0 } });
  t.after(() => crowd.stop());
  for (let i = 0; i < 120; i += 20)
    await Promise.all(Array.from({ length: 20 }, async () =>
      crowd.online(await crowd.conversation(), newTab())));
  const page = await crowd.presence();
  assert.equal(page.presences.length, 100);
  const rest = await crowd.presence(undefined, { after: page.next });
  assert.equal(rest.presences.length, 20);
  assert.equal((await crowd.presence(undefined, { limit: 500 })).presences.length, 120);
});
