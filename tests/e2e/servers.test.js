// What differs from server to server: what a graceful restart of the web server
// does, and that nothing is lost by it.

'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { startDemo, newTab, until, sleep, MOST_POLLS } = require('../lib/demo');
const { Reader } = require('../lib/reader');

const SETTINGS = { minBeatMs: 0, leaveGraceMs: 0, timeoutMs: 600000 };

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

  const behind = () => readers.filter((r) => r.events.filter(isChange).length < 2 * rounds);
  await until(() => behind().length === 0,
    { deadline: 90000, what: `${2 * rounds} changes are seen by all` })
    .catch((err) => {
      const [one, ...others] = behind();
      err.message += `; not by ${1 + others.length}, one of which has seen ${one.events.filter(isChange).length}, ` +
        `failed ${one.failures} times, was busy ${one.busy} times, last: ${JSON.stringify(one.lastFailure)}`;
      throw err;
    });
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
