// Many who fall silent one soon after the other: whoever asks meanwhile is told
// of all whose moment has come, and each reader of each of them once.

'use strict';

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { startDemo, newTab, inParallel } = require('../lib/demo');

const CUSTOMERS = 240; // one answer may tell of all their comings and goings
let demo;

before(async () => {
  demo = await startDemo({ set: { timeoutMs: 4000, minBeatMs: 0 } });
});

after(() => demo?.stop());

/** Asks on until all have gone: {conversationId: [timestamp, …]}; `check` sees each answer. */
async function follow(cursor, query, check = () => {}) {
  const told = new Map();
  const end = Date.now() + 30000;
  while (told.size < CUSTOMERS && Date.now() < end) {
    const answer = await demo.poll({ ...query, cursor });
    ({ cursor } = answer);
    for (const { event, conversationId, timestamp } of answer.events)
      if (event === 'customer:offline')
        told.set(conversationId, [...told.get(conversationId) ?? [], timestamp]);
    check(told, answer.serverTime);
  }
  return told;
}

test('while many fall silent, each is told once, at its moment, and none is held back from who asks', async () => {
  const cursor = await demo.cursor();
  const ends = new Map();
  await inParallel(Array.from({ length: CUSTOMERS }), 16, async () => {
    const session = await demo.conversation();
    const { json } = await demo.online(session, newTab());
    ends.set(session.conversationId, new Date(Date.parse(json.serverTime) + json.leaseMs).toISOString());
  });
  const complete = (told, serverTime) => {
    for (const [id, end] of ends)
      assert.ok(end > serverTime || told.has(id), `at ${serverTime} ${id} was not told to be gone since ${end}`);
  };
  const all = await Promise.all([
    follow(cursor, { timeout: 0 }, complete),
    follow(cursor, { timeout: 20, client: 'one' }),
  ]);
  for (const told of all)
    for (const [id, end] of ends)
      assert.deepEqual(told.get(id), [end]);
});
