// Too much is too much: beats of a session and of an address, first forms,
// wrong tokens. What is refused writes nothing and says when to come again.

'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { test, before, after } = require('node:test');
const { startDemo, newTab, sleep } = require('../lib/demo');

const SHOP = 'https://shop.example';
// So few that the next one is free after 20 s and more: what is refused stays
// refused while a test looks at it, on a busy machine too.
const SESSION_BEATS = 2;
const ADDRESS_BEATS = 3;
const FORMS = 2;
const FAILURES = 3;

let demo;
let shop;

before(async () => {
  demo = await startDemo({
    set: {
      minBeatMs: 0, beatsPerMinute: SESSION_BEATS, addressBeatsPerMinute: ADDRESS_BEATS,
      formsPerMinute: FORMS, signInFailures: FAILURES, trustedProxies: '127.0.0.0/8',
    },
  });
  shop = await demo.made('company', 'add', '-o', SHOP, 'Shop');
});
after(() => demo?.stop());

/** Headers as our proxy hands them on, for a client of that address. */
const from = (address) => ({ 'x-forwarded-for': address });
let clients = 0;
/** An address that nobody had before. */
const stranger = () => `198.51.${clients >> 8}.${clients++ & 255}`;

const beat = (session, headers, what = 'heartbeat') => demo.send('POST', `/api/widget/${what}`,
  JSON.stringify({ ...session, tabId: newTab(), typing: true }), headers);
const form = (headers, siteKey = demo.siteKey) => demo.api.post('/api/widget/conversations', { siteKey }, headers);
const signIn = (token, headers) => demo.api.post('/api/agent/session', { token }, headers);

/** Asks until it is refused; how often it was answered `status` before, and within how many minutes. */
async function untilRefused(ask, status, most = 50) {
  const start = Date.now();
  for (let n = 0; n < most; n++) {
    const answer = await ask();
    if (answer.status === 429)
      return { n, answer, minutes: (Date.now() - start) / 60000 };
    assert.equal(answer.status, status, answer.text);
  }
  throw new Error(`never refused, ${most} times`);
}

/** So many a minute, and those that came free meanwhile. */
function isShare(share, { n, minutes }) {
  assert.ok(n >= share && n <= share * (1 + minutes), `${n} in ${60 * minutes} s`);
}

function refused(answer) {
  assert.equal(answer.status, 429, answer.text);
  assert.equal(answer.json.error, 'rate_limited');
  assert.match(answer.headers['retry-after'], /^[1-9]\d*$/);
}

test('a session has its share of beats, from whatever address', async () => {
  const session = await demo.conversation();
  const found = await untilRefused(() => beat(session, from(stranger())), 200);
  const { answer } = found;
  isShare(SESSION_BEATS, found);
  refused(answer);
  assert.ok(Number(answer.headers['retry-after']) <= 60 / SESSION_BEATS + 1);
  assert.equal((await beat(await demo.conversation(), from(stranger()))).status, 200, 'another session has its own');
});

test('what is refused is not written', async () => {
  const session = await demo.conversation();
  await untilRefused(() => beat(session, from(stranger())), 200);
  const before = await demo.presence(session.conversationId);
  for (const what of ['online', 'heartbeat', 'offline', 'typing'])
    refused(await beat(session, from(stranger()), what));
  const after = await demo.presence(session.conversationId);
  assert.equal(after.socketsInRoom, before.socketsInRoom);
  assert.equal(after.lastHeartbeat, before.lastHeartbeat);
});

test('an address has its share of beats, over all sessions', async () => {
  const address = stranger();
  const found = await untilRefused(async () => beat(await demo.conversation(), from(address)), 200);
  isShare(ADDRESS_BEATS, found);
  refused(found.answer);
  const session = await demo.conversation();
  refused(await beat(session, from(address)));
  assert.equal((await beat(session, from(stranger()))).status, 200, 'another address has its own');
});

test('guessing sessions costs the address its share', async () => {
  const address = stranger();
  let i = 0; // each another one, or it would be the share of that session
  isShare(ADDRESS_BEATS, await untilRefused(() =>
    beat({ conversationId: 'conv_123', sessionId: `${i++}`.padEnd(32, '0') }, from(address)), 403));
});

test('an IPv6 client is its 64 bits', async () => {
  let i = 0;
  await untilRefused(async () => beat(await demo.conversation(), from(`2001:db8:1:2::${(i++).toString(16)}`)), 200);
  const session = await demo.conversation();
  refused(await beat(session, from('2001:db8:1:2:ffff:ffff:ffff:ffff')));
  assert.equal((await beat(session, from('2001:db8:1:3::1'))).status, 200);
});

test('who writes the header himself is not believed', async () => {
  const address = stranger();
  await untilRefused(async () => beat(await demo.conversation(), from(`${stranger()}, ${address}`)), 200);
  const session = await demo.conversation();
  refused(await beat(session, from(`127.0.0.1, ${stranger()}, ${address}, 127.0.0.2`)));
  refused(await beat(session, { ...from(address), forwarded: `for=${stranger()}` }));
  // Some servers make the same variable of this name.
  const other = stranger();
  await untilRefused(async () => beat(await demo.conversation(), { ...from(other), x_forwarded_for: stranger() }), 200);
});

test('an address has its share of first forms, and no conversation more', async () => {
  const address = stranger();
  const found = await untilRefused(() => form(from(address)), 201);
  isShare(FORMS, found);
  refused(found.answer);
  assert.ok(Number(found.answer.headers['retry-after']) <= 60 / FORMS);
  const count = async () => /^conversations +(\d+)$/m.exec((await demo.command('status')).stdout)[1];
  const before = await count();
  refused(await form(from(address)));
  refused(await form(from(address), 'pls_guess'));
  assert.equal(await count(), before);
  assert.equal((await form(from(stranger()))).status, 201);
});

test('pages of our sites can read for how long to wait', async () => {
  const address = stranger();
  const { answer } = await untilRefused(() => form({ ...from(address), origin: SHOP }, shop.SITE_KEY), 201);
  assert.equal(answer.headers['access-control-allow-origin'], SHOP);
  assert.match(answer.headers['access-control-expose-headers'], /Retry-After/i);
  const evil = await form({ ...from(address), origin: 'https://evil.example' }, shop.SITE_KEY);
  refused(evil);
  assert.equal(evil.headers['access-control-allow-origin'], undefined);
});

test('wrong tokens make an address wait, longer each time', async () => {
  const address = stranger();
  // Who takes longer for the next try than the wait is has not waited: n is one more.
  let { n, answer } = await untilRefused(() => signIn('pla_guess', from(address)), 401);
  assert.ok(n > FAILURES, `${n}`);
  refused(answer);
  const wait = () => Number(answer.headers['retry-after']);
  assert.ok(wait() <= 2 ** (n - FAILURES), `${wait()} s after ${n}`);
  // A wait that was sat out, one more mistake: it doubles. 8 s are enough to look at.
  while (n < FAILURES + 3) {
    await sleep(1000 * wait());
    const more = await untilRefused(() => signIn('pla_guess', from(address)), 401);
    assert.ok(more.n > 0);
    n += more.n;
    ({ answer } = more);
    refused(answer);
    assert.ok(wait() <= 2 ** (n - FAILURES) && (more.minutes > 0.01 || wait() > 2 ** (n - FAILURES - 1)),
      `${wait()} s after ${n}`);
  }
  refused(await signIn(demo.agentToken, from(address))); // nor is a good one looked at
  assert.equal((await signIn(demo.agentToken, from(stranger()))).status, 200, 'others may');
});

test('who has waited is let in', async () => {
  const address = stranger();
  const { answer } = await untilRefused(() => signIn('pla_guess', from(address)), 401);
  await sleep(Number(answer.headers['retry-after']) * 1000);
  assert.equal((await signIn(demo.agentToken, from(address))).status, 200);
});

test('addresses stand in no file of ours', async () => {
  const address = '203.0.113.77';
  await form(from(address));
  for (const suffix of ['', '-wal', '-shared', '-shm']) {
    if (!fs.existsSync(demo.db + suffix))
      continue;
    const bytes = fs.readFileSync(demo.db + suffix);
    assert.ok(!bytes.includes(address), suffix);
    assert.ok(!bytes.includes(Buffer.from([203, 0, 113, 77])), suffix);
  }
  assert.ok(!demo.log().includes(address));
});

test('without trusted proxies the header is not heard', async (t) => {
  const strict = await startDemo({ set: { formsPerMinute: 2 } });
  t.after(() => strict.stop());
  const ask = (headers) => strict.api.post('/api/widget/conversations', { siteKey: strict.siteKey }, headers);
  const statuses = [];
  for (let i = 0; i < 5; i++)
    statuses.push((await ask({ ...from(stranger()), forwarded: `for=${stranger()}` })).status);
  assert.deepEqual(statuses.slice(0, 2), [201, 201]);
  assert.ok(statuses.slice(2).includes(429), `${statuses}`);
});
