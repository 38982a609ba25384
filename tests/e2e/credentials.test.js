// Agents' credentials: JWTs of the host application, users of the web server,
// and the end of each: at the next request, and on polls that are held.

'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const crypto = require('node:crypto');
const path = require('node:path');
const { promisify } = require('node:util');
const { test, before, after } = require('node:test');
const { startDemo, newTab, until, ROOT } = require('../lib/demo');

const UNAUTHENTICATED = 401;

let demo;
let jwtSecret;
let secretId;

before(async () => {
  demo = await startDemo({
    // Nobody falls silent while the polls of a later test are held.
    set: { minBeatMs: 0, timeoutMs: 600000, agentSessionMs: 4000, remoteUserCompany: 'Demo Shop' },
  });
  ({ JWT_SECRET: jwtSecret, SECRET_ID: secretId } = await demo.made('secret', 'add', '-C', 'Demo Shop'));
});
after(() => demo?.stop());

async function command(...args) {
  const { code, stderr } = await demo.command(...args);
  assert.equal(code, 0, stderr);
}

const part = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A JWT as host applications make it; exp: seconds from now. */
function jwt({ exp = 60, secret = jwtSecret, header = { alg: 'HS256', typ: 'JWT' }, ...claims } = {}) {
  const body = { sub: 'jane', company: 'Demo Shop', exp: Date.now() / 1000 + exp, ...claims };
  const text = `${part(header)}.${part(body)}`;
  return `${text}.${crypto.createHmac('sha256', secret).update(text).digest('base64url')}`;
}

const bearer = (token) => ({ authorization: `Bearer ${token}` });
const presence = (headers, query) => demo.api.get('/api/widget/presence', query, headers);
const poll = (headers, query) => demo.api.get('/api/widget/events', { timeout: 0, ...query }, headers);

/** Both programs' answers to a credential. */
async function statuses(headers) {
  return [(await presence(headers)).status, (await poll(headers)).status];
}

async function refused(answer) {
  const { status, text, headers, json } = await answer;
  assert.equal(status, UNAUTHENTICATED, text);
  assert.equal(json.error, 'unauthenticated');
  assert.equal(headers['www-authenticate'], 'Bearer');
  return text;
}

test('a JWT of the company is an agent who has no row', async () => {
  const headers = bearer(jwt());
  assert.deepEqual(await statuses(headers), [200, 200]);
  const session = await demo.conversation();
  const held = await holding(headers, { conversationId: session.conversationId });
  await demo.online(session, newTab());
  assert.equal((await held.answer).json.events[0].event, 'customer:online');
});

test('a JWT sees the inboxes that it names, and no others', async () => {
  const sales = await demo.conversation({ inbox: 'sales' });
  const support = await demo.conversation({ inbox: 'support' });
  const headers = bearer(jwt({ inboxes: ['sales', 'none "] such'] }));
  await demo.online(sales, newTab());
  await demo.online(support, newTab());
  assert.equal((await presence(headers, { conversationId: sales.conversationId })).status, 200);
  assert.equal((await presence(headers, { conversationId: support.conversationId })).status, 403);
  const listed = (await presence(headers)).json.presences.map((p) => p.conversationId);
  assert.ok(listed.includes(sales.conversationId));
  assert.ok(!listed.includes(support.conversationId));
  assert.deepEqual((await presence(bearer(jwt({ inboxes: [] })))).json.presences, []);
});

test('what is no good JWT gets the very same 401', async () => {
  const other = await demo.made('company', 'add', 'Other');
  assert.ok(other.API_KEY);
  const { JWT_SECRET: others } = await demo.made('secret', 'add', '-C', 'Other');
  const good = jwt();
  const [header, claims, signature] = good.split('.');
  const rsa = await promisify(crypto.generateKeyPair)('rsa', { modulusLength: 2048 });
  const rs = `${part({ alg: 'RS256' })}.${claims}`;
  const wrong = {
    expired: jwt({ exp: -1 }),
    'without exp': jwt({ exp: NaN }), // null
    'not yet valid': jwt({ nbf: Date.now() / 1000 + 30 }),
    'another secret': jwt({ secret: 'guess' }),
    'an empty secret': jwt({ secret: '' }),
    'the other company\'s secret': jwt({ secret: others }),
    'signed by us for the other company': jwt({ company: 'Other' }),
    'a company that is not there': jwt({ company: 'Nowhere' }),
    'no subject': jwt({ sub: undefined }),
    'inboxes that are no list': jwt({ inboxes: 'all' }),
    'alg none': `${part({ alg: 'none' })}.${claims}.`,
    'alg none, signed all the same': jwt({ header: { alg: 'none' } }),
    'alg RS256, signed with the secret': jwt({ header: { alg: 'RS256' } }),
    'alg RS256, really': `${rs}.${crypto.sign('sha256', Buffer.from(rs), rsa.privateKey).toString('base64url')}`,
    'alg HS512': jwt({ header: { alg: 'HS512' } }),
    'extensions that must be understood': jwt({ header: { alg: 'HS256', crit: ['exp'] } }),
    'other claims under the signature': `${header}.${part({ sub: 'root', company: 'Demo Shop', exp: 2e9 })}.${signature}`,
    'no signature': `${header}.${claims}.`,
    'no signature part': `${header}.${claims}`,
    'the API key': demo.apiKey,
    oversized: jwt({ pad: 'x'.repeat(5000) }),
    'nested deep': `${part({ alg: 'HS256' })}.${part(`{"a":${'['.repeat(500)}${']'.repeat(500)}}`)}.${signature}`,
  };
  assert.deepEqual(await statuses(bearer(good)), [200, 200]);
  const texts = new Set();
  for (const [what, token] of Object.entries(wrong)) {
    texts.add(await refused(presence(bearer(token))).catch((err) => { throw new Error(`${what}: ${err.message}`); }));
    texts.add(await refused(poll(bearer(token))));
  }
  assert.equal(texts.size, 1);
  const log = demo.log();
  assert.ok(!log.includes(jwtSecret) && !log.includes(signature), 'nothing of it is logged');
});

test('a poll that is held ends with its credential, and tells nothing more', async (t) => {
  const session = await demo.conversation();
  const query = { conversationId: session.conversationId };
  /** Ends the credential of a held poll; then something happens. */
  async function ends(headers, end) {
    const held = await holding(headers, query);
    await end();
    await demo.beat(session, newTab());
    await refused(held.answer);
    assert.deepEqual(await statuses(headers), [UNAUTHENTICATED, UNAUTHENTICATED]);
  }

  await t.test('a token, when the agent is revoked', async () => {
    const { AGENT_TOKEN: token } = await demo.made('agent', 'add', '-C', 'Demo Shop', 'Leaver');
    await ends(bearer(token), () => command('agent', 'revoke', '-C', 'Demo Shop', 'Leaver'));
  });

  await t.test('a cookie, when the session is ended', async () => {
    const headers = await login();
    await ends(headers, () => demo.api.delete('/api/agent/session', headers));
  });

  await t.test('a cookie, when its agent is revoked', async () => {
    const { AGENT_TOKEN: token } = await demo.made('agent', 'add', '-C', 'Demo Shop', 'Leaver');
    const headers = await login(token);
    await ends(headers, () => command('agent', 'revoke', '-C', 'Demo Shop', 'Leaver'));
  });

  await t.test('all of them, when the company is removed', async () => {
    await demo.made('company', 'add', 'Leaving');
    const { AGENT_TOKEN: token } = await demo.made('agent', 'add', '-C', 'Leaving', 'Jane');
    const { JWT_SECRET: secret } = await demo.made('secret', 'add', '-C', 'Leaving');
    const headers = bearer(jwt({ secret, company: 'Leaving' }));
    const heldByJwt = await holding(headers);
    const heldByToken = await holding(bearer(token));
    await command('company', 'remove', 'Leaving');
    await refused(heldByJwt.answer);
    await refused(heldByToken.answer);
    assert.deepEqual(await statuses(headers), [UNAUTHENTICATED, UNAUTHENTICATED]);
  });

  await t.test('a JWT, when its secret is removed; the new one goes on', async () => {
    const next = await demo.made('secret', 'add', '-C', 'Demo Shop');
    const goesOn = await holding(bearer(jwt({ secret: next.JWT_SECRET, sub: 'joe' })));
    await ends(bearer(jwt()), () => command('secret', 'remove', '-C', 'Demo Shop', secretId));
    ({ JWT_SECRET: jwtSecret, SECRET_ID: secretId } = next);
    await demo.online(await demo.conversation(), newTab());
    assert.equal((await goesOn.answer).status, 200);
  });
});

test('a poll that is held ends by itself when its credential does', async (t) => {
  await t.test('a JWT at exp', async () => {
    const exp = 4; // until then the poll must be held
    const end = Date.now() + exp * 1000;
    const held = await holding(bearer(jwt({ exp })));
    await refused(held.answer);
    assert.ok(Date.now() >= end, 'not before');
  });

  await t.test('a cookie at the end of its session', async () => {
    const headers = await login();
    const held = await holding(headers);
    await refused(held.answer);
    assert.deepEqual(await statuses(headers), [UNAUTHENTICATED, UNAUTHENTICATED]);
  });
});

test('an agent whose inboxes change sees the new ones from the next request on', async () => {
  const { AGENT_TOKEN: token } = await demo.made('agent', 'add', '-C', 'Demo Shop', '-i', 'sales', 'Mover');
  const sales = await demo.conversation({ inbox: 'sales' });
  const support = await demo.conversation({ inbox: 'support' });
  const held = await holding(bearer(token), { conversationId: sales.conversationId });
  await command('agent', 'inboxes', '-C', 'Demo Shop', '-i', 'support', 'Mover');
  await demo.online(sales, newTab());
  const answer = await held.answer;
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json.events, [], 'asked to come again, and told nothing');
  assert.equal((await presence(bearer(token), { conversationId: sales.conversationId })).status, 403);
  assert.equal((await presence(bearer(token), { conversationId: support.conversationId })).status, 200);
});

test('a conversation that comes again in another inbox is not told of', async () => {
  const { AGENT_TOKEN: token } = await demo.made('agent', 'add', '-C', 'Demo Shop', '-i', 'sales', 'Stayer');
  const first = await demo.conversation({ id: 'moves', inbox: 'sales' });
  const other = await demo.conversation({ inbox: 'sales' });
  const held = await holding(bearer(token), { conversationId: [first.conversationId, other.conversationId] });
  assert.equal((await demo.api.delete('/api/conversations/moves', demo.asHost)).status, 200);
  await demo.online(await demo.conversation({ id: 'moves', inbox: 'support' }), newTab());
  await demo.online(other, newTab());
  const { status, json } = await held.answer;
  assert.equal(status, 200);
  assert.deepEqual(json.events.map((e) => [e.event, e.conversationId]),
    [['customer:online', other.conversationId]]);
});

test('nobody is REMOTE_USER by a header', async () => {
  for (const name of ['Remote-User', 'Remote_User', 'REMOTE_USER', 'X-Remote-User', 'Http-Remote-User'])
    await refused(presence({ [name]: 'Demo Agent' }));
  await refused(presence({ authorization: `Basic ${Buffer.from('Demo Agent:x').toString('base64')}` }));
});

test('REMOTE_USER of the web server is an agent, where the config says of whom', async () => {
  const ask = (env) => cgi('presence.fcgi', { REQUEST_URI: '/api/widget/presence', ...env });
  assert.match(await ask({ REMOTE_USER: 'zoe' }), /^Status: 200 /);
  assert.match(await ask({ REMOTE_USER: 'zoe', HTTP_AUTHORIZATION: 'Basic em9lOg==' }), /^Status: 200 /);
  assert.match(await ask({ REMOTE_USER: '' }), /^Status: 401 /);
  assert.match(await ask({ HTTP_REMOTE_USER: 'zoe' }), /^Status: 401 /);
  assert.match(await ask({ REMOTE_USER: 'zoe', PORCHLIGHT_REMOTE_USER_COMPANY: '' }), /^Status: 401 /);
  await demo.made('agent', 'add', '-C', 'Demo Shop', 'zoe');
  assert.match(await ask({ REMOTE_USER: 'zoe' }), /^Status: 200 /);
  await command('agent', 'revoke', '-C', 'Demo Shop', 'zoe');
  assert.match(await ask({ REMOTE_USER: 'zoe' }), /^Status: 401 /, 'revoked is revoked');
});

/** A session's cookie, as a header. */
async function login(token = demo.agentToken) {
  const answer = await demo.api.post('/api/agent/session', { token });
  assert.equal(answer.status, 200, answer.text);
  return { cookie: answer.headers['set-cookie'][0].split(';')[0] };
}

/** Waits until a poll is held; its answer is to come. */
async function holding(headers, query) {
  const before = await demo.held();
  let early;
  const answer = poll(headers, { timeout: 55, ...query });
  answer.then((a) => { early = a; }, () => {});
  await until(async () => early || (await demo.held()) > before, { what: 'the poll is held' });
  assert.equal(early, undefined, early?.text);
  return { answer };
}

/** One request to a program as plain CGI, without a web server. */
function cgi(name, env) {
  const program = path.join(ROOT, demo.build, 'cgi-bin', name);
  return new Promise((resolve, reject) => {
    const child = spawn(program, {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 10000,
      env: {
        GATEWAY_INTERFACE: 'CGI/1.1', REQUEST_METHOD: 'GET',
        PORCHLIGHT_CONFIG: demo.config, ...env,
      },
    });
    let out = '';
    child.stdout.on('data', (chunk) => { out += chunk; });
    child.on('error', reject);
    child.on('close', () => resolve(out));
  });
}
