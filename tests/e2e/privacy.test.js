// What is kept of a customer, and how it goes: `porchlight forget`, and by
// itself. docs/privacy.md says what these tests show.

'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { startDemo, descendantsOf, newTab, until } = require('../lib/demo');
const { Reader } = require('../lib/reader');

let demo;

before(async () => {
  demo = await startDemo({ set: { minBeatMs: 0, slowTickMs: 200, conversationRetentionMs: 3000 } });
});
after(() => demo?.stop());

async function command(...args) {
  const { code, stdout, stderr } = await demo.command(...args);
  assert.equal(code, 0, stderr);
  return stdout;
}

const forget = (...args) => command('forget', '-C', 'Demo Shop', ...args);

/** How often it stands in the files of the database, or in a log. */
function traces(what) {
  const needle = Buffer.isBuffer(what) ? what : Buffer.from(what);
  let found = demo.log().split(needle.toString('latin1')).length - 1;
  for (const suffix of ['', '-wal', '-shm', '-shared', '-lock', '-bell']) {
    if (!fs.existsSync(demo.db + suffix))
      continue;
    const bytes = fs.readFileSync(demo.db + suffix);
    for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1))
      found++;
  }
  return found;
}

/** A customer by the first form, who is here, with all that he has told. */
async function customer(name, email) {
  const { status, json, text } = await demo.api.post('/api/widget/conversations',
    { siteKey: demo.siteKey, name, email });
  assert.equal(status, 201, text);
  assert.equal((await demo.online(json, newTab())).status, 200);
  return { ...json, name, email };
}

const all = ({ conversationId, sessionId, name, email }) =>
  [conversationId, Buffer.from(conversationId.slice('conv_'.length), 'hex'),
    Buffer.from(sessionId, 'hex'), sessionId, name, email].filter(Boolean);

test('who is forgotten is gone, from every file, and seen to go', async () => {
  const gone = await customer('Rumpelstiltskin', 'gold@straw.example');
  const stays = await customer('Goldilocks', 'three@bears.example');
  for (const what of [gone.conversationId, gone.name, gone.email])
    assert.ok(traces(what) > 0, `${what} is there to begin with`);
  const reader = await new Reader(demo, { conversationId: gone.conversationId, timeout: 20 }).start();
  await until(async () => await demo.held() > 0, { what: 'the poll is held' });

  await forget(gone.conversationId);
  assert.equal((await reader.see((e) => e.event === 'customer:offline')).reason, 'left');
  for (const what of all(gone))
    assert.equal(traces(what), 0, `${what}`);
  assert.ok(traces(stays.name) > 0);
  assert.equal((await demo.beat(gone, newTab())).status, 403);
  assert.equal((await demo.beat(stays, newTab())).status, 200);
  await assert.rejects(demo.presence(gone.conversationId), /403/);
  reader.stopping = true; // his polls are 403 from now on
  await reader.running;
});

test('one device is forgotten, the other stays', async () => {
  const phone = await demo.conversation({ name: 'Puss in Boots' });
  const laptop = await demo.conversation({ id: phone.conversationId });
  await demo.online(phone, newTab());
  await demo.online(laptop, newTab());
  await forget('-s', phone.sessionId);
  assert.equal(traces(Buffer.from(phone.sessionId, 'hex')), 0);
  const presence = await demo.presence(phone.conversationId);
  assert.deepEqual(presence.sessions.map((s) => s.sessionId), [laptop.sessionId]);
  assert.equal((await demo.beat(phone, newTab())).status, 403);
  assert.equal((await demo.beat(laptop, newTab())).status, 200);
});

const proc = (pid, file) => fs.readFileSync(`/proc/${pid}/${file}`, 'utf8');
const written = (pid) => Number(/wchar: (\d+)/.exec(proc(pid, 'io'))[1]);
const sleeps = (pid) => /^State:\s+S/m.test(proc(pid, 'status'));

test('a list that stands in a pager keeps nothing in the log', async (t) => {
  const name = 'x'.repeat(100), rows = 600; // more than a pipe takes
  for (let i = 0; i < rows; i += 50)
    await Promise.all(Array.from({ length: 50 }, () => demo.conversation({ name })));
  const pager = spawn('sh', ['-c', '"$0" -c "$1" conversation list -l 10000 | exec sleep 60',
    path.join(demo.build, 'cgi-bin', 'porchlight'), demo.config], { detached: true });
  t.after(() => process.kill(-pager.pid));
  // It has said more than the pager takes, and sleeps.
  await until(() => descendantsOf(pager.pid).some(({ pid, comm }) => comm === 'porchlight' &&
    written(pid) >= 65536 && sleeps(pid)), { what: 'the list stands in the pager' });
  await forget((await customer('Rapunzel', 'hair@tower.example')).conversationId);
});

test('what was deleted, or half forgotten, can be forgotten to the end', async () => {
  const fail = async (...args) => assert.equal(
    (await demo.command('forget', '-C', 'Demo Shop', ...args)).code, 1, 'it is no more');
  for (const option of [[], ['-s']]) {
    const deleted = await customer('Hansel', 'bread@crumbs.example');
    assert.equal((await demo.api.delete(`/api/conversations/${deleted.conversationId}`,
      demo.asHost)).status, 200);
    assert.ok(traces(Buffer.from(deleted.sessionId, 'hex')) > 0, 'his going is kept');
    await fail(...option, option.length ? deleted.sessionId : deleted.conversationId);
    for (const what of all(deleted))
      assert.equal(traces(what), 0, `${what}`);
  }
});

test('what is not there, or another company\'s, is told', async () => {
  const theirs = await customer('Snow White', 'seven@dwarfs.example');
  assert.equal((await demo.command('company', 'add', 'Rival')).code, 0);
  for (const args of [['no-such'], ['-s', '0'.repeat(32)], ['-s', 'no-such']]) {
    const { code, stderr } = await demo.command('forget', '-C', 'Demo Shop', ...args);
    assert.equal(code, 1);
    assert.match(stderr, /^porchlight: .*(there is no|no session)/);
  }
  for (const args of [[theirs.conversationId], ['-s', theirs.sessionId]])
    assert.equal((await demo.command('forget', '-C', 'Rival', ...args)).code, 1);
  assert.equal((await demo.beat(theirs, newTab())).status, 200);
  assert.equal((await demo.command('forget')).code, 2);
});

test('nobody comes any more: it goes by itself, beside other people\'s beats', async () => {
  const { json: gone } = await demo.api.post('/api/widget/conversations',
    { siteKey: demo.siteKey, name: 'Sleeping Beauty', email: 'hundred@years.example' });
  await demo.api.post('/api/conversations', { id: 'conv_elsewhere', platform: 'FACEBOOK' }, demo.asHost);
  const here = await demo.conversation();
  const tabId = newTab();
  await until(async () => {
    await demo.beat(here, tabId);
    return (await demo.api.get('/api/widget/presence',
      { conversationId: gone.conversationId }, demo.asAgent)).status === 403;
  }, { deadline: 30000, every: 200, what: 'it is forgotten' });
  assert.equal((await demo.beat(gone, newTab())).status, 403);
  assert.equal((await demo.beat(here, tabId)).status, 200, 'who is here stays');
  assert.equal((await demo.presence('conv_elsewhere')).supported, false, 'and what has no presence to go by');
});
