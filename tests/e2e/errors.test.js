// Every row of the contract's error table, made to happen: status, stable
// code, message for people, and the headers that belong to it.

'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { test, before, after } = require('node:test');
const { startDemo, newTab, until } = require('../lib/demo');

let demo;
let session;

before(async () => {
  demo = await startDemo({ set: { minBeatMs: 0, maxWaiters: 2, timeoutMs: 1000, leaveGraceMs: 0 } });
  session = await demo.conversation();
});
after(() => demo?.stop());

/** An answer that is not 2xx is JSON with a code and a text for people. */
function isError(answer, status, code, mention = '') {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.headers['content-type'] ?? '', /^application\/json/);
  assert.equal(answer.json?.error, code);
  assert.equal(typeof answer.json.message, 'string');
  assert.ok(answer.json.message.includes(mention), `"${answer.json.message}" names ${mention}`);
}

const beatWith = (members) => demo.send('POST', '/api/widget/heartbeat',
  JSON.stringify({ ...session, tabId: newTab(), ...members }));

for (const [what, body] of [
  ['nothing', ''], ['a list', '[]'], ['a number', '1'], ['null', 'null'], ['half an object', '{"a":'],
  ['two objects', '{}{}'], ['no quotes', '{conversationId: 1}'], ['a word', 'hello'],
])
  test(`400 bad_json: ${what}`, async () => {
    isError(await demo.send('POST', '/api/widget/heartbeat', body), 400, 'bad_json');
  });

for (const [member, bad] of [
  ['conversationId', undefined], ['conversationId', 7], ['conversationId', null],
  ['conversationId', ''], ['conversationId', 'x'.repeat(2000)], ['conversationId', {}],
  ['sessionId', undefined], ['sessionId', 7], ['sessionId', []],
  ['tabId', undefined], ['tabId', 7], ['tabId', ''], ['tabId', 'x'.repeat(2000)],
  ['visibility', 'half'], ['visibility', 1], ['seq', 'one'], ['seq', -1], ['seq', 1.5],
])
  test(`400 bad_request: ${member} is ${JSON.stringify(bad)?.slice(0, 20) ?? 'missing'}`, async () => {
    isError(await beatWith({ [member]: bad }), 400, 'bad_request', member);
  });

test('400 bad_request: typing is missing or no truth value', async () => {
  for (const typing of [undefined, 'yes', 1])
    isError(await demo.typing(session, newTab(), { typing }), 400, 'bad_request', 'typing');
});

test('400 bad_request: queries outside their set', async () => {
  const get = (where, query) => demo.api.get(where, query, demo.asAgent);
  for (const timeout of ['56', '-1', 'long', '1.5', ''])
    isError(await get('/api/widget/events', { timeout }), 400, 'bad_request', 'timeout');
  for (const limit of ['0', '501', 'all'])
    isError(await get('/api/widget/presence', { limit }), 400, 'bad_request', 'limit');
});

test('400 bad_request: conversations that cannot be made', async () => {
  const make = (body) => demo.api.post('/api/conversations', body, demo.asHost);
  isError(await make({ id: 7 }), 400, 'bad_request', 'id');
  isError(await make({ id: 'x'.repeat(500) }), 400, 'bad_request', 'id');
  isError(await make({ platform: 7 }), 400, 'bad_request', 'platform');
  isError(await make({ inbox: [] }), 400, 'bad_request', 'inbox');
  isError(await make({ name: {} }), 400, 'bad_request', 'name');
});

test('401: no credential, a bad one, another side\'s one', async () => {
  const calls = [
    () => demo.api.get('/api/widget/presence', { conversationId: 'conv_123' }),
    () => demo.api.get('/api/widget/events', { timeout: 0 }),
    () => demo.api.get('/api/widget/presence', {}, { authorization: 'Bearer nonsense' }),
    () => demo.api.get('/api/widget/presence', {}, { authorization: 'Basic YTpi' }),
    () => demo.api.get('/api/widget/presence', {}, { cookie: 'porchlight=nonsense' }),
    () => demo.api.get('/api/widget/presence', {}, demo.asHost),
    () => demo.api.post('/api/conversations', {}),
    () => demo.api.post('/api/conversations', {}, demo.asAgent),
    () => demo.api.post('/api/agent/session', { token: 'nonsense' }),
  ];
  for (const call of calls) {
    const answer = await call();
    isError(answer, 401, 'unauthenticated');
    assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer/, String(call));
  }
});

test('403: one and the same answer for unknown, not yours and not a widget', async () => {
  const other = await demo.conversation();
  const facebook = await demo.conversation({ platform: 'FACEBOOK' });
  const asked = [
    { conversationId: 'nobody-knows', sessionId: session.sessionId },
    { conversationId: session.conversationId, sessionId: other.sessionId },
    { conversationId: session.conversationId, sessionId: 'A'.repeat(session.sessionId.length) },
    { conversationId: facebook.conversationId, sessionId: facebook.sessionId },
  ];
  const answers = [];
  for (const who of asked)
    for (const what of ['online', 'heartbeat', 'offline', 'typing'])
      answers.push(await demo.tell(what, who, newTab(), { typing: true }));
  for (const answer of answers) {
    isError(answer, 403, 'forbidden');
    assert.equal(answer.text, answers[0].text);
  }
});

test('403: an agent that asks for what is not there', async () => {
  for (const where of ['/api/widget/presence', '/api/widget/events'])
    isError(await demo.api.get(where, { conversationId: 'nobody-knows', timeout: 0 }, demo.asAgent),
      403, 'forbidden');
});

test('404: no such path', async () => {
  for (const where of ['/api/', '/api/nothing', '/api/widget', '/api/widget/heartbeat/x',
    '/api/widget/eventsx', '/api/widget/events/x'])
    isError(await demo.api.get(where, {}, demo.asAgent), 404, 'not_found');
});

test('405: with Allow', async () => {
  const cases = [
    ['GET', '/api/widget/heartbeat', 'POST'], ['DELETE', '/api/widget/online', 'POST'],
    ['POST', '/api/widget/presence', 'GET'], ['POST', '/api/widget/events', 'GET'],
    ['PUT', '/api/conversations', 'POST'], ['GET', '/api/conversations/x', 'DELETE'],
    ['DELETE', '/api/health', 'GET'], ['PATCH', '/api/agent/session', 'DELETE'],
  ];
  for (const [method, path, allowed] of cases) {
    const answer = await demo.request({ method, path, headers: demo.asAgent });
    isError(answer, 405, 'method_not_allowed');
    assert.ok(answer.headers.allow?.split(/, */).includes(allowed), `${method} ${path}: ${answer.headers.allow}`);
  }
});

test('413: a body over 8 KiB; 8 KiB is fine', async () => {
  const body = (length) => {
    const text = JSON.stringify({ ...session, tabId: newTab(), more: '' });
    return text.replace('"more":""', `"more":"${'x'.repeat(length - text.length)}"`);
  };
  assert.equal((await demo.send('POST', '/api/widget/heartbeat', body(8192))).status, 200);
  isError(await demo.send('POST', '/api/widget/heartbeat', body(8193)), 413, 'too_large');
});

test('413: more than 200 conversations at a time; 200 are fine', async () => {
  const ids = (n) => Array(n).fill(session.conversationId);
  for (const where of ['/api/widget/presence', '/api/widget/events']) {
    const get = (n) => demo.api.get(where, { conversationId: ids(n), timeout: 0 }, demo.asAgent);
    assert.equal((await get(200)).status, 200);
    isError(await get(201), 413, 'too_large');
  }
});

test('415: a body of another type', async () => {
  for (const type of ['application/x-www-form-urlencoded', 'text/html', 'application/jsonx'])
    isError(await demo.send('POST', '/api/widget/heartbeat', '{}', { 'content-type': type }),
      415, 'unsupported_media_type');
});

test('429: more first forms than formsPerMinute, with Retry-After', async (t) => {
  const strict = await startDemo({ set: { formsPerMinute: 3 } });
  t.after(() => strict.stop());
  const fill = () => strict.api.post('/api/widget/conversations', { siteKey: strict.siteKey });
  for (let i = 0; i < 3; i++)
    assert.equal((await fill()).status, 201);
  const refused = await fill();
  isError(refused, 429, 'rate_limited');
  assert.ok(Number(refused.headers['retry-after']) >= 1);
});

test('503 busy: no room to wait, with Retry-After; asking without waiting works', async () => {
  // Our own third poll may have the place of one of these for a second.
  let done = false;
  const hold = async () => {
    while (!done)
      await demo.pollAnswer({ timeout: 20 });
  };
  const held = [hold(), hold()];
  const refused = await until(async () => {
    const answer = await demo.pollAnswer({ timeout: 1 });
    return answer.status !== 200 && answer;
  }, { every: 300, what: 'a third poll is refused' }).finally(() => { done = true; });
  isError(refused, 503, 'busy');
  assert.ok(Number(refused.headers['retry-after']) >= 1);
  assert.equal((await demo.pollAnswer({ timeout: 0 })).status, 200);
  await demo.online(session, newTab());
  await Promise.all(held);
});

test('503 store_unavailable while the store cannot be written; all is well after', async (t) => {
  const gone = await demo.conversation();
  await demo.online(gone, newTab());
  const lock = spawn('flock', [`${demo.db}-lock`, 'sh', '-c', 'echo held; exec sleep 60'],
    { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  const release = () => {
    try {
      process.kill(-lock.pid, 'SIGKILL');
    } catch {
      // released already
    }
  };
  t.after(release);
  await new Promise((resolve) => lock.stdout.once('data', resolve));

  const beat = await demo.online(session, newTab());
  isError(beat, 503, 'store_unavailable');
  assert.ok(Number(beat.headers['retry-after']) >= 1);

  const health = await demo.api.get('/api/health');
  isError(health, 503, 'store_unavailable');

  // What ran out must be written down before anybody is told: until it can
  // be, the presence is unknown.
  const presence = await until(async () => {
    const answer = await demo.api.get('/api/widget/presence',
      { conversationId: gone.conversationId }, demo.asAgent);
    return answer.status !== 200 && answer;
  }, { what: 'presence is unknown', deadline: 20000 });
  isError(presence, 503, 'store_unavailable');
  assert.equal(presence.json.isOnline, false);
  assert.ok(Number(presence.headers['retry-after']) >= 1);

  release();
  await until(async () => (await demo.online(session, newTab())).status === 200,
    { what: 'beats are taken again' });
  assert.equal((await demo.presence(gone.conversationId)).isOnline, false);
});

test('CORS: an origin that the company allows is repeated, no other ever', async () => {
  const added = await demo.command('company', 'add', 'Elsewhere', '-o', 'https://shop.example');
  const retry = added.code === 0 ? added
    : await demo.command('company', 'add', '-o', 'https://shop.example', 'Elsewhere');
  assert.equal(retry.code, 0, retry.stderr);
  const apiKey = /^API_KEY=(.*)$/m.exec(retry.stdout)[1];
  const customer = await demo.conversation({ apiKey });
  const from = (origin) => demo.send('POST', '/api/widget/heartbeat',
    JSON.stringify({ ...customer, tabId: newTab() }), { origin });
  const allowed = await from('https://shop.example');
  assert.equal(allowed.status, 200);
  assert.equal(allowed.headers['access-control-allow-origin'], 'https://shop.example');
  assert.match(allowed.headers.vary ?? '', /Origin/i);
  for (const origin of ['https://evil.example', 'http://shop.example', 'null'])
    assert.equal((await from(origin)).headers['access-control-allow-origin'], undefined, origin);
  assert.equal(allowed.headers['access-control-allow-credentials'], undefined);
});

test('CORS: an origin that no browser would send is not taken', async () => {
  for (const origin of ['https://a.example/', 'https://A.example', 'https://a.example:443', 'http://a.example:80']) {
    const { code, stderr } = await demo.command('company', 'add', '-o', origin, 'Never heard of');
    assert.equal(code, 1, origin);
    assert.match(stderr, /expected an origin/);
  }
});

// The widget forgets a conversation that is no more; it cannot do so if the
// browser does not let it read the 403.
test('CORS: a 403 can be read by the sites that are known, and by no other', async () => {
  const { code, stderr } = await demo.command('company', 'add', '-o', 'https://site.example',
    '-o', 'null', 'With a site');
  assert.equal(code, 0, stderr);
  const from = async (origin) => {
    const answer = await demo.send('POST', '/api/widget/heartbeat', JSON.stringify({
      conversationId: 'nothing', sessionId: '0'.repeat(32), tabId: newTab() }), { origin });
    assert.equal(answer.status, 403);
    return answer.headers['access-control-allow-origin'];
  };
  assert.equal(await from('https://site.example'), 'https://site.example');
  assert.equal(await from('null'), 'null');
  assert.equal(await from('https://evil.example'), undefined);
});
