// One poll for the whole browser: many clients of the dashboard as the tabs of
// one browser, whose locks and channels are the test's own.

'use strict';

const { test, describe, beforeEach, afterEach } = require('node:test');
const assert = require('node:assert');
const path = require('node:path');
const { until, sleep } = require('../lib/demo');
const { Api, FakeBrowser, T0, event, fresh, json, now, turn } = require('../lib/agentapi');
const { PorchlightAgent } =
  require(path.resolve(__dirname, '../../widget/porchlight-agent.js'));

const ENDPOINT = 'http://porchlight.test/api';
const realFetch = globalThis.fetch;

let api;
let browser;
let tabs;

beforeEach(() => {
  api = new Api();
  api.put('a');
  api.put('b');
  browser = new FakeBrowser();
  tabs = [];
  globalThis.fetch = (url, options) => api.fetch(url, options);
});

afterEach(() => {
  tabs.forEach((tab) => tab.agent.close());
  globalThis.fetch = realFetch;
});

// Opens a tab that watches these and notes all that it is told.
function open(ids = ['a'], options = {}, view) {
  const tab = { browser: browser.tab(view), told: [], events: [], views: {} };

  tab.agent = new PorchlightAgent({ endpoint: ENDPOINT, token: 'secret',
    browser: tab.browser, ...options });
  tab.watch = (id) => tab.agent.watch(id, (presence) => {
    tab.views[id] = presence.status;
    tab.told.push(`${id} ${presence.status}`);
  });
  for (const kind of ['online', 'offline'])
    tab.agent.addEventListener(`customer:${kind}`, (e) =>
      tab.events.push(`${e.detail.conversationId} ${kind}`));
  ids.forEach(tab.watch);
  tabs.push(tab);
  return tab;
}

const knows = (tab, id, status) =>
  until(() => tab.views[id] === status, { what: `${id} ${status}` });

// Its poll is held, and it is the only one.
const settled = (ids) => until(() => api.held.size === 1 &&
  (!ids || [...api.held][0].ids.sort().join() === ids.join()),
{ what: `one poll of ${ids}` });

const leader = () => tabs.find((tab) => tab.agent._poller);

describe('the tabs of one agent', { timeout: 60000 }, () => {
  test('twenty of them hold one poll, and all know', async () => {
    for (let i = 0; i < 20; i++)
      open();
    await Promise.all(tabs.map((tab) => knows(tab, 'a', 'offline')));
    await settled(['a']);
    assert.equal(api.count('/presence'), 1);
    api.push(fresh('online', { conversationId: 'a' }));
    await Promise.all(tabs.map((tab) => knows(tab, 'a', 'online')));
    await settled(['a']);
    tabs.forEach((tab) => assert.deepEqual(tab.events, ['a online']));
  });

  test('each shows its credential once, and no more is asked', async () => {
    for (let i = 0; i < 5; i++)
      open();
    await Promise.all(tabs.map((tab) => knows(tab, 'a', 'offline')));
    await settled();
    const proofs = api.seen.filter((request) =>
      request.path.endsWith('/events') && !request.url.searchParams.has('cursor'));
    assert.equal(proofs.length, 4);
    assert.equal(api.count('/events'), 5);
  });

  test('the one that asks closes: the next goes on, nothing is lost', async () => {
    for (let i = 0; i < 3; i++)
      open([['a', 'b'], ['b', 'a'], ['a', 'b']][i]);
    await Promise.all(tabs.map((tab) => knows(tab, 'b', 'offline')));
    await settled(['a', 'b']);
    const asked = api.count('/presence');

    const first = leader();
    const rest = tabs.filter((tab) => tab !== first);
    first.agent.close();
    // While nobody asks.
    api.push(fresh('online', { conversationId: 'a' }));
    api.push(fresh('online', { conversationId: 'b' }));
    api.push(fresh('offline', { conversationId: 'b' }));
    await until(() => rest.every((tab) => tab.events.length === 3));
    await settled();
    rest.forEach((tab) => assert.deepEqual(tab.events,
      ['a online', 'b online', 'b offline']));
    assert.equal(api.count('/presence'), asked);
  });

  test('the same name of the client: the older poll ends at the server',
    async () => {
      open();
      await settled();
      const [{ client }] = api.held;
      const second = open();
      await knows(second, 'a', 'offline');
      tabs[0].agent.close();
      await until(() => leader() === second && api.held.size === 1);
      assert.equal([...api.held][0].client, client);
    });

  test('what is asked is what any of them wants', async () => {
    const one = open(['a']);
    const two = open(['b']);
    await knows(one, 'a', 'offline');
    await knows(two, 'b', 'offline');
    await settled(['a', 'b']);
    two.agent.close();
    await until(() => leader() === one && !one.agent._circle.wanted().ids.has('b'));
    // Who is wanted no more lingers, and then is not in the next poll.
    api.push(fresh('online', { conversationId: 'a' }));
    await knows(one, 'a', 'online');
    await settled(['a', 'b']);
    one.agent._poller.lingering.set('b', 1);
    api.push(fresh('offline', { conversationId: 'a' }));
    await knows(one, 'a', 'offline');
    await settled(['a']);
    assert.equal(one.agent._book.views.has('b'), false);
  });

  test('clicking through thirty is no storm, and nothing is missed', async () => {
    const one = open(['a']);
    const two = open(['b']);
    for (let i = 0; i < 30; i++)
      api.put(`c${i}`);
    await knows(one, 'a', 'offline');
    await knows(two, 'b', 'offline');
    await settled();
    const before = api.seen.length;
    const start = Date.now();

    for (let i = 0; i < 30; i++) {
      const unwatch = two.watch(`c${i}`);
      await turn();
      if (i === 15)
        api.push(fresh('online', { conversationId: 'a' }));
      if (i < 29)
        unwatch();
    }
    await knows(two, 'c29', 'offline');
    await knows(one, 'a', 'online');
    await until(() => api.held.size === 1 &&
      [...api.held][0].ids.includes('c29'));
    // A look and a poll, twice a second; and what it takes to begin and end.
    const most = 8 + 4 * (Date.now() - start) / 1000;
    assert.ok(api.seen.length - before <= most, `${api.seen.length - before} of ${most}`);
    api.push(fresh('online', { conversationId: 'c29' }));
    await knows(two, 'c29', 'online');
    assert.deepEqual(one.events, ['a online']);
  });

  test('back to one that was just left: no question at all', async () => {
    const one = open(['a']);
    const unwatch = one.watch('b');
    await knows(one, 'b', 'offline');
    await settled(['a', 'b']);
    const before = api.count('/presence');
    unwatch();
    api.push(fresh('online', { conversationId: 'a' }));
    await knows(one, 'a', 'online');
    await settled(['a', 'b']);
    // What happens while nobody wants to know is known all the same.
    api.push(fresh('online', { conversationId: 'b' }));
    await until(() => one.agent._book.views.get('b').isOnline);
    one.watch('b');
    await knows(one, 'b', 'online');
    await settled(['a', 'b']);
    assert.equal(api.count('/presence'), before);
  });

  test('of all, one is looked at: how he is by now, not by his coming', async () => {
    const one = open([]);
    one.agent.all(() => {});
    api.put('a', { isOnline: true, status: 'online' });
    await until(() => api.held.size === 1);
    // Heartbeats are not told, while nobody looks.
    api.put('a', { isOnline: true, status: 'away' });
    one.watch('a');
    await knows(one, 'a', 'away');
    await settled();
  });

  test('of a hidden tab a visible one takes over', async () => {
    const hidden = open(['a'], {}, { isHidden: true });
    await settled();
    assert.equal(leader(), hidden);
    const seen = open();
    await until(() => leader() === seen && !hidden.agent._poller);
    await settled();
    api.push(fresh('online', { conversationId: 'a' }));
    await knows(hidden, 'a', 'online');
    await knows(seen, 'a', 'online');
    assert.deepEqual([...hidden.events, ...seen.events],
      ['a online', 'a online']);
  });

  test('hidden, it asks for no beats of all; shown, it looks', async () => {
    const tab = open([], {}, { isHidden: true });
    const beats = () => [...api.seen].reverse().find((request) =>
      request.url.searchParams.has('cursor')).url.searchParams.get('heartbeats');
    api.put('a', { isOnline: true, status: 'online' });
    tab.agent.all(() => {});
    tab.watch('a');
    await knows(tab, 'a', 'online');
    await settled();
    assert.equal(beats(), null);
    api.put('a', { isOnline: true, status: 'away' });
    tab.browser.isHidden = false;
    tab.agent._looked();
    await knows(tab, 'a', 'away');
    await until(() => api.held.size === 1 && beats() === '1');
  });

  // Asleep, or cut off: it is shown before it has heard of all that happened.
  test('shown, it is told of what happened meanwhile, as of each event', async () => {
    const tab = open([], {}, { isHidden: true });
    const listed = new Set();
    tab.agent.all((view) => listed.add(view.conversationId));
    tab.watch('a');
    await knows(tab, 'a', 'offline');
    await settled();
    tab.agent._book.views.get('a').asOf -= 3600000;
    for (const [kind, ago] of [['online', 60000], ['offline', 50000], ['online', 40000]])
      api.events.push(event(kind, Date.now() - T0 - ago, { conversationId: 'a' }));
    api.put('a', { isOnline: true, status: 'online', lastHeartbeat: now() });
    tab.browser.isHidden = false;
    tab.agent._looked();
    tab.agent._wake();
    await until(() => tab.events.length === 3);
    assert.deepEqual(tab.events, ['a online', 'a offline', 'a online']);
    assert.equal(tab.views.a, 'online');
    assert.ok(listed.has('a'));
  });

  test('who came while we were cut off, and is asked for first, is of all', async () => {
    const tab = open([]);
    const listed = new Set();
    tab.agent.all((view) => listed.add(view.conversationId));
    await settled();
    api.events.push(event('online', Date.now() - T0 - 60000, { conversationId: 'a' }));
    api.put('a', { isOnline: true, status: 'online' });
    const unwatch = tab.watch('a');
    await knows(tab, 'a', 'online');
    unwatch();
    await settled();
    assert.ok(listed.has('a'));
  });

  test('back to one while no beats were heard, by way of another: how he is', async () => {
    const tab = open([]);
    const beats = () => [...api.seen].reverse().find((request) =>
      request.url.searchParams.has('cursor')).url.searchParams.get('heartbeats');
    api.put('a', { isOnline: true, status: 'online' });
    tab.agent.all(() => {});
    const unwatch = tab.watch('a');
    await knows(tab, 'a', 'online');
    await settled();
    unwatch();
    api.push(fresh('online', { conversationId: 'b' }));
    await until(() => api.held.size === 1 && beats() === null);
    api.put('a', { isOnline: true, status: 'away' });
    api.put('c');
    tab.watch('c');
    await knows(tab, 'c', 'offline');
    await until(() => api.held.size === 1 && beats() === '1');
    tab.watch('a');
    await knows(tab, 'a', 'away');
    assert.ok(api.count('/presence') <= 5);
  });

  test('nobody was wanted for a while, and one had lingered: it goes on', async () => {
    const tab = open([]);
    const ends = ['a', 'b'].map(tab.watch);
    await knows(tab, 'b', 'offline');
    await settled(['a', 'b']);
    ends[0]();
    api.push(fresh('online', { conversationId: 'b' }));
    await knows(tab, 'b', 'online');
    await settled(['a', 'b']);
    ends[1]();
    api.push(fresh('offline', { conversationId: 'b' }));
    await until(() => tab.agent._poller.idle);
    tab.watch('b');
    await settled(['b']);
    assert.equal(tab.agent.state, 'live');
  });

  test('all is asked anew, while one lingers: it goes on', async () => {
    const tab = open(['a']);
    const unwatch = tab.watch('b');
    await knows(tab, 'b', 'offline');
    await settled(['a', 'b']);
    unwatch();
    api.push(fresh('online', { conversationId: 'a' }));
    await knows(tab, 'a', 'online');
    await settled(['a', 'b']);
    api.gone.add('b');
    tab.agent._poller.wake(true);
    await settled(['a']);
    api.push(fresh('offline', { conversationId: 'a' }));
    await knows(tab, 'a', 'offline');
    assert.equal(tab.agent.state, 'live');
  });

  test('who takes over from it knows that it heard no beats', async () => {
    const hidden = open(['a'], {}, { isHidden: true });
    hidden.agent.all(() => {});
    api.put('a', { isOnline: true, status: 'online' });
    await knows(hidden, 'a', 'online');
    await settled();
    api.put('a', { isOnline: true, status: 'away' });
    const seen = open(['a']);
    await until(() => leader() === seen && !hidden.agent._poller);
    await knows(seen, 'a', 'away');
  });

  test('from a frozen one it is taken; thawed, it listens again', async () => {
    const frozen = open();
    await settled();
    const other = open();
    await knows(other, 'a', 'offline');
    frozen.browser.deaf = true;
    // As if nothing had been heard for long.
    other.agent._circle.heardAt = 0;
    other.agent._circle.consider();
    await until(() => leader() === other && !frozen.agent._poller);
    await settled();
    frozen.browser.deaf = false;
    api.push(fresh('online', { conversationId: 'a' }));
    await knows(frozen, 'a', 'online');
    other.agent.close();
    await until(() => leader() === frozen && api.held.size === 1);
  });

  test('who crashed is asked for no more', async () => {
    const one = open(['a']);
    await settled(['a']);
    const two = open(['b']);
    await knows(two, 'b', 'offline');
    two.browser.deaf = true;
    const circle = leader().agent._circle;
    assert.ok(circle.wanted().ids.has('b'));
    await until(() => Date.now() > circle.wants.get(two.agent._circle.id).at);
    circle.roll();
    await turn();
    circle.roll();
    assert.equal(circle.wanted().ids.has('b'), false);
    assert.equal(leader(), one);
  });

  test('cut off: unknown in all of them, then right in all', async () => {
    for (let i = 0; i < 3; i++)
      open();
    await Promise.all(tabs.map((tab) => knows(tab, 'a', 'offline')));
    await settled();
    api.fail = () => { throw new TypeError('failed to fetch'); };
    leader().agent._wake();
    await Promise.all(tabs.map((tab) => knows(tab, 'a', 'unknown')));
    api.fail = null;
    await Promise.all(tabs.map((tab) => knows(tab, 'a', 'offline')));
    await settled();
  });

  test('any of them may notice that the laptop slept: one question', async () => {
    for (let i = 0; i < 5; i++)
      open();
    await Promise.all(tabs.map((tab) => knows(tab, 'a', 'offline')));
    await settled();
    const before = api.seen.length;
    leader().agent._poller.spokeAt = 0; // hours ago
    tabs.forEach((tab) => tab.agent._wakeAll());
    await until(() => api.seen.length > before);
    await settled();
    assert.ok(api.seen.length - before <= 3, `${api.seen.length - before}`);
  });

  test('401 ends them all, with one question each', async () => {
    for (let i = 0; i < 5; i++)
      open();
    await Promise.all(tabs.map((tab) => knows(tab, 'a', 'offline')));
    await settled();
    const before = api.seen.length;
    api.refused.add('Bearer secret');
    leader().agent._wake();
    await until(() => tabs.every((tab) =>
      tab.agent.state === 'unauthenticated'));
    assert.ok(api.seen.length - before <= 5);
    assert.equal(api.held.size, 0);
    assert.ok(tabs.every((tab) => tab.views.a === 'unknown'));
  });

  test('a new JWT in time, and the stream goes on', async () => {
    const one = open();
    await settled();
    api.refused.add('Bearer secret');
    one.agent._wake();
    await until(() => one.agent.state === 'unauthenticated');
    one.agent.token = 'newer';
    await knows(one, 'a', 'offline');
    await settled();
    assert.equal(one.agent.state, 'live');
  });

  test('a watcher that came and went leaves no poll and no old news', async () => {
    const one = open([]);
    const unwatch = one.watch('a');
    await knows(one, 'a', 'offline');
    await settled(['a']);
    unwatch();
    api.push(fresh('online', { conversationId: 'a' }));
    await until(() => api.held.size === 0 && one.agent._poller.idle);
    api.put('a', { isOnline: true, status: 'away' });
    one.told = [];
    one.watch('a');
    await knows(one, 'a', 'away');
    assert.deepEqual(one.told, ['a away']);
    await settled(['a']);
  });
});

describe('tabs of others', { timeout: 60000 }, () => {
  const others = [
    ['another token', { token: 'other' }],
    ['another endpoint', { endpoint: 'http://other.test/api' }],
    ['the cookie', { token: null }],
    ['another name of the agent', { agent: 'joe' }],
  ];
  for (const [what, options] of others)
    test(`${what}: nothing is shared`, async () => {
      const one = open();
      const other = open(['a'], options);
      await knows(one, 'a', 'offline');
      await knows(other, 'a', 'offline');
      await until(() => api.held.size === 2);
      assert.equal(browser.names.size, 4);
    });

  test('names of locks and channels give no token away', async () => {
    open();
    await settled();
    assert.equal(browser.names.size, 2);
    const hashes = [...browser.names].map((name) =>
      /^porchlight-(lock|channel)-([0-9a-f]{64})$/.exec(name)[2]);
    // Locks can be listed: what is said must not be found by their names.
    assert.notEqual(hashes[0], hashes[1]);
  });

  test('a tab whose credential is no good learns nothing', async () => {
    const jwt = (signature) => `e30.${Buffer.from('{"sub":"jane"}')
      .toString('base64url')}.${signature}`;
    const good = open(['a'], { token: jwt('good') });
    api.refused.add(`Bearer ${jwt('forged')}`);
    await knows(good, 'a', 'offline');
    await settled();
    const forger = open(['a'], { token: jwt('forged') });
    await until(() => forger.agent.state === 'unauthenticated');
    api.push(fresh('online', { conversationId: 'a' }));
    await knows(good, 'a', 'online');
    await turn();
    assert.deepEqual(forger.told, ['a unknown']);
    assert.deepEqual(forger.events, []);
  });

  test('a JWT of the same agent shares, whatever its signature', async () => {
    const jwt = (signature) => `e30.${Buffer.from('{"sub":"jane"}')
      .toString('base64url')}.${signature}`;
    const one = open(['a'], { token: jwt('one') });
    const two = open(['a'], { token: jwt('two') });
    await knows(one, 'a', 'offline');
    await knows(two, 'a', 'offline');
    await settled();
  });
});

describe('where there are no locks', { timeout: 60000 }, () => {
  const alone = (view) => {
    const tab = open([], {}, view);
    delete tab.browser.locks;
    tab.watch('a');
    return tab;
  };

  test('of eight visible tabs four hold a poll, the others ask', async () => {
    for (let i = 0; i < 8; i++) {
      const tab = alone();
      await knows(tab, 'a', 'offline');
      await until(() => api.held.size === Math.min(i + 1, 4));
    }
    assert.equal(api.held.size, 4);
    assert.ok(tabs.every((tab) => tab.agent.state === 'live'));
    api.push(fresh('online', { conversationId: 'a' }));
    await Promise.all(tabs.map((tab) => knows(tab, 'a', 'online')));
  });

  test('hidden ones hold none, and look when they are shown', async () => {
    const tab = alone({ isHidden: true });
    await knows(tab, 'a', 'offline');
    await until(() => api.count('/events') === 1);
    await turn();
    assert.equal(api.held.size, 0);
    tab.browser.isHidden = false;
    tab.agent._looked();
    await until(() => api.held.size === 1);
    tab.browser.isHidden = true;
    tab.agent._looked();
    await until(() => api.held.size === 0);
  });

  // A copy of a tab, made while it shows a page that has no poll.
  test('two with one name do not end each other\'s polls for ever', async () => {
    for (let i = 0; i < 2; i++) {
      const tab = open([], { client: 'page-x' });
      delete tab.browser.locks;
      tab.watch('a');
    }
    await until(() => api.held.size === 2);
    await sleep(600);
    assert.equal(api.held.size, 2);
  });

  test('one that closes gives its place to another', async () => {
    for (let i = 0; i < 5; i++)
      await knows(alone(), 'a', 'offline');
    await until(() => api.held.size === 4);
    const holders = tabs.filter((tab) => tab.agent._places.holds);
    holders[0].agent.close();
    await until(() => tabs.filter((tab) => tab.agent._places &&
      tab.agent._places.holds).length === 4 && api.held.size === 4);
  });

  test('no locks, and no channel either: each for itself', async () => {
    const tab = alone();
    delete tab.browser.BroadcastChannel;
    await knows(tab, 'a', 'offline');
    await settled();
  });

  test('a sandboxed frame has locks that refuse: for itself too', async () => {
    const tab = open([]);
    tab.browser.locks = { request: async () => {
      throw new DOMException('Access to the Locks API is denied in this context.',
        'SecurityError');
    } };
    tab.watch('a');
    await knows(tab, 'a', 'offline');
    await settled();
  });
});

describe('no room to wait', { timeout: 60000 }, () => {
  test('it asks every five seconds, and does not wait', async () => {
    const tab = open();
    await settled();
    api.fail = (url) => {
      api.fail = null;
      return url.searchParams.get('timeout') === '0' ? json(200, {})
        : json(503, { error: 'busy', message: '' }, { 'Retry-After': '5' });
    };
    const before = api.seen.length;
    api.push(fresh('online', { conversationId: 'a' }));
    await until(() => api.seen.length >= before + 2, { deadline: 15000 });
    assert.equal(tab.agent.state, 'live');
    const timeout = () => api.seen.at(-1).url.searchParams.get('timeout');
    assert.equal(timeout(), '0');
    // A minute later.
    tab.agent._poller.busyAt -= 60000;
    tab.agent._poller.interrupt();
    await settled();
    assert.equal(timeout(), '20');
  });
});

describe('a server that says when to come again', { timeout: 60000 }, () => {
  test('it is obeyed, by who takes over as well', async () => {
    const one = open();
    const two = open();
    await knows(one, 'a', 'offline');
    await knows(two, 'a', 'offline');
    await settled();
    let asked;
    api.fail = () => {
      api.fail = null;
      asked = Date.now();
      return json(503, { error: 'store_unavailable', message: '' },
        { 'Retry-After': '2' });
    };
    const first = leader();
    first.agent._wake();
    await until(() => tabs.every((tab) => tab.agent.state === 'lost'));
    const before = api.seen.length;
    first.agent.close();
    await until(() => api.seen.length > before);
    assert.ok(Date.now() - asked >= 1990, `${Date.now() - asked} ms`);
    await settled();
  });
});
