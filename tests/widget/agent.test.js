// The dashboard's client: pure parts first, then the client against an API of
// the test's own, in place of fetch.

'use strict';

const { test, describe, beforeEach, afterEach } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');

const AGENT = path.resolve(__dirname, '../../widget/porchlight-agent.js');
const { PorchlightAgent, ago, backoff, fromPresence, identity, isOld, reduce,
  shown, span } = require(AGENT);

const { until } = require('../lib/demo');
const { Api, at, event, fresh, json, now, timeOf, turn, T0 } =
  require('../lib/agentapi');

describe('backoff', () => {
  test('doubles from a second to half a minute', () => {
    const waits = [1, 2, 3, 4, 5, 6, 20].map((n) => backoff(n, 1));
    assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  });

  test('is spread over the upper half', () => {
    assert.equal(backoff(3, 0), 2000);
  });

  test('obeys Retry-After', () => {
    assert.equal(backoff(1, 0, 7000), 7000);
  });

  test('for an hour at most: no timer runs longer than 24 days', () => {
    assert.equal(backoff(1, 0, 30 * 86400 * 1000), 3600000);
  });
});

describe('reduce', () => {
  const offline = fromPresence({
    conversationId: 'conv_123', platform: 'WIDGET', name: 'John Doe',
  });

  test('comes online, dated by the event', () => {
    const view = reduce(offline, event('online', 0));
    assert.equal(view.status, 'online');
    assert.equal(view.onlineSince, at(0));
    assert.equal(view.lastHeartbeat, at(0));
    assert.equal(view.name, 'John Doe');
  });

  test('a second session does not restart "online since"', () => {
    const first = reduce(offline, event('online', 0));
    const second = reduce(first, event('online', 5000, { connections: 2 }));
    assert.equal(second.onlineSince, at(0));
    assert.equal(second.connections, 2);
  });

  test('one of two sessions leaves: the conversation stays', () => {
    const both = reduce(offline, event('online', 0, { connections: 2 }));
    const one = reduce(both, event('offline', 9000, {
      isOnline: true, status: 'online', connections: 1, expiresAt: at(60000),
    }));
    assert.equal(one.status, 'online');
    assert.equal(one.onlineSince, at(0));
  });

  test('going offline keeps when he was last seen', () => {
    const here = reduce(offline, event('online', 0));
    const gone = reduce(here, event('offline', 60000, { reason: 'timeout' }));
    assert.equal(gone.isOnline, false);
    assert.equal(gone.lastHeartbeat, at(0));
    assert.equal(gone.onlineSince, null);
    assert.equal(gone.expiresAt, null);
  });

  test('a heartbeat may bring away and typing', () => {
    const here = reduce(offline, event('online', 0));
    const away = reduce(here, event('heartbeat', 1, { status: 'away' }));
    assert.equal(away.status, 'away');
    assert.equal(reduce(here, event('heartbeat', 1, { typing: true })).typing,
      true);
    assert.equal(away.typing, false);
  });

  test('counts devices, not events: what is told twice counts once', () => {
    const one = reduce(offline, event('online', 0));
    const two = reduce(reduce(one, event('online', 1, { sessionId: 't' })),
      event('online', 1, { sessionId: 't' }));
    assert.equal(two.devices, 2);
    const left = reduce(two, event('offline', 2, { isOnline: true,
      status: 'online' }));
    assert.equal(left.devices, 1);
    assert.equal(reduce(left, event('offline', 3, { sessionId: 't' })).devices,
      0);
  });

  test('goes on counting from the sessions of the snapshot', () => {
    const two = fromPresence({ conversationId: 'conv_123', isOnline: true,
      status: 'online', devices: 2,
      sessions: [{ sessionId: 's' }, { sessionId: 't' }] });
    assert.equal(reduce(two, event('heartbeat', 0)).devices, 2);
  });

  test('changes nothing in place', () => {
    const before = JSON.stringify(offline);
    reduce(offline, event('online', 0));
    assert.equal(JSON.stringify(offline), before);
  });

  test('takes an event of a conversation that it never saw', () => {
    assert.equal(reduce(undefined, event('online', 0)).status, 'online');
  });
});

describe('isOld', () => {
  const view = fromPresence({ conversationId: 'conv_123' }, T0);

  test('what the snapshot must have known is not told again', () => {
    assert.equal(isOld(view, event('online', -2001)), true);
  });

  test('what it may have missed is', () => {
    assert.equal(isOld(view, event('online', -2000)), false);
    assert.equal(isOld(view, event('online', 0)), false);
    assert.equal(isOld(undefined, event('online', -9999)), false);
  });
});

describe('identity', () => {
  const jwt = (claims) => ['e30',
    Buffer.from(JSON.stringify(claims)).toString('base64url'),
    'sig' + String(Math.random()).slice(2)].join('.');

  test('a token is itself', () => {
    assert.equal(identity('pla_1', []), identity('pla_1', []));
    assert.notEqual(identity('pla_1', []), identity('pla_2', []));
    assert.notEqual(identity('pla_1', []), identity(null, []));
  });

  test('a JWT is whom it names: one is signed for each page load', () => {
    const jane = { sub: 'jané?>', company: 1, exp: 1 };
    assert.equal(identity(jwt(jane), []), identity(jwt({ ...jane, exp: 2 }), []));
    for (const other of [{ sub: 'joe' }, { company: 2 }, { inboxes: ['a'] },
      { iss: 'b' }])
      assert.notEqual(identity(jwt({ ...jane, ...other }), []),
        identity(jwt(jane), []));
  });

  test('what only looks like a JWT is a token', () => {
    assert.notEqual(identity('a.!.c', []), identity('a.!.d', []));
  });

  test('another sign-in is another agent', () => {
    assert.notEqual(identity(null, ['', 'a']), identity(null, ['', 'b']));
  });
});

describe('words for times', () => {
  const MINUTE = 60000;

  test('minutes, hours, days, and nothing below a minute', () => {
    assert.deepEqual([0, MINUTE - 1, MINUTE, 10 * MINUTE, 59.9 * MINUTE,
      60 * MINUTE, 47 * 60 * MINUTE, 24 * 60 * 2 * MINUTE]
      .map((ms) => span(ms, 'en')),
    ['', '', '1 minute', '10 minutes', '59 minutes', '1 hour', '1 day',
      '2 days']);
    assert.equal(ago(5 * MINUTE, 'en'), '5 minutes ago');
    assert.equal(ago(MINUTE - 1, 'en'), '');
  });

  test('in the language of the page', () => {
    assert.equal(span(10 * MINUTE, 'de'), '10 Minuten');
    assert.equal(ago(5 * MINUTE, 'de'), 'vor 5 Minuten');
  });

  test('a clock that is ahead of the server makes no nonsense', () => {
    assert.equal(span(-5 * MINUTE, 'en'), '');
  });
});

describe('shown', () => {
  const here = { supported: true, status: 'online', expiresAt: at(60000) };
  const gone = { supported: true, status: 'offline', expiresAt: null };
  const cut = (ms) =>
    ({ state: 'lost', lostAt: T0, contact: T0, now: T0 + ms });

  test('what the server says, while it speaks', () => {
    const live = { state: 'live', lostAt: 0, contact: T0, now: T0 + 999999 };
    assert.equal(shown(here, live), 'online');
    assert.equal(shown(gone, live), 'offline');
  });

  test('a short break shows nothing', () => {
    assert.equal(shown(here, cut(4999)), 'online');
    assert.equal(shown(gone, cut(4999)), 'offline');
  });

  test('cut off for longer all is unknown, and never offline', () => {
    assert.equal(shown(here, cut(5000)), 'unknown');
    assert.equal(shown(gone, cut(5000)), 'unknown');
    assert.equal(shown(here, cut(3600000)), 'unknown');
    assert.equal(shown(here, cut(-3600000)), 'unknown', 'the clock was put back');
  });

  test('the dot goes with the lease, to the millisecond', () => {
    const soon = { ...here, expiresAt: at(3000) };
    assert.equal(shown(soon, cut(2999)), 'online');
    assert.equal(shown(soon, cut(3000)), 'unknown');
  });

  // all() is told of no heartbeats: the lease it knows of is the first one.
  test('a lease that was over while the server spoke says nothing', () => {
    const old = { ...here, expiresAt: at(-1) };
    assert.equal(shown(old, cut(100)), 'online');
  });

  test('no status for a platform without presence, cut off or not', () => {
    const other = { supported: false, status: 'offline', expiresAt: null };
    assert.equal(shown(other, cut(9999)), 'none');
    assert.equal(shown(other, { state: 'live' }), 'none');
  });

  test('signed out or not yet answered is unknown', () => {
    for (const state of ['new', 'unauthenticated', 'closed'])
      assert.equal(shown(here, { ...cut(0), state }), 'unknown');
  });
});

test('porchlight-agent.d.ts declares what there is, and all of it', () => {
  const [, body] = /^declare class PorchlightAgent[^{]*{(.*?)^}/ms.exec(
    fs.readFileSync(AGENT.replace(/js$/, 'd.ts'), 'utf8'));
  const declared = [...body.matchAll(/^  (?:readonly )?(\w+)[(:]/gm)]
    .map((found) => found[1]);
  const agent = new PorchlightAgent();
  const there = [...Object.getOwnPropertyNames(PorchlightAgent.prototype),
    ...Object.getOwnPropertyNames(agent)].filter((name) => name[0] !== '_');
  assert.deepEqual([...new Set(declared)].sort(), there.sort());
});

describe('PorchlightAgent', { timeout: 60000 }, () => {
  const realFetch = globalThis.fetch;
  let api;
  let agent;

  beforeEach(() => {
    api = new Api();
    globalThis.fetch = (url, options) => api.fetch(url, options);
    agent = new PorchlightAgent({ endpoint: 'http://porchlight.test/api' });
  });

  afterEach(() => {
    agent.close();
    globalThis.fetch = realFetch;
  });

  // Resolves with the first presence of this conversation that fits.
  const seen = (id, fits) => new Promise((resolve) => {
    const unwatch = agent.watch(id, (view, change) => {
      if (fits(view, change)) {
        unwatch();
        resolve({ view, change });
      }
    });
  });

  test('first the snapshot, then the events from its cursor', async () => {
    api.put('conv_123');
    await seen('conv_123', (view) => view.status === 'offline');
    const online = seen('conv_123', (view) => view.status === 'online');
    api.push(fresh('online'));
    const { change } = await online;
    assert.equal(change.event, 'customer:online');
  });

  test('one deleted conversation does not darken the others', async () => {
    for (let i = 0; i < 7; i++)
      api.put(`c${i}`);
    api.gone.add('c4');
    const views = await agent.presence(
      ['c0', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6']);
    assert.deepEqual(views.map((view) => !!view.forbidden),
      [false, false, false, false, true, false, false]);
  });

  test('nor one with a name that the server does not take', async () => {
    api.put('good');
    const fetch = api.fetch.bind(api);
    api.fetch = (address, options) => (address.includes('bad')
      ? json(400, { error: 'bad_request', message: 'conversationId' })
      : fetch(address, options));
    const [good, bad] = await agent.presence(['good', 'bad']);
    assert.equal(good.status, 'offline');
    assert.equal(bad.forbidden, true);
  });

  test('nor one that the server says nothing of', async () => {
    api.put('a');
    api.put('b', { conversationId: 'B' });
    await seen('b', (view) => view.forbidden);
    await seen('a', (view) => view.status === 'offline');
    assert.ok(api.count('/presence') <= 2);
  });

  test('who is made only after he was asked for comes with his first event',
    async () => {
      api.gone.add('late');
      agent.all(() => {});
      await seen('late', (view) => view.forbidden);
      const came = seen('late', (view) => view.status === 'online');
      while (!api.held.size)
        await turn();
      api.gone.delete('late');
      api.put('late', { isOnline: true, status: 'online', name: 'Ada' });
      api.push(fresh('online', { conversationId: 'late' }));
      assert.equal((await came).view.name, 'Ada');
    });

  test('and is asked for again every ten minutes', async (t) => {
    const pass = timeOf(t, 1000);
    let last;
    api.gone.add('late');
    agent.watch('late', (view) => { last = view.status; });
    await pass(599000);
    assert.equal(last, 'none');
    assert.equal(api.count('/presence'), 1);
    api.gone.delete('late');
    api.put('late');
    await pass(3000);
    assert.equal(last, 'offline');
    assert.equal(api.held.size, 1);
  });

  test('questions stay short enough for any server', async () => {
    const ids = Array.from({ length: 90 }, (_, i) => `${i}`.padEnd(120, 'é'));
    ids.forEach((id) => api.put(id));
    const views = await agent.presence(ids);
    assert.deepEqual(views.map((view) => view.conversationId), ids);
    assert.ok(views.every((view) => !view.forbidden));
    api.seen.forEach(({ url }) => assert.ok(url.href.length < 8000));
  });

  test('a conversation deleted while it is watched ends, others go on',
    async () => {
      api.put('a');
      api.put('b');
      const gone = new Promise((resolve) => agent.watch('a',
        (view) => view.forbidden && resolve()));
      await seen('b', (view) => view.status === 'offline');
      api.gone.add('a');
      agent.watch('c', () => {});
      api.put('c');
      await gone;
      const online = seen('b', (view) => view.status === 'online');
      api.push(fresh('online', { conversationId: 'b' }));
      await online;
    });

  test('many watched at once are one question', async () => {
    const all = [];
    for (let i = 0; i < 20; i++) {
      api.put(`c${i}`);
      all.push(new Promise((resolve) => agent.watch(`c${i}`, resolve)));
    }
    await Promise.all(all);
    assert.equal(api.count('/presence'), 1);
  });

  test('clicks are no storm, however slow the server is', async (t) => {
    const pass = timeOf(t, 5);
    globalThis.fetch = async (url, options) => {
      if (/presence/.test(url))
        await new Promise((resolve) => setTimeout(resolve, 100));
      return api.fetch(url, options);
    };
    let last;

    for (let i = 0; i < 40; i++) {
      api.put(`c${i}`);
      const unwatch = agent.watch(`c${i}`, (view) => {
        last = `c${i} ${view.status}`;
      });
      await pass(25);
      if (i < 39)
        unwatch();
    }
    await pass(600);
    assert.equal(last, 'c39 offline');
    // The first, what came meanwhile, then one each 500 ms: of 1,000.
    assert.ok(api.count('/presence') <= 4,
      api.seen.map((request) => `${request.path} ${request.ids}`).join('\n'));
  });

  test('a clock that is put back keeps nobody waiting', async (t) => {
    const pass = timeOf(t, 10);
    let last;

    ['a', 'b', 'c'].forEach((id) => api.put(id));
    agent.watch('a', () => {});
    await pass(200);
    agent.watch('b', () => {});
    await pass(1000);
    t.mock.timers.setTime(T0 - 3600000);
    agent.watch('c', (view) => { last = view.status; });
    await pass(200);
    assert.equal(last, 'offline');
  });

  const hurries = [
    ['another that has our client\'s name', {}],
    ['a cursor that is never good', { reset: true }],
  ];
  for (const [what, more] of hurries)
    test(`${what} is no storm`, async (t) => {
      const pass = timeOf(t, 10);
      api.put('a');
      globalThis.fetch = async (url, options) => {
        await turn();
        return /cursor=/.test(url) && api.seen.push(url)
          ? json(200, { cursor: '0', events: [], serverTime: now(), ...more })
          : api.fetch(url, options);
      };
      agent.watch('a', () => {});
      await pass(10000);
      // In 10 s, a look and a poll each 500 ms at most.
      assert.ok(api.seen.length <= 42, `${api.seen.length}`);
    });

  test('watching the same twice asks once', async () => {
    api.put('a');
    await seen('a', () => true);
    await new Promise((resolve) => agent.watch('a', resolve));
    const before = api.count('/presence');
    const stop = agent.watch('a', () => {});
    await new Promise((resolve) => agent.watch('a', resolve));
    stop();
    assert.equal(api.count('/presence'), before);
  });

  test('a cursor that is too old: the presence is taken anew', async () => {
    api.put('conv_123');
    await seen('conv_123', (view) => view.status === 'offline');
    api.put('conv_123', { isOnline: true, status: 'online' });
    let once = true;
    const online = seen('conv_123', (view) => view.status === 'online');
    api.fail = (url) => {
      api.fail = null;
      if (once && url.pathname.endsWith('/events')) {
        once = false;
        return json(200, { reset: true, cursor: '0', events: [],
          serverTime: now() });
      }
      return api.fetch(url.href, {});
    };
    api.push();
    await online;
  });

  test('the server is gone: lost, and live again when it is back', async () => {
    api.put('conv_123');
    await seen('conv_123', (view) => view.status === 'offline');
    agent.watch('conv_123', () => {});
    const states = [];
    const back = new Promise((resolve) => agent.addEventListener('state',
      (change) => {
        states.push(change.detail.state);
        if (change.detail.state === 'lost')
          api.fail = null;
        if (change.detail.state === 'live')
          resolve();
      }));
    api.fail = () => { throw new TypeError('failed to fetch'); };
    api.push(fresh('online'));
    agent._wake();
    await back;
    assert.deepEqual(states, ['lost', 'live']);
  });

  for (const [ms, asked] of [[undefined, '20'], [3500, '3'], [0, '1'], [55000, '20']])
    test(`where polls are held for ${ms} ms, it asks for ${asked} s`, async () => {
      api.pollTimeoutMs = ms;
      api.put('conv_123');
      agent.watch('conv_123', () => {});
      while (!api.held.size)
        await turn();
      assert.equal(api.seen.at(-1).url.searchParams.get('timeout'), asked);
    });

  test('no room to wait is not being cut off', async () => {
    api.put('conv_123');
    const busy = new Promise((resolve) => {
      api.fail = (url) => {
        api.fail = null;
        if (!url.pathname.endsWith('/events')) {
          const answer = api.fetch(url.href, {});
          api.fail = () => {
            setTimeout(resolve, 0);
            return json(503, { error: 'busy', message: '' });
          };
          return answer;
        }
        return json(500, {});
      };
    });
    agent.watch('conv_123', () => {});
    await busy;
    await turn();
    assert.equal(agent.state, 'live');
  });

  test('401 stops, says so once, and signIn goes on', async () => {
    api.put('conv_123');
    api.fail = () => json(401, { error: 'unauthenticated', message: '' });
    const out = new Promise((resolve) =>
      agent.addEventListener('unauthenticated', resolve, { once: true }));
    const online = seen('conv_123', (view) => view.status === 'offline');
    await out;
    assert.equal(agent.state, 'unauthenticated');
    const asked = api.seen.length;
    await turn();
    assert.equal(api.seen.length, asked);
    api.fail = null;
    await agent.signIn('token');
    await online;
  });

  test('all() learns the name of who comes online', async () => {
    const came = new Promise((resolve) => agent.all(resolve));
    while (!api.held.size)
      await turn();
    api.put('new', { isOnline: true, status: 'online', name: 'Ada' });
    api.push(fresh('online', { conversationId: 'new' }));
    const view = await came;
    assert.equal(view.name, 'Ada');
    assert.equal(view.status, 'online');
  });

  test('heartbeats of all are asked for only beside a watched one', async () => {
    agent.all(() => {});
    while (!api.held.size)
      await turn();
    const last = () => api.seen[api.seen.length - 1].url.searchParams;
    assert.equal(last().get('heartbeats'), null);
    api.put('a');
    await new Promise((resolve) => agent.watch('a', resolve));
    while (!api.seen[api.seen.length - 1].path.endsWith('/events'))
      await turn();
    assert.equal(last().get('heartbeats'), '1');
    assert.deepEqual(last().getAll('conversationId'), []);
  });

  // Who left lingers in the book, but nobody looks at him.
  test('of all, one leaves: no heartbeats are asked for, and when he was seen ' +
    'is known', async (t) => {
    const pass = timeOf(t, 1000);
    let last;

    agent.all((view) => { last = view; });
    await pass(1000);
    api.put('a', { isOnline: true, status: 'online', lastHeartbeat: at(1000) });
    api.push(event('online', 1000, { conversationId: 'a' }));
    await pass(900000);
    api.put('a', { lastHeartbeat: at(890000) });
    api.push(event('offline', 901000, { conversationId: 'a' }));
    await pass(60000);
    assert.equal(last.status, 'offline');
    assert.equal(last.lastHeartbeat, at(890000));
    api.seen.forEach(({ url }) =>
      assert.equal(url.searchParams.get('heartbeats'), null, url.search));
  });

  test('a token goes as Bearer, none leaves it to the cookie', async () => {
    api.put('a');
    await agent.presence(['a']);
    assert.equal(api.seen[0].headers.Authorization, undefined);
    agent.token = 'secret';
    await agent.presence(['a']);
    assert.equal(api.seen[1].headers.Authorization, 'Bearer secret');
  });

  test('who ended it before he was told is not told any more', async () => {
    api.put('a', { isOnline: true, status: 'online' });
    let told = 0;
    const note = () => told++;
    await new Promise((resolve) => agent.watch('a', resolve));
    await new Promise((resolve) => agent.all(resolve));
    agent.watch('a', note)();
    agent.all(note)();
    await turn();
    assert.equal(told, 0);
    agent.watch('a', note);
    agent.close();
    await turn();
    assert.equal(told, 0);
  });

  test('looked at after a nudge while nobody was: asked for', { timeout: 9000 }, async () => {
    const idle = () => until(() => agent._poller.idle);
    api.put('a');
    api.put('b');
    await seen('a', () => true);
    await idle();
    agent._poller.wake(true);   // as when the network returns
    await turn();
    await idle();
    await seen('b', (view) => view.status === 'offline');
  });

  test('all() learns of who is watched already', { timeout: 9000 }, async () => {
    api.put('a', { isOnline: true, status: 'online' });
    await new Promise((resolve) => agent.watch('a', resolve));
    await new Promise((resolve) => agent.all(resolve));
  });

  test('all() learns of the same as the one before', { timeout: 9000 }, async () => {
    api.put('a', { isOnline: true, status: 'online' });
    await new Promise((resolve) => {
      const end = agent.all(() => resolve(end));
    }).then((end) => end());
    // Nobody wants it: it is forgotten.
    await until(() => agent._poller.idle);
    await new Promise((resolve) => agent.all(resolve));
  });

  test('a callback that throws does not end the poll', async () => {
    api.put('a');
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const thrown = new Promise((resolve) =>
      process.once('uncaughtException', resolve));
    agent.watch('a', () => { throw new Error('of the page'); });
    assert.equal((await thrown).message, 'of the page');
    listeners.forEach((l) => process.on('uncaughtException', l));
    assert.equal(agent.state, 'live');
  });
});
