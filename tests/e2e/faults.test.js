// Faults: told to end, killed in the middle of a stream of changes, the whole
// demo started again. What was answered with 200 is never lost, and who
// follows by cursor sees each coming and going exactly once.

'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { startDemo, isAlive, kill, newTab, until, sleep, MOST_POLLS } = require('../lib/demo');
const { Reader } = require('../lib/reader');

const SETTINGS = { minBeatMs: 0, leaveGraceMs: 0, timeoutMs: 600000, maxWaiters: 60 };

test('SIGTERM: events.fcgi answers the polls it holds, empty, and ends', async (t) => {
  const demo = await startDemo({ set: SETTINGS });
  t.after(() => demo.stop());
  const count = Math.min(50, MOST_POLLS);
  const polls = Array.from({ length: count }, (_, i) => demo.pollAnswer({ timeout: 55, client: `c${i}` }));
  await until(async () => await demo.held() === count, { deadline: 30000, what: 'all polls are held' });
  const pids = demo.processes('events.fcgi');
  for (const pid of pids)
    kill(pid, 'SIGTERM');
  for (const answer of await Promise.all(polls)) {
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(answer.json.events, []);
    assert.equal(typeof answer.json.cursor, 'string');
  }
  await ended(demo, 'events', pids);
  await until(async () => (await demo.pollAnswer({ timeout: 0 })).status === 200,
    { what: 'and it is there again' });
});

test('SIGTERM: presence.fcgi answers what it took and ends', async (t) => {
  const demo = await startDemo({ set: SETTINGS });
  t.after(() => demo.stop());
  const session = await demo.conversation();
  const beats = Array.from({ length: 50 }, () => demo.beat(session, newTab()));
  const pids = demo.processes('presence.fcgi');
  for (const pid of pids)
    kill(pid, 'SIGTERM');
  // 5xx: nobody was there to take it, as the web server says.
  for (const { status } of await Promise.all(beats))
    assert.ok(status === 200 || status >= 500, `${status}`);
  await ended(demo, 'presence', pids);
  await until(async () => (await demo.beat(session, newTab())).status === 200,
    { what: 'and it is there again' });
});

/** All of them end, and in good order: the log says so. */
async function ended(demo, name, pids) {
  await until(() => !pids.some(isAlive), { what: `${name}.fcgi ends` });
  for (const pid of demo.isCgi ? [] : pids)
    assert.match(demo.log(), new RegExp(`${name}\\[${pid}\\] info: ends`));
}

test('SIGKILL of either program in a stream of changes: nothing lost, nothing twice', async (t) => {
  const demo = await startDemo({ set: SETTINGS });
  t.after(() => demo.stop());
  const sessions = await Promise.all(Array.from({ length: 20 }, () => demo.conversation()));
  const cursor = await demo.cursor();
  const readers = [
    new Reader(demo, { cursor, timeout: 10 }),
    new Reader(demo, { cursor, timeout: 0, pause: 50 }),
    new Reader(demo, { cursor, timeout: 10, conversationId: sessions[0].conversationId }),
  ];
  await Promise.all(readers.map((r) => r.start()));

  // Each customer comes and goes until told to stop; a change that got no
  // 200 is said again, as a widget would: the seq tells repeats apart.
  let stop = false;
  let over = false;
  t.after(() => { stop = over = true; }); // whatever fails, the file comes to its end
  const insist = (send) => insistUntil(() => over, send);
  const rounds = new Map();
  const customers = sessions.map(async (session) => {
    let count = 0;
    while (!stop) {
      const tab = newTab();
      await insist(() => demo.online(session, tab, { seq: 1 }));
      await insist(() => demo.beat(session, tab, { seq: 2 }));
      await insist(() => demo.offline(session, tab, { seq: 3 }));
      rounds.set(session.sessionId, ++count);
      await sleep(20);
    }
  });
  for (let i = 0; i < 3; i++)
    for (const name of ['presence.fcgi', 'events.fcgi']) {
      await sleep(300);
      // A process of plain CGI is there for milliseconds: it may take many looks.
      const killLatest = () => demo.processes(name).toReversed().find((p) => kill(p, 'SIGKILL'));
      const pid = await until(killLatest, { deadline: 60000, every: 1, what: `${name} runs` });
      await until(() => ![0, pid].includes(demo.program(name)), { what: `${name} is back` });
    }
  await sleep(300);
  stop = true;
  await Promise.all(customers);

  const total = 2 * [...rounds.values()].reduce((a, b) => a + b);
  const changes = (reader) => reader.events.filter((e) => e.event !== 'customer:heartbeat');
  await until(() => changes(readers[0]).length >= total && changes(readers[1]).length >= total,
    { what: `${total} changes arrive` });
  await until(() => changes(readers[2]).length >= 2 * rounds.get(sessions[0].sessionId),
    { what: 'the changes of one conversation arrive' });
  for (const reader of readers.slice(0, 2)) {
    assert.equal(reader.resets, 0);
    for (const [sessionId, count] of rounds)
      assert.deepEqual(changes(reader).filter((e) => e.sessionId === sessionId).map((e) => e.event),
        Array(count).fill(['customer:online', 'customer:offline']).flat());
  }
  assert.equal(changes(readers[2]).length, 2 * rounds.get(sessions[0].sessionId));
  t.diagnostic(`${total} changes, 6 kills, ${readers.map((r) => r.failures)} failed polls`);
  await Promise.all(readers.map((r) => r.stop()));
});

async function insistUntil(over, send) {
  while (!over()) {
    const answer = await send().catch(() => ({ status: 0 }));
    if (answer.status === 200)
      return;
    assert.ok(answer.status === 0 || answer.status >= 500, `${answer.status} ${answer.text}`);
    await sleep(50);
  }
}

test('a started-again demo keeps keys, conversations, presence and cursors', async (t) => {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'porchlight-again-'));
  t.after(() => fs.rmSync(dataDir, { recursive: true, force: true }));
  const first = await startDemo({ set: SETTINGS, dataDir });
  const session = await first.conversation({ id: 'kept' });
  const tab = newTab();
  const cursor = await first.cursor();
  await first.online(session, tab);
  const was = await first.presence('kept');
  await first.stop();

  const second = await startDemo({ set: SETTINGS, dataDir });
  for (const name of ['agentToken', 'apiKey', 'siteKey', 'db', 'config'])
    assert.equal(second[name], first[name], name);
  const now = await second.presence('kept');
  for (const name of ['isOnline', 'onlineSince', 'lastHeartbeat', 'expiresAt', 'sessions'])
    assert.deepEqual(now[name], was[name], name);
  await second.offline(session, tab);
  const { reset, events } = await second.poll({ cursor, timeout: 0 });
  assert.equal(reset, undefined);
  assert.deepEqual(events.map((e) => e.event), ['customer:online', 'customer:offline']);
  await second.stop();
});

// The slow tick is a minute here: what is heard before is heard by the bell.
test('a database made anew in the place of another: all processes share one bell', async (t) => {
  const demo = await startDemo({ set: { ...SETTINGS, slowTickMs: 60000 } });
  t.after(() => demo.stop());
  await demo.cursor();
  const folder = path.dirname(demo.db);
  const files = () => fs.readdirSync(folder).filter((f) => f.startsWith(path.basename(demo.db)))
    .map((f) => path.join(folder, f));
  const { uid, gid } = fs.statSync(demo.db);
  for (const file of files())
    fs.rmSync(file);
  await demo.made('init');
  for (const file of files())
    fs.chownSync(file, uid, gid); // on a shared host they are its user's
  const { API_KEY: apiKey } = await demo.made('company', 'add', '-o', 'https://shop.example', 'Shop');
  const { AGENT_TOKEN: token } = await demo.made('agent', 'add', 'Jane');
  const made = await until(() => demo.conversation({ apiKey }).catch(() => null), { what: 'the new one is served' });
  // One program is started again, the other is not.
  const pids = demo.processes('events.fcgi');
  for (const pid of pids)
    kill(pid, 'SIGTERM');
  await until(() => !pids.some(isAlive), { what: 'events.fcgi ends' });
  const cursor = await until(() => demo.cursor({ token }).catch(() => null), { what: 'polls are answered again' });
  const poll = demo.poll({ token, cursor, timeout: 20 });
  await until(async () => await demo.held() === 1, { what: 'the poll is held' });
  await until(async () => (await demo.online(made, newTab())).status === 200, { what: 'beats are taken' });
  assert.equal((await poll).events[0]?.event, 'customer:online');
});
