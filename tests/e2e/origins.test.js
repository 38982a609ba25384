// Pages of other origins: who may read an answer (CORS), and who may not
// write with an agent's cookie (CSRF).

'use strict';

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { startDemo, newTab, until } = require('../lib/demo');

const SHOP = 'https://shop.example:8443';
const RIVAL = 'https://rival.example';
const CORS = /^access-control-/;

let demo;
let shop; // {apiKey, token, siteKey} of a company whose pages are at SHOP
let customer;

before(async () => {
  demo = await startDemo({ set: { minBeatMs: 0 } });
  shop = await company('Shop', SHOP);
  await company('Rival', RIVAL);
  customer = await demo.conversation({ apiKey: shop.apiKey });
});
after(() => demo?.stop());

async function company(name, origin) {
  const { API_KEY: apiKey, SITE_KEY: siteKey } = await demo.made('company', 'add', '-o', origin, name);
  const { AGENT_TOKEN: token } = await demo.made('agent', 'add', '-C', name, 'Jane');
  return { apiKey, siteKey, token };
}

const beat = (origin) => demo.send('POST', '/api/widget/heartbeat',
  JSON.stringify({ ...customer, tabId: newTab() }), { origin });
const asJane = (origin) => ({ authorization: `Bearer ${shop.token}`, origin });
const corsOf = ({ headers }) => Object.keys(headers).filter((name) => CORS.test(name));

test('the company\'s own origin may read, with its scheme and port', async () => {
  const answer = await beat(SHOP);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['access-control-allow-origin'], SHOP);
  assert.equal(answer.headers['access-control-allow-credentials'], undefined);
});

test('any other origin may not, and is repeated nowhere', async () => {
  const others = [
    'http://shop.example:8443', 'https://shop.example', 'https://shop.example:443',
    'https://shop.example:84430', 'https://SHOP.example:8443', 'https://shop.example.:8443',
    'https://x.shop.example:8443', 'https://shop.example:8443.evil.example', 'https://evilshop.example:8443',
    'https://shop.example:8443/', ' https://shop.example:8443, https://evil.example',
    'https://evil.example', RIVAL, 'null', 'file://', '*', 'about:blank', 'x'.repeat(1000),
    '%', "' OR 1=1 --",
  ];
  for (const origin of others) {
    for (const answer of [await beat(origin), await demo.api.get('/api/widget/presence', {}, asJane(origin))]) {
      assert.equal(answer.status, 200, `${origin}: ${answer.text}`);
      assert.deepEqual(corsOf(answer), [], origin);
      assert.match(answer.headers.vary, /\bOrigin\b/i);
      assert.ok(!JSON.stringify(answer.headers).includes('evil'), origin);
    }
  }
});

test('whatever the answer, it varies by Origin and never allows credentials', async () => {
  const text = { 'content-type': 'text/plain' };
  const answers = [
    await beat(SHOP),
    await demo.api.get('/api/health', {}, { origin: SHOP }),
    await demo.api.get('/api/widget/presence', {}, asJane(SHOP)),
    await demo.api.get('/api/widget/events', { timeout: 0 }, asJane(SHOP)),
    await demo.api.get('/api/widget/presence', {}, { origin: SHOP }), // 401
    await demo.api.get('/api/widget/presence', { conversationId: 'none' }, asJane(SHOP)), // 403
    await demo.api.get('/api/nothing', {}, { origin: SHOP }), // 404
    await demo.api.get('/api/widget/heartbeat', {}, { origin: SHOP }), // 405
    await demo.send('POST', '/api/widget/heartbeat', '{', { ...text, origin: SHOP }), // 400
    await demo.send('POST', '/api/widget/heartbeat', '{}', { 'content-type': 'image/png', origin: SHOP }), // 415
    await demo.send('POST', '/api/widget/heartbeat', ' '.repeat(9000), { ...text, origin: SHOP }), // 413
    await demo.request({ method: 'OPTIONS', path: '/api/widget/presence', headers: { origin: SHOP } }),
    await demo.request({ method: 'OPTIONS', path: '/api/widget/presence', headers: { origin: 'https://evil.example' } }),
  ];
  const statuses = answers.map((a) => a.status);
  assert.deepEqual(statuses, [200, 200, 200, 200, 401, 403, 404, 405, 400, 415, 413, 204, 204]);
  for (const { status, headers } of answers) {
    assert.match(headers.vary ?? '', /\bOrigin\b/i, `${status}`);
    assert.equal(headers['access-control-allow-credentials'], undefined);
    assert.notEqual(headers['access-control-allow-origin'], '*');
  }
});

test('a preflight is answered for origins that we know', async () => {
  const ask = (origin, path = '/api/widget/presence') =>
    demo.request({ method: 'OPTIONS', path, headers: {
      origin,
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization',
    } });
  const known = await ask(SHOP);
  assert.equal(known.status, 204);
  assert.equal(known.headers['access-control-allow-origin'], SHOP);
  assert.match(known.headers['access-control-allow-methods'], /\bGET\b/);
  assert.match(known.headers['access-control-allow-headers'], /\bAuthorization\b/i);
  for (const origin of ['https://evil.example', 'null'])
    assert.deepEqual(corsOf(await ask(origin)), [], origin);
});

test('a poll that was held may be read too, when it is answered and when it is refused', async () => {
  const other = await demo.conversation({ apiKey: shop.apiKey });
  for (const end of [() => demo.online(other, newTab()), () => command('agent', 'revoke', '-C', 'Shop', 'Jane')]) {
    const before = await demo.held();
    const answer = demo.api.get('/api/widget/events', { timeout: 20 }, asJane(SHOP));
    await until(async () => await demo.held() > before, { what: 'the poll is held' });
    await end();
    assert.equal((await answer).headers['access-control-allow-origin'], SHOP);
  }
  assert.equal((await demo.api.get('/api/widget/events', { timeout: 0 }, asJane(SHOP))).status, 401);
});

async function command(...args) {
  const { code, stderr } = await demo.command(...args);
  assert.equal(code, 0, stderr);
}

/** Headers as a page of that origin makes a browser send them. */
const own = () => new URL(demo.url).origin;
const FOREIGN = {
  'another site': { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
  'a sister of this site': { origin: 'http://x.localhost', 'sec-fetch-site': 'same-site' },
  'another site, in an older browser': { origin: 'https://evil.example' },
  'another port': { origin: 'http://127.0.0.1:1' },
  'a sandboxed frame': { origin: 'null' },
  'a site of the company': { origin: SHOP },
  'no page that says so': { 'sec-fetch-site': 'cross-site' },
  'a word that is not known': { 'sec-fetch-site': 'SAME-ORIGIN' },
  'an origin without end': { origin: `https://${'x'.repeat(2000)}` },
};

async function login() {
  const answer = await demo.api.post('/api/agent/session', { token: demo.agentToken });
  assert.equal(answer.status, 200, answer.text);
  return { cookie: answer.headers['set-cookie'][0].split(';')[0] };
}

test('no page of another origin ends an agent\'s session, or begins one', async () => {
  const cookie = await login();
  for (const [who, headers] of Object.entries(FOREIGN)) {
    const ended = await demo.api.delete('/api/agent/session', { ...cookie, ...headers });
    assert.equal(ended.status, 403, who);
    assert.equal(ended.headers['set-cookie'], undefined, who);
    const begun = await demo.send('POST', '/api/agent/session',
      JSON.stringify({ token: demo.agentToken }), headers);
    assert.equal(begun.status, 403, who);
    assert.equal(begun.headers['set-cookie'], undefined, who);
    const wrong = await demo.send('POST', '/api/agent/session', '{"token": "guess"}', headers);
    assert.equal(wrong.text, begun.text, 'nor learns whether a token is good');
  }
  assert.equal((await demo.api.get('/api/widget/presence', {}, cookie)).status, 200, 'it goes on');
});

test('our own pages do, and so does what is no browser', async () => {
  for (const headers of [
    { origin: own(), 'sec-fetch-site': 'same-origin' },
    { origin: own() },
    { 'sec-fetch-site': 'none' },
    {},
  ]) {
    const begun = await demo.api.post('/api/agent/session', { token: demo.agentToken }, headers);
    assert.equal(begun.status, 200, JSON.stringify(headers));
    const cookie = { cookie: begun.headers['set-cookie'][0].split(';')[0] };
    assert.equal((await demo.api.delete('/api/agent/session', { ...cookie, ...headers })).status, 200);
    assert.equal((await demo.api.get('/api/widget/presence', {}, cookie)).status, 401);
  }
});
