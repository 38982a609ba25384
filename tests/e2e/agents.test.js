// Who may see what: the agent's cookie session, revoked agents, and tenants
// between whom nothing crosses.

'use strict';

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { startDemo, newTab } = require('../lib/demo');

let demo;

before(async () => {
  demo = await startDemo({ set: { minBeatMs: 0 } });
});
after(() => demo?.stop());

/** The value after NAME= in what the operator's command printed. */
async function made(name, ...args) {
  const { code, stdout, stderr } = await demo.command(...args);
  assert.equal(code, 0, stderr);
  return new RegExp(`^${name}=(.*)$`, 'm').exec(stdout)[1];
}

async function login(token = demo.agentToken) {
  const answer = await demo.api.post('/api/agent/session', { token });
  const cookie = answer.headers['set-cookie']?.[0] ?? '';
  return { answer, cookie, headers: { cookie: cookie.split(';')[0] } };
}

test('a token becomes a cookie that no script can read', async () => {
  const { answer, cookie, headers } = await login();
  assert.ok(answer.status >= 200 && answer.status < 300, answer.text);
  assert.match(cookie, /HttpOnly/i);
  assert.match(cookie, /SameSite=Lax/i);
  assert.doesNotMatch(cookie, /Secure/i, 'this is plain http');
  assert.ok(!cookie.includes(demo.agentToken));
  assert.equal((await demo.api.get('/api/widget/presence', {}, headers)).status, 200);
  assert.equal((await demo.api.get('/api/widget/events', { timeout: 0 }, headers)).status, 200);
});

test('behind a proxy that takes the TLS off, the cookie of an https page is Secure', async () => {
  for (const [scheme, is] of [['https', true], ['http', false]]) {
    const origin = demo.url.replace(/^http/, scheme);
    const { headers } = await demo.api.post('/api/agent/session', { token: demo.agentToken },
      { origin, 'sec-fetch-site': 'same-origin' });
    assert.equal(/; Secure/.test(headers['set-cookie'][0]), is, scheme);
  }
});

test('DELETE ends the cookie\'s session, for both programs', async () => {
  const { headers } = await login();
  const ended = await demo.api.delete('/api/agent/session', headers);
  assert.ok(ended.status >= 200 && ended.status < 300, ended.text);
  assert.equal((await demo.api.get('/api/widget/presence', {}, headers)).status, 401);
  assert.equal((await demo.api.get('/api/widget/events', { timeout: 0 }, headers)).status, 401);
});

test('one session\'s end leaves another\'s alone', async () => {
  const one = await login();
  const two = await login();
  await demo.api.delete('/api/agent/session', one.headers);
  assert.equal((await demo.api.get('/api/widget/presence', {}, two.headers)).status, 200);
});

test('a revoked agent is out at once, with token and cookie', async () => {
  const token = await made('AGENT_TOKEN', 'agent', 'add', '-C', 'Demo Shop', 'Leaver');
  const { headers } = await login(token);
  const bearer = { authorization: `Bearer ${token}` };
  assert.equal((await demo.api.get('/api/widget/presence', {}, bearer)).status, 200);
  const revoked = await demo.command('agent', 'revoke', '-C', 'Demo Shop', 'Leaver');
  assert.equal(revoked.code, 0, revoked.stderr);
  for (const credential of [bearer, headers])
    for (const where of ['/api/widget/presence', '/api/widget/events'])
      assert.equal((await demo.api.get(where, { timeout: 0 }, credential)).status, 401);
});

test('nothing crosses from one company to another', async () => {
  const apiKey = await made('API_KEY', 'company', 'add', 'Rival');
  const token = await made('AGENT_TOKEN', 'agent', 'add', '-C', 'Rival', 'Rival Agent');
  const ours = await demo.conversation({ id: 'same-name' });
  const theirs = await demo.conversation({ id: 'same-name', apiKey });
  assert.notEqual(ours.sessionId, theirs.sessionId);

  const cursor = await demo.cursor();
  const rivalCursor = await demo.cursor({ token });
  await demo.online(ours, newTab());
  assert.equal((await demo.presence('same-name')).isOnline, true);
  assert.equal((await demo.presence('same-name', { token })).isOnline, false);
  assert.deepEqual((await demo.presence(undefined, { token })).presences, []);
  assert.deepEqual((await demo.poll({ token, cursor: rivalCursor, timeout: 0 })).events, []);

  await demo.online(theirs, newTab());
  const sessions = async (options) =>
    (await demo.poll({ ...options, timeout: 0 })).events.map((e) => e.sessionId);
  assert.deepEqual(await sessions({ cursor }), [ours.sessionId]);
  assert.deepEqual(await sessions({ token, cursor: rivalCursor }), [theirs.sessionId]);

  // Knowing a name of theirs helps nobody.
  const secret = await demo.conversation({ id: 'only-theirs', apiKey });
  for (const where of ['/api/widget/presence', '/api/widget/events']) {
    const query = { timeout: 0 };
    const known = await demo.api.get(where, { ...query, conversationId: secret.conversationId }, demo.asAgent);
    const unknown = await demo.api.get(where, { ...query, conversationId: 'not-there' }, demo.asAgent);
    assert.equal(known.status, 403);
    assert.equal(known.text, unknown.text);
  }
  const deleted = await demo.api.delete('/api/conversations/only-theirs', demo.asHost);
  assert.ok(deleted.status >= 400, 'nor to delete it');
  assert.equal((await demo.presence('only-theirs', { token })).conversationId, 'only-theirs');
});

test('the customer\'s side never shows another session or who is online', async () => {
  const phone = await demo.conversation();
  const laptop = await demo.conversation({ id: phone.conversationId });
  await demo.online(laptop, newTab());
  const answer = await demo.online(phone, newTab());
  assert.deepEqual(Object.keys(answer.json).sort(),
    ['heartbeatIntervalMs', 'leaseMs', 'ok', 'serverTime', 'status']);
  await demo.offline(phone, newTab());
  assert.ok(!answer.text.includes(laptop.sessionId));
});
