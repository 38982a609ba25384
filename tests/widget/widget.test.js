// The widget in a page that is made up: time, network, storage and visibility
// are the test's own, so that a minute takes no time and nothing is chance.
// What real browsers make of it is looked at in tests/browser.

'use strict';

const { test } = require('node:test');
const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

const WIDGET = path.resolve(__dirname, '../../widget/porchlight-widget.js');
const SOURCE = fs.readFileSync(WIDGET, 'utf8');
const KNOWN = { conversationId: 'conv_123', sessionId: 'secret' };
const TAKEN = { ok: true, status: 'online', leaseMs: 60000,
  heartbeatIntervalMs: 30000 };

/**
 * A page that has loaded the widget.
 *
 *   data     the tag's data-… attributes
 *   stored   the conversation in localStorage
 *   random   what Math.random() gives
 *   without  names of globals that this browser does not have
 *   with     globals that differ
 */
class Page {
  constructor({ data = { siteKey: 'key' }, stored, debug, random = 0,
    hidden = false, without = [], globals = {} } = {}) {
    Object.assign(this, { now: 1000, timers: new Map(), listeners: {}, sent: [],
      events: [], lines: [], workers: [] });
    this.storage = {};
    if (stored)
      this.storage['porchlight:key'] = JSON.stringify(stored);
    if (debug)
      this.storage.widget_debug = 'true';
    this.document = {
      currentScript: { dataset: data, src: 'https://chat.example/w/p.js' },
      baseURI: 'https://shop.example/',
      title: 'Lamps',
      get visibilityState() { return this.hidden ? 'hidden' : 'visible'; },
      hidden,
      dispatchEvent: (event) => this.events.push([event.type, event.detail]),
    };
    this.window = vm.createContext(Object.assign({
      document: this.document,
      location: { href: 'https://shop.example/lamps', origin: 'https://chat.example' },
      localStorage: this.storage,
      console: { log: (...words) => this.lines.push(words.join(' ')) },
      crypto: globalThis.crypto,
      performance: { now: () => this.now },
      navigator: { sendBeacon: (url, text) => this.take('beacon', url, text) },
      fetch: (url, options) => this.fetch(url, options),
      XMLHttpRequest: xhrOf(this),
      Worker: workerOf(this),
      AbortSignal: { timeout: (ms) => ({ ms }) },
      CustomEvent: class {
        constructor(type, { detail }) {
          this.type = type;
          this.detail = JSON.parse(JSON.stringify(detail));
        }
      },
      URL,
      setTimeout: (run, ms) => {
        const id = this.timers.size + 1;
        this.timers.set(id, { run, ms });
        return id;
      },
      clearTimeout: (id) => this.timers.has(id) && (this.timers.get(id).run = null),
      addEventListener: (type, run) => { this.listeners[type] = run; },
      removeEventListener: (type) => { delete this.listeners[type]; },
    }, globals));
    this.window.window = this.window;
    for (const name of without)
      delete (name === 'sendBeacon' ? this.window.navigator : this.window)[name];
    vm.runInContext(`Math.random = () => ${random};`, this.window);
    this.load();
  }

  load() {
    vm.runInContext(SOURCE, this.window);
    this.widget = this.window.Porchlight;
  }

  take(by, url, text) {
    this.sent.push({ by, url: String(url), body: JSON.parse(text),
      path: String(url).replace(/.*\//, '') });
    return true;
  }

  fetch(url, options) {
    this.take('fetch', url, options.body);
    const message = this.sent[this.sent.length - 1];
    assert.equal(options.method, 'POST');
    assert.equal(options.keepalive, true);
    return new Promise((resolve, reject) => Object.assign(message, {
      reply: (status, text, headers = {}) => resolve({
        status, text: async () => text,
        headers: { get: (name) => headers[name] ?? null },
      }),
      fail: () => reject(new TypeError('Failed to fetch')),
    }));
  }

  get last() {
    return this.sent[this.sent.length - 1];
  }

  /** Answers what was sent last, or `message`. */
  answer(json = TAKEN, { status = 200, headers, message = this.last } = {}) {
    message.reply(status, typeof json === 'string' ? json : JSON.stringify(json),
      headers);
    return settled();
  }

  fail() {
    this.last.fail();
    return settled();
  }

  /** How long the widget waits until its next beat; null: for ever. */
  get delay() {
    const armed = [...this.timers.values()].filter((timer) => timer.run);
    assert.ok(armed.length <= 1, `${armed.length} timers`);
    return armed.length ? armed[0].ms : null;
  }

  /** Lets that time pass. */
  wait() {
    const armed = [...this.timers.values()].find((timer) => timer.run);
    const { run, ms } = armed;
    armed.run = null;
    this.now += ms;
    run();
  }

  event(type, more) {
    if (this.listeners[type])
      this.listeners[type]({ type, ...more });
    return settled();
  }

  see(visible) {
    this.document.hidden = !visible;
    return this.event('visibilitychange');
  }

  /** The names of the events so far, heartbeats left out; forgets them. */
  takeEvents() {
    const names = this.events.splice(0).map(([type]) => type.slice(11));
    return names.filter((name) => name !== 'heartbeat');
  }
}

const xhrOf = (page) => class {
  open(method, url) {
    assert.equal(method, 'POST');
    this.url = url;
  }

  send(text) {
    page.take('xhr', this.url, text);
    page.last.reply = (status, answer, headers = {}) => {
      Object.assign(this, { status, responseText: answer,
        getResponseHeader: (name) => headers[name] ?? null });
      this.onloadend();
    };
    page.last.fail = () => page.last.reply(0, '');
  }
};

const workerOf = (page) => class {
  constructor(url) {
    Object.assign(this, { url, ended: false, messages: [] });
    page.workers.push(this);
  }

  postMessage(ms) {
    this.messages.push(ms);
  }

  terminate() {
    this.ended = true;
  }
};

const settled = () => new Promise((resolve) => setImmediate(resolve));

async function online(options) {
  const page = new Page({ stored: KNOWN, ...options });
  await page.answer();
  return page;
}

// --- size ---

test('the script stays below 3 kB gzipped, comments and all', () => {
  const { length } = execFileSync('gzip', ['-9c', WIDGET]);
  assert.ok(length <= 3000, `${length} bytes`);
});

// --- opening ---

test('a page with a stored conversation says so at once', () => {
  const { sent } = new Page({ stored: KNOWN });
  assert.equal(sent.length, 1);
  const { url, body: { tabId, ...body } } = sent[0];
  assert.equal(url, 'https://chat.example/w/api/widget/online');
  assert.deepEqual(body, { ...KNOWN, seq: 1, visibility: 'visible' });
  assert.match(tabId, /^\d+(-\d+){3}$/);
});

test('each page load is a tab of its own, whatever is stored', () => {
  const first = new Page({ stored: KNOWN });
  const second = new Page({ stored: KNOWN });
  assert.notEqual(first.last.body.tabId, second.last.body.tabId);
  assert.deepEqual(Object.keys(second.storage), ['porchlight:key']);
});

test('all settings can stand on the tag', () => {
  const { last } = new Page({ data: { ...KNOWN, endpoint: '/there/api/' } });
  assert.equal(last.url, 'https://chat.example/there/api/widget/online');
  assert.equal(last.body.sessionId, KNOWN.sessionId);
});

test('without a conversation nothing is sent', async () => {
  const page = new Page();
  await page.see(false);
  await page.see(true);
  await page.event('pagehide');
  page.widget.typing();
  page.widget.destroy();
  assert.deepEqual(page.sent, []);
  assert.deepEqual(page.workers, []);
});

test('the form: makes a conversation, keeps it, connects', async () => {
  const page = new Page();
  const started = page.widget.start({ name: 'Ada', email: 'ada@example.org' });
  assert.equal(page.last.path, 'conversations');
  assert.deepEqual(page.last.body,
    { siteKey: 'key', name: 'Ada', email: 'ada@example.org' });
  await page.answer(KNOWN, { status: 201 });
  assert.equal(await started, true);
  assert.deepEqual(JSON.parse(page.storage['porchlight:key']), KNOWN);
  assert.equal(page.last.path, 'online');
  assert.equal(page.widget.status().conversationId, 'conv_123');
});

test('the form that fails: false, and an event', async () => {
  const page = new Page();
  const started = page.widget.start();
  await page.answer({ error: 'rate_limited' }, { status: 429 });
  assert.equal(await started, false);
  assert.deepEqual(page.events,
    [['porchlight:error', { error: 'rate_limited', status: 429 }]]);
});

test('the form filled in in another tab is this one\'s too', async () => {
  const page = new Page();
  page.storage['porchlight:key'] = JSON.stringify(KNOWN);
  await page.event('storage', { key: 'something' });
  assert.equal(page.sent.length, 0);
  await page.event('storage', { key: 'porchlight:key' });
  assert.equal(page.last.path, 'online');
});

test('a chat with a form of its own: connect(), and nothing is stored', async () => {
  const page = new Page();
  page.widget.connect({ ...KNOWN, endpoint: 'https://other.example/api' });
  assert.equal(page.last.url, 'https://other.example/api/widget/online');
  assert.deepEqual(page.storage, {});
});

test('connect() to nothing is an event, and no exception', () => {
  const page = new Page();
  for (const wrong of [undefined, null, {}, { conversationId: 'x' }])
    page.widget.connect(wrong);
  assert.deepEqual(page.takeEvents(), ['error', 'error', 'error', 'error']);
});

test('an endpoint that is no address is a failed request, no exception', async () => {
  const page = new Page({ data: { siteKey: 'key', endpoint: 'http://[' },
    stored: KNOWN });
  await settled();
  assert.deepEqual(page.takeEvents(), ['error']);
  page.widget.destroy();
  page.widget.status();
});

test('what stands in the store and is no conversation is none', () => {
  for (const text of ['null', '{}', '5', '"x"', '{', '[]']) {
    const page = new Page({ globals: { localStorage: { 'porchlight:key': text } } });
    assert.equal(page.sent.length, 0, text);
  }
});

// Chromium has it visible a moment before it is no longer rendered in advance.
test('a page that is rendered in advance is nobody\'s until it is seen', async () => {
  const page = new Page();
  Object.assign(page.document, { prerendering: true, hidden: true });
  page.widget.connect(KNOWN);
  await page.see(true);
  assert.equal(page.sent.length, 0);
  page.document.prerendering = false;
  await page.event('prerenderingchange');
  assert.equal(page.sent.length, 1);
  assert.equal(page.last.path, 'online');
});

test('the tag twice: once', () => {
  const page = new Page({ stored: KNOWN });
  const { widget } = page;
  page.load();
  assert.equal(page.widget, widget);
  assert.equal(page.sent.length, 1);
});

// --- beating ---

test('a visible tab beats at 80 to 93 % of the interval', async () => {
  assert.equal((await online({ random: 0 })).delay, 24000);
  const { delay } = await online({ random: 0.9999 });
  assert.ok(delay > 27890 && delay < 27901, String(delay));
});

test('interval and lease are the server\'s, from each answer', async () => {
  const page = await online();
  page.wait();
  assert.equal(page.last.path, 'heartbeat');
  await page.answer({ ...TAKEN, heartbeatIntervalMs: 10000 });
  assert.equal(page.delay, 8000);
  page.wait();
  await page.answer({ ok: true, status: 'online' });
  assert.equal(page.delay, 8000, 'what is not said stays');
  page.wait();
  await page.answer({ ...TAKEN, leaseMs: 10000 });
  assert.equal(page.delay, 4000, 'a short lease is beaten twice');
});

// Timers of a hidden tab run once a minute. The one that is set at the start
// of a minute is due within it, so beats come each minute, and one of 150 s
// may be lost: 60 + 60 < 150.
test('a hidden tab beats within a minute and not before 30 s', async () => {
  for (const random of [0, 0.5, 0.9999]) {
    const page = await online({ random });
    await page.see(false);
    assert.equal(page.last.body.visibility, 'hidden');
    await page.answer({ ...TAKEN, status: 'away', leaseMs: 150000 });
    assert.ok(page.delay >= 30000 && page.delay < 60000, String(page.delay));
  }
});

// The last one is due 27.9 + 31 s after the last that came: within the lease.
test('a failed beat is repeated after 1, 2, 4, 8, 8, 8 s, then at the interval', async () => {
  const page = await online();
  const waits = [];
  for (let i = 0; i < 8; i++) {
    page.wait();
    await page.fail();
    waits.push(page.delay);
  }
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 8000, 8000, 24000, 24000]);
  page.wait();
  await page.answer();
  page.wait();
  await page.fail();
  assert.equal(page.delay, 1000, 'and so again after a good one');
});

test('a server that is away for half a minute costs nobody his dot', async () => {
  for (const random of [0, 0.5, 0.9999])
    for (const missed of [1, 9000, 27000]) {
      const page = await online({ random });
      const lease = page.now + 60000;
      const away = page.now + page.delay - missed;
      const back = away + 30000;
      for (;;) {
        page.wait();
        if (page.now >= back)
          break;
        await page.fail();
      }
      assert.ok(page.now < lease, `${random} ${missed}: ${page.now} is not before ${lease}`);
    }
});

test('a repetition is never later than the beat would have been', async () => {
  const page = await online();
  page.wait();
  await page.answer({ ...TAKEN, heartbeatIntervalMs: 3000 });
  for (const wait of [1000, 2000, 2400]) {
    page.wait();
    await page.fail();
    assert.equal(page.delay, wait);
  }
});

const busy = (page, wait) => page.answer({ error: 'store_unavailable' },
  { status: 503, headers: { 'Retry-After': wait } });

test('Retry-After is obeyed, and spread', async () => {
  for (const [random, least, most] of [[0, 30000, 30000], [0.9999, 35000, 36000]]) {
    const page = await online({ random });
    page.wait();
    await busy(page, '30');
    assert.ok(page.delay >= least && page.delay <= most, String(page.delay));
  }
});

test('a Retry-After that is missing or a date: the schedule', async () => {
  for (const wait of [undefined, '0', 'Fri, 03 Oct 2025 10:30:00 GMT', '-5']) {
    const page = await online();
    page.wait();
    await busy(page, wait);
    assert.equal(page.delay, 1000, wait);
  }
});

test('nonsense from the server makes no busy loop and no endless wait', async () => {
  for (const [interval, delay] of [[0, 250], [-1, 250], [1e12, 3600000]]) {
    const page = await online();
    page.wait();
    await page.answer({ ...TAKEN, leaseMs: 1e12, heartbeatIntervalMs: interval });
    assert.equal(page.delay, delay);
  }
  const page = await online();
  page.wait();
  await busy(page, '1000000000');
  assert.equal(page.delay, 3600000);
});

test('a proxy or a hotspot that answers is as good as no network', async () => {
  for (const text of ['<html>Please sign in</html>', '', 'null', '{"ok": false}']) {
    const page = await online();
    page.wait();
    await page.answer(text);
    assert.equal(page.delay, 1000, text);
    assert.equal(page.widget.status().status, 'online');
  }
});

test('messages count up, and the answer to an older one is let go', async () => {
  const page = await online();
  page.wait();
  const slow = page.last;
  await page.see(false);
  assert.equal(page.last.body.seq, slow.body.seq + 1);
  await page.answer({ ...TAKEN, leaseMs: 150000, status: 'away' });
  await page.answer(TAKEN, { message: slow });
  assert.equal(page.widget.status().status, 'away');
});

test('the network is back, or the page is seen: at once', async () => {
  for (const happens of [(p) => p.event('online'), (p) => p.see(true)]) {
    const page = await online();
    page.wait();
    await busy(page, '30');
    const { length } = page.sent;
    await happens(page);
    assert.equal(page.sent.length, length + 1);
    await page.fail();
    assert.equal(page.delay, 1000, 'and the retries start anew');
  }
});

// --- hidden ---

test('a hidden page has a worker for its clock, a visible one has none', async () => {
  const page = await online();
  assert.equal(page.workers.length, 0);
  await page.see(false);
  const [worker] = page.workers;
  assert.equal(worker.url, 'https://chat.example/w/p.js');
  await page.answer({ ...TAKEN, leaseMs: 15000 });
  assert.deepEqual(worker.messages, [4000]);
  assert.equal(page.delay, 4400, 'its timer comes second: both would beat twice');
  worker.onmessage();
  assert.equal(page.last.path, 'heartbeat');
  assert.equal(page.delay, null, 'its timer is not needed, too');
  await page.see(true);
  assert.equal(worker.ended, true);
  assert.equal(page.workers.length, 1);
});

test('no worker where the owner wants none, or the browser', async () => {
  const no = await online({ data: { siteKey: 'key', worker: 'false' } });
  await no.see(false);
  assert.equal(no.workers.length, 0);

  // Firefox would log that it may not be loaded.
  const foreign = await online({ globals: { location: { origin: 'https://shop.example' } } });
  await foreign.see(false);
  assert.equal(foreign.workers.length, 0);

  const old = await online({ without: ['Worker'] });
  await old.see(false);
  await old.answer({ ...TAKEN, leaseMs: 150000 });
  assert.equal(old.delay, 40000);
});

test('in the worker the script is a clock', () => {
  const timers = [];
  const scope = vm.createContext({ onmessage: null, postMessage: 'post',
    setTimeout: (...what) => timers.push(what),
    clearTimeout: (id) => id && timers.splice(id - 1, 1) });
  vm.runInContext(SOURCE, scope);
  scope.onmessage({ data: 40000 });
  scope.onmessage({ data: 41000 });
  assert.deepEqual(timers, [['post', 41000, 0]]);
});

// --- leaving ---

for (const [gone, back] of [['pagehide', 'pageshow'], ['freeze', 'resume']])
  test(`${gone}: leaves, once; ${back}: is here again, once`, async () => {
    const page = await online();
    page.takeEvents();
    await page.event(gone);
    assert.deepEqual([page.last.path, page.last.by], ['offline', 'beacon']);
    assert.equal(page.last.body.seq, 2);
    assert.equal(page.delay, null);
    assert.equal(page.widget.status().status, 'offline');
    const { length } = page.sent;
    await page.event('freeze');
    await page.see(false);
    await page.event('online');
    assert.equal(page.sent.length, length, 'nothing revives it meanwhile');
    page.document.hidden = false;
    await page.event('resume');
    await page.event('pageshow');
    assert.equal(page.sent.length, length + 1);
    assert.equal(page.last.path, 'online');
    await page.answer();
    assert.deepEqual(page.takeEvents(), ['offline', 'online']);
  });

test('the first pageshow is no coming back', async () => {
  const page = await online();
  await page.event('pageshow');
  assert.equal(page.sent.length, 1);
});

test('an answer that comes after leaving brings nobody back', async () => {
  const page = new Page({ stored: KNOWN });
  const first = page.last;
  await page.event('pagehide');
  await page.answer(TAKEN, { message: first });
  assert.equal(page.widget.status().status, 'offline');
  assert.equal(page.delay, null);
});

test('no beacon, or a full one: fetch; no fetch either: XMLHttpRequest', async () => {
  const full = { navigator: { sendBeacon: () => false } };
  for (const [options, by] of [
    [{}, 'beacon'],
    [{ globals: full }, 'fetch'],
    [{ without: ['sendBeacon', 'XMLHttpRequest'] }, 'fetch'],
    [{ without: ['sendBeacon', 'fetch'] }, 'xhr'],
    [{ without: ['sendBeacon', 'AbortSignal'] }, 'xhr'],
  ]) {
    const page = await online(options);
    await page.event('pagehide');
    assert.deepEqual([page.last.path, page.last.by], ['offline', by]);
    assert.equal(page.sent.length, 2);
  }
});

test('no fetch: all is the same with XMLHttpRequest', async () => {
  const page = await online({ without: ['fetch'] });
  assert.equal(page.last.by, 'xhr');
  assert.equal(page.delay, 24000);
  page.wait();
  await busy(page, '30');
  assert.equal(page.delay, 30000);
  page.wait();
  await page.fail();
  assert.equal(page.widget.status().failures, 2);
});

test('destroy(): leaves, and listens no more; connect() begins anew', async () => {
  const page = await online();
  page.takeEvents();
  page.widget.destroy();
  assert.equal(page.last.path, 'offline');
  assert.deepEqual(page.takeEvents(), ['offline']);
  assert.deepEqual(page.listeners, {});
  assert.equal(page.delay, null);
  assert.equal(page.widget.status().conversationId, undefined);
  page.widget.connect(KNOWN);
  await page.answer();
  assert.deepEqual(page.takeEvents(), ['online']);
  assert.equal(page.last.body.seq, 3);
});

// --- what the page is told ---

test('no beat for a whole lease: one event that says so, and one when it is back', async () => {
  const page = await online();
  page.takeEvents();
  const names = [];
  for (let i = 0; i < 9; i++) {
    page.wait();
    await page.fail();
    names.push(...page.takeEvents());
  }
  assert.deepEqual(names.filter((name) => name === 'offline'), ['offline']);
  // 24 s, then 1, 2, 4, 8, 8, 8: 55 s; the next is 24 s later.
  assert.deepEqual(names.slice(0, 8), [...new Array(7).fill('error'), 'offline']);
  page.wait();
  assert.equal(page.last.path, 'online');
  await page.answer();
  assert.deepEqual(page.takeEvents(), ['online']);
});

test('events say what about', async () => {
  const page = await online();
  page.widget.destroy();
  assert.deepEqual(page.events, [
    ['porchlight:online', { conversationId: 'conv_123', status: 'online' }],
    ['porchlight:offline', { conversationId: 'conv_123', reason: 'left' }],
  ]);
});

const REFUSED = [{ error: 'forbidden' }, { status: 403 }];

test('a conversation that is no more is forgotten', async () => {
  const page = await online();
  page.takeEvents();
  page.wait();
  await page.answer(...REFUSED);
  assert.deepEqual(page.takeEvents(), ['offline', 'error']);
  assert.equal(page.storage['porchlight:key'], '{}');
  assert.equal(page.delay, null);
  assert.equal(page.widget.status().conversationId, undefined);
});

test('and where the page connects to another at once, that is kept', async () => {
  const page = await online();
  page.window.document.dispatchEvent = ({ type }) => type === 'porchlight:offline' &&
    page.widget.connect({ conversationId: 'conv_new', sessionId: 'new' });
  page.wait();
  await page.answer(...REFUSED);
  assert.equal(page.last.path, 'online');
  assert.equal(page.last.body.sessionId, 'new');
  await page.answer();
  assert.equal(page.widget.status().conversationId, 'conv_new');
});

test('but not one that another tab has begun since', async () => {
  const page = await online();
  const newer = JSON.stringify({ conversationId: 'conv_9', sessionId: 'other' });
  page.storage['porchlight:key'] = newer;
  page.wait();
  await page.answer(...REFUSED);
  assert.equal(page.storage['porchlight:key'], newer);
});

test('a 403 of somebody else than the server forgets nothing', async () => {
  const page = await online();
  page.wait();
  await page.answer('<html>403</html>', { status: 403 });
  assert.equal(page.delay, 1000);
  assert.equal(page.widget.status().conversationId, 'conv_123');
});

test('storage is forbidden: memory does', async () => {
  const page = new Page();
  Object.defineProperty(page.window, 'localStorage', { configurable: true,
    get() { throw new Error('SecurityError'); } });
  page.load();
  const started = page.widget.start({ name: 'Ada' });
  await page.answer(KNOWN, { status: 201 });
  assert.equal(await started, true);
  await page.answer();
  page.wait();
  assert.equal(page.last.path, 'heartbeat');
  await page.answer(...REFUSED);
  assert.deepEqual(page.takeEvents(), ['online', 'offline', 'error']);
});

test('title and address of the page only where the owner turned it on', async () => {
  for (const data of [{}, { page: 'false' }, { page: '' }]) {
    const { body } = new Page({ data: { siteKey: 'key', ...data }, stored: KNOWN }).last;
    assert.deepEqual(Object.keys(body).sort(),
      ['conversationId', 'seq', 'sessionId', 'tabId', 'visibility']);
  }
  const { body } = new Page({ data: { siteKey: 'key', page: 'true' }, stored: KNOWN,
    globals: { location: { href: 'https://shop.example/' + 'x'.repeat(9000) } } }).last;
  assert.equal(body.title, 'Lamps');
  assert.equal(body.url.length, 1000);
});

test('typing is sent each 3 s at most, and once when it ends', async () => {
  const page = await online();
  const typed = () => page.sent.filter((m) => m.path === 'typing')
    .map((m) => m.body.typing);
  for (let i = 0; i < 10; i++, page.now += 500)
    page.widget.typing();
  assert.deepEqual(typed(), [true, true]);
  page.widget.typing(false);
  page.widget.typing(false);
  assert.deepEqual(typed(), [true, true, false]);
  page.widget.typing();
  assert.deepEqual(typed(), [true, true, false, true]);
  assert.deepEqual(page.last.body.conversationId, 'conv_123');
  await page.answer();
  assert.equal(page.delay, 24000, 'it is a beat, too');
});

// Browsers blur a field, and say that it has changed, after pagehide.
for (const [gone, back] of [['pagehide', 'pageshow'], ['freeze', 'resume']])
  test(`who left by ${gone} while he typed is not brought back by its end`, async () => {
    const page = await online();
    page.widget.typing();
    await page.event(gone);
    const { length } = page.sent;
    page.widget.typing(false);
    page.widget.typing();
    assert.equal(page.sent.length, length);
    assert.equal(page.last.path, 'offline');
    await page.event(back);
    page.widget.typing(false);
    assert.deepEqual(page.sent.slice(length).map((m) => m.path), ['online', 'typing']);
  });

test('the console stays empty', async () => {
  const page = await online();
  page.wait();
  await page.fail();
  await page.event('pagehide');
  assert.deepEqual(page.lines, []);
});

test('widget_debug: every step in words', async () => {
  const page = await online({ debug: true });
  page.wait();
  await page.answer();
  page.wait();
  page.now += 60000;
  await page.fail();
  page.wait();
  await page.answer();
  await page.event('pagehide');
  assert.deepEqual(page.lines, [
    '🟢 Customer came online: conv_123',
    '💓 Customer heartbeat: conv_123',
    '⏰ Customer heartbeat timeout: conv_123',
    '⚠️ network conv_123',
    '🟢 Customer came online: conv_123',
    '🔴 Customer went offline: conv_123',
  ]);
});

test('status() has no secret in it', async () => {
  const page = await online();
  assert.equal(JSON.stringify(page.widget.status()).includes('secret'), false);
});

test('porchlight-widget.d.ts declares all calls, and all that status() gives', async () => {
  const types = fs.readFileSync(WIDGET.replace(/js$/, 'd.ts'), 'utf8');
  const members = (name) => [...new RegExp(`interface ${name} {(.*?)^}`, 'ms').exec(types)[1]
    .matchAll(/^  (?:readonly )?(\w+)[?(:]/gm)].map((found) => found[1]).sort();
  const page = await online();
  assert.deepEqual(members('PorchlightWidget'), Object.keys(page.widget).sort());
  const said = Object.keys(page.widget.status());
  assert.deepEqual(said.filter((name) => !['ok', 'code'].includes(name)).sort(),
    members('PorchlightWidgetStatus').filter((name) => name !== 'serverTime'));
});
