// Who gets what: every endpoint, with every kind of credential, for a thing
// that is the caller's, one that is somebody else's, and one that is not there
// at all. The last two must be the same answer, byte for byte but for its
// Date: status, headers and their order, body. So must all credentials that
// are not good.

'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { test, before, after } = require('node:test');
const { startDemo, newTab } = require('../lib/demo');

const OUR_SITE = 'https://ours.example';
const THEIR_SITE = 'https://their.example';
// No origin; ours, theirs and nobody's: what is let through CORS tells nothing.
const ORIGINS = ['', OUR_SITE, THEIR_SITE, 'https://evil.example'];
const WITH_AND_WITHOUT = ['', THEIR_SITE];

let demo;
let ours;
let theirs;
const agents = {}; // kind of credential to {headers, sees}
const hosts = {};
const things = {}; // kind of thing to its id; ids are equally long

before(async () => {
  demo = await startDemo({ set: { minBeatMs: 0, formsPerMinute: 100000, signInFailures: 100000 } });
  ours = await company('Ours', OUR_SITE);
  theirs = await company('Theirs', THEIR_SITE);
  await makeThings();
  await makeAgents();
  await makeHosts();
});
after(() => demo?.stop());

// --- what there is ---

async function company(name, origin) {
  const { API_KEY: apiKey, SITE_KEY: siteKey } = await demo.made('company', 'add', '-o', origin, name);
  const { JWT_SECRET: secret, SECRET_ID: secretId } = await demo.made('secret', 'add', '-C', name);
  return { name, apiKey, siteKey, secret, secretId };
}

const agentToken = async (of, name, ...inboxes) =>
  (await demo.made('agent', 'add', '-C', of.name, ...inboxes.flatMap((i) => ['-i', i]), name)).AGENT_TOKEN;

async function makeThings() {
  const add = async (what, of, options) => {
    things[what] = await demo.conversation({ id: `id_${what}`.padEnd(20, '0'), apiKey: of.apiKey, ...options });
    await demo.online(things[what], newTab());
  };
  await add('sales', ours, { inbox: 'sales' });
  await add('support', ours, { inbox: 'support' });
  await add('theirs', theirs, { inbox: 'sales' });
  things.facebook = await demo.conversation({
    id: 'id_facebook'.padEnd(20, '0'), platform: 'FACEBOOK', inbox: 'sales', apiKey: ours.apiKey,
  });
  things.gone = await demo.conversation({ id: 'id_gone'.padEnd(20, '0'), apiKey: ours.apiKey });
  await demo.api.delete(`/api/conversations/${things.gone.conversationId}`, bearer(ours.apiKey));
  things.nobody = { conversationId: 'id_nobody'.padEnd(20, '0'), sessionId: '0'.repeat(32) };
}

const bearer = (token) => ({ authorization: `Bearer ${token}` });
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function jwt(of, claims, secret = of.secret) {
  const body = { sub: 'jwt', company: of.name, exp: Date.now() / 1000 + 600, ...claims };
  const text = `${part({ alg: 'HS256' })}.${part(body)}`;
  return bearer(`${text}.${crypto.createHmac('sha256', secret).update(text).digest('base64url')}`);
}

async function cookie(token) {
  const answer = await demo.api.post('/api/agent/session', { token });
  assert.equal(answer.status, 200, answer.text);
  return { cookie: answer.headers['set-cookie'][0].split(';')[0] };
}

async function makeAgents() {
  const bad = (kind, headers) => { agents[kind] = { headers, sees: null }; };
  const good = (kind, headers, ...sees) => { agents[kind] = { headers, sees }; };
  const all = await agentToken(ours, 'All');
  const sales = await agentToken(ours, 'Sales', 'sales');
  const support = await agentToken(ours, 'Support', 'support');
  const other = await agentToken(theirs, 'All');
  const leaver = await agentToken(ours, 'Leaver');
  const leaverCookie = await cookie(leaver);
  await demo.made('agent', 'revoke', '-C', ours.name, 'Leaver');
  const { JWT_SECRET: old, SECRET_ID: oldId } = await demo.made('secret', 'add', '-C', ours.name);
  await demo.made('secret', 'remove', '-C', ours.name, oldId);
  const ended = await cookie(all);
  await demo.api.delete('/api/agent/session', ended);

  bad('none', {});
  bad('an empty token', bearer(''));
  bad('a wrong token', bearer(`pla_${'0'.repeat(40)}`));
  bad('a revoked agent', bearer(leaver));
  bad('the cookie of a revoked agent', leaverCookie);
  bad('a session that was ended', ended);
  bad('a wrong cookie', { cookie: `porchlight=plc_${'0'.repeat(40)}` });
  bad('a JWT of a removed key', jwt(ours, {}, old));
  bad('a JWT that another company signed', jwt(ours, {}, theirs.secret));
  bad('a JWT that has expired', jwt(ours, { exp: 1 }));
  bad('a JWT of no company', jwt({ ...ours, name: 'Nobodys' }));
  bad('an API key', bearer(ours.apiKey));
  bad('a site key', bearer(ours.siteKey));
  bad('a customer\'s session', bearer(things.sales.sessionId));
  bad('another scheme', { authorization: `Basic ${Buffer.from(`x:${all}`).toString('base64')}` });
  good('another company\'s agent', bearer(other), 'theirs');
  good('another company\'s JWT', jwt(theirs), 'theirs');
  good('an agent without the inbox', bearer(support), 'support');
  good('a JWT without the inbox', jwt(ours, { inboxes: ['support'] }), 'support');
  good('a JWT without any inbox', jwt(ours, { inboxes: [] }));
  good('an agent of the inbox', bearer(sales), 'sales', 'facebook');
  good('the cookie of an agent of the inbox', await cookie(sales), 'sales', 'facebook');
  good('an agent of all', bearer(all), 'sales', 'support', 'facebook');
  good('a cookie', await cookie(all), 'sales', 'support', 'facebook');
  good('a JWT', jwt(ours), 'sales', 'support', 'facebook');
}

async function makeHosts() {
  const removed = await company('Removed', 'https://removed.example');
  await demo.made('company', 'remove', 'Removed');
  Object.assign(hosts, {
    'none': {}, 'a wrong key': bearer(`plk_${'0'.repeat(40)}`), 'a removed company\'s': bearer(removed.apiKey),
    'an agent\'s token': agents['an agent of all'].headers, 'an agent\'s cookie': agents['a cookie'].headers,
    'a JWT': agents['a JWT'].headers, 'a site key': bearer(ours.siteKey),
    'a customer\'s session': bearer(things.sales.sessionId),
  });
  hosts.removedSite = removed.siteKey;
}

// --- asking, and telling answers apart ---

/** What came back, without its date. */
async function ask(method, where, headers, body) {
  const data = body === undefined ? '' : JSON.stringify(body);
  const sent = { host: 'x', ...headers };
  if (body !== undefined)
    Object.assign(sent, { 'content-type': 'text/plain', 'content-length': data.length });
  const lines = Object.entries(sent).map(([name, value]) => `${name}: ${value}\r\n`);
  const { status, text, body: answer } = await demo.raw(
    `${method} ${where} HTTP/1.0\r\n${lines.join('')}\r\n${data}`, { end: false });
  let json;
  try {
    json = JSON.parse(answer);
  } catch {
    json = undefined;
  }
  return { status, json, bytes: text.replace(/^Date: .*\r\n/mi, '') };
}

const CODES = { 401: 'unauthenticated', 403: 'forbidden', 404: 'not_found' };

function isRefused(answer, status, what) {
  assert.equal(answer.status, status, `${what}: ${answer.bytes}`);
  assert.deepEqual(Object.keys(answer.json), ['error', 'message'], what);
  assert.equal(answer.json.error, CODES[status], what);
}

/** All of them are one and the same answer. */
class Same {
  constructor() {
    this.seen = new Map();
  }

  add(group, answer, what) {
    const first = this.seen.get(group);
    if (first === undefined)
      this.seen.set(group, { bytes: answer.bytes, what });
    else
      assert.equal(answer.bytes, first.bytes, `${what} and ${first.what} can be told apart`);
  }
}

const query = (...ids) => ids.map((id) => `conversationId=${id}`).join('&');
const idOf = (thing) => things[thing].conversationId;
const THINGS = ['sales', 'support', 'facebook', 'theirs', 'gone', 'nobody'];

// --- the matrix ---

const READS = {
  'presence': (id) => `/api/widget/presence?${query(id)}`,
  'presence of several': (id, known) => `/api/widget/presence?${query(...known, id)}`,
  'events': (id) => `/api/widget/events?timeout=0&${query(id)}`,
  'events to wait for': (id) => `/api/widget/events?timeout=1&${query(id)}`,
  'events of several': (id, known) => `/api/widget/events?timeout=0&${query(...known, id)}`,
};

for (const [name, path] of Object.entries(READS))
  test(`${name}: an agent sees his own, and not whether there is more`, async () => {
    for (const origin of name.includes('several') ? [''] : WITH_AND_WITHOUT) {
      const same = new Same();
      for (const [kind, { headers, sees }] of Object.entries(agents))
        for (const thing of THINGS) {
          // What waits for his own would only wait.
          if (name.includes('wait') && sees?.includes(thing))
            continue;
          const known = (sees ?? []).map(idOf);
          const what = `${kind}, ${thing}, from ${origin || 'no page'}`;
          const answer = await ask('GET', path(idOf(thing), known),
            { ...headers, ...(origin && { origin }) });
          if (!sees) {
            isRefused(answer, 401, what);
            same.add('nobody', answer, what);
          } else if (!sees.includes(thing)) {
            isRefused(answer, 403, what);
            // Which sites may read that hangs on whose agent he is.
            same.add(origin ? `${kind} may not` : 'may not', answer, what);
          } else
            assert.equal(answer.status, 200, `${what}: ${answer.bytes}`);
        }
    }
  });

test('all: an agent is shown what he may see, and nothing else', async () => {
  const online = ['sales', 'support', 'theirs'];
  for (const [kind, { headers, sees }] of Object.entries(agents))
    for (const where of ['/api/widget/presence', '/api/widget/events?timeout=0']) {
      const answer = await ask('GET', where, headers);
      if (!sees) {
        isRefused(answer, 401, kind);
        continue;
      }
      assert.equal(answer.status, 200, kind);
      if (where.endsWith('presence'))
        assert.deepEqual(answer.json.presences.map((p) => p.conversationId).sort(),
          online.filter((thing) => sees.includes(thing)).map(idOf).sort(), kind);
    }
});

const WIDGET = ['online', 'heartbeat', 'offline', 'typing'];

for (const what of WIDGET)
  test(`${what}: only the session that it is hears more than no`, async () => {
    const strangers = { // sessions that are not the conversation's
      'a wrong one': '0123456789abcdef'.repeat(2),
      'none that could be': 'x',
      'one that is gone': things.gone.sessionId,
      'another conversation\'s': things.support.sessionId,
      'another company\'s': things.theirs.sessionId,
      'another platform\'s': things.facebook.sessionId,
      'a site key': ours.siteKey,
    };
    for (const origin of ORIGINS) {
      const same = new Same();
      const say = (conversationId, sessionId) => ask('POST', `/api/widget/${what}`,
        origin ? { origin } : {}, { conversationId, sessionId, tabId: 't', typing: false });
      for (const thing of ['sales', 'gone', 'nobody', 'facebook'])
        for (const [kind, session] of Object.entries(strangers)) {
          const answer = await say(idOf(thing), session);
          isRefused(answer, 403, `${kind}, ${thing}`);
          same.add('no', answer, `${kind}, ${thing}, ${origin}`);
        }
      const own = await say(idOf('sales'), things.sales.sessionId);
      assert.equal(own.status, 200, own.bytes);
      assert.deepEqual(Object.keys(own.json),
        ['ok', 'status', 'leaseMs', 'heartbeatIntervalMs', 'serverTime']);
    }
    const mute = await ask('POST', `/api/widget/${what}`, {}, { conversationId: idOf('sales'), tabId: 't' });
    assert.equal(mute.status, 400);
  });

test('form: a site key is good, or it is not', async () => {
  const same = new Same();
  const keys = {
    'a wrong one': `pls_${'0'.repeat(40)}`, 'a removed company\'s': hosts.removedSite,
    'an API key': ours.apiKey, 'an agent\'s token': agents['an agent of all'].headers.authorization.slice(7),
  };
  for (const origin of ORIGINS)
    for (const [kind, siteKey] of Object.entries(keys)) {
      const answer = await ask('POST', '/api/widget/conversations', origin ? { origin } : {}, { siteKey });
      isRefused(answer, 403, kind);
      same.add(origin, answer, kind);
    }
  const made = await ask('POST', '/api/widget/conversations', {}, { siteKey: theirs.siteKey });
  assert.equal(made.status, 201);
  const ofOurs = await ask('GET', `/api/widget/presence?${query(made.json.conversationId)}`,
    agents['an agent of all'].headers);
  isRefused(ofOurs, 403, 'their form makes a conversation of theirs');
});

test('host: nobody makes or forgets a conversation without the company\'s key', async () => {
  for (const origin of ORIGINS) {
    const same = new Same();
    for (const [kind, headers] of Object.entries(hosts)) {
      if (kind === 'removedSite')
        continue;
      const all = { ...headers, ...(origin && { origin }) };
      for (const thing of THINGS) {
        const added = await ask('POST', '/api/conversations', all, { id: idOf(thing) });
        isRefused(added, 401, `${kind}, ${thing}`);
        same.add('POST', added, `${kind}, ${thing}`);
        const removed = await ask('DELETE', `/api/conversations/${idOf(thing)}`, all);
        isRefused(removed, 401, `${kind}, ${thing}`);
        same.add('DELETE', removed, `${kind}, ${thing}`);
      }
    }
  }
});

test('host: another company\'s key finds nothing of ours, and takes no name from us', async () => {
  for (const origin of ORIGINS) {
    const same = new Same();
    const key = { ...bearer(theirs.apiKey), ...(origin && { origin }) };
    for (const thing of ['sales', 'facebook', 'gone', 'nobody']) {
      const removed = await ask('DELETE', `/api/conversations/${idOf(thing)}`, key);
      isRefused(removed, 403, thing);
      same.add('DELETE', removed, thing);
      const added = await ask('POST', '/api/conversations', key, { id: idOf(thing) });
      assert.equal(added.status, 201, `${thing}: ${added.bytes}`);
      const { conversationId, sessionId } = added.json;
      same.add('POST', { bytes: added.bytes.replace(conversationId, '').replace(sessionId, '') }, thing);
      assert.equal((await ask('DELETE', `/api/conversations/${conversationId}`, key)).status, 200);
    }
  }
  for (const thing of ['sales', 'facebook'])
    assert.equal((await demo.presence(idOf(thing), {
      token: agents['an agent of all'].headers.authorization.slice(7),
    })).conversationId, idOf(thing), 'ours is still there');
});

test('agent session: a token is good, or it is not', async () => {
  const same = new Same();
  for (const [kind, { headers, sees }] of Object.entries(agents)) {
    const token = /^Bearer (.+)/.exec(headers.authorization)?.[1];
    if (sees || !token || token.length > 256)
      continue;
    const answer = await ask('POST', '/api/agent/session', {}, { token });
    isRefused(answer, 401, kind);
    same.add('no', answer, kind);
  }
  for (const [kind, { headers }] of Object.entries(agents)) {
    if (headers.cookie && agents[kind].sees)
      continue; // they are still needed
    const answer = await ask('DELETE', '/api/agent/session', headers);
    assert.equal(answer.status, 200, kind);
    same.add('ended', answer, kind);
  }
});

test('what is no endpoint is none for anybody', async () => {
  const same = new Same();
  for (const [kind, { headers }] of Object.entries(agents)) {
    for (const where of ['/api/none', '/api/conversations/', '/api/widget/presence/', '/api/agent'])
      for (const method of ['GET', 'POST', 'DELETE']) {
        const answer = await ask(method, where, headers, method === 'POST' ? {} : undefined);
        isRefused(answer, 404, `${kind} ${method} ${where}`);
        same.add('none', answer, `${kind} ${method} ${where}`);
      }
    const wrong = await ask('DELETE', '/api/widget/events', headers);
    assert.equal(wrong.status, 405);
    same.add('method', wrong, kind);
  }
});

// --- cursors and pages ---

test('a cursor of somebody else\'s is worth no more than one\'s own', async () => {
  const poll = async (kind, more = '') =>
    (await ask('GET', `/api/widget/events?timeout=0${more}`, agents[kind].headers)).json;
  const start = {};
  const kinds = Object.keys(agents).filter((kind) => agents[kind].sees);
  for (const kind of kinds)
    start[kind] = (await poll(kind)).cursor;
  for (const thing of ['sales', 'support', 'theirs']) {
    const tab = newTab();
    await demo.online(things[thing], tab);
    const again = await demo.conversation({
      id: idOf(thing), apiKey: thing === 'theirs' ? theirs.apiKey : ours.apiKey,
    });
    await demo.online(again, newTab()); // a session that was not here: an event
  }
  for (const kind of kinds)
    for (const whose of kinds) {
      const answer = await poll(kind, `&cursor=${start[whose]}`);
      const seen = new Set(answer.events.map((e) => e.conversationId));
      assert.deepEqual([...seen].sort(),
        ['sales', 'support', 'theirs'].filter((t) => agents[kind].sees.includes(t)).map(idOf).sort(),
        `${kind} with the cursor of ${whose}`);
    }
});

test('a cursor does not show how much others have to do', async () => {
  const support = agents['an agent without the inbox'].headers;
  const cursors = [];
  for (let i = 0; i < 3; i++) {
    const { cursor } = (await ask('GET', '/api/widget/events?timeout=0', support)).json;
    cursors.push(cursor);
    // Nothing has happened before the second, something elsewhere before the third.
    if (i === 1)
      await demo.online(await demo.conversation({ apiKey: theirs.apiKey }), newTab());
  }
  assert.equal(new Set(cursors).size, 3, 'each is another, so that none tells that something has moved');
  for (const cursor of cursors)
    assert.match(cursor, /^[0-9a-f]{32}$/);
});
