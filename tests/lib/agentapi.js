// An API and browsers of a test's own, for the dashboard's client under Node:
// what the server says is put() and push()ed, and tabs share locks and
// channels as those of one browser do.

'use strict';

const { webcrypto } = require('node:crypto');

const T0 = Date.parse('2025-10-03T10:30:00.000Z');
const at = (ms) => new Date(T0 + ms).toISOString();
const now = () => new Date().toISOString();

/** An event of the stream, that many ms after T0. */
function event(kind, ms, more) {
  const isOnline = kind !== 'offline';
  return {
    event: `customer:${kind}`,
    conversationId: 'conv_123',
    sessionId: 's',
    timestamp: at(ms),
    isOnline,
    status: isOnline ? 'online' : 'offline',
    connections: isOnline ? 1 : 0,
    expiresAt: isOnline ? at(ms + 60000) : null,
    ...more,
  };
}

/** The same, of this moment. */
const fresh = (kind, more) => event(kind, Date.now() - T0, more);

const json = (status, body, headers) =>
  new Response(JSON.stringify(body), { status, headers });

const turn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * From now on the test's time is its own, from T0 on. The result lets so many
 * ms pass, `step` of them at a time, and what happens meanwhile happen.
 */
function timeOf(t, step) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: T0 });
  return async (ms) => {
    for (; ms > 0; ms -= step) {
      t.mock.timers.tick(step);
      for (let i = 0; i < 9; i++)
        await turn();
    }
  };
}

/** A stand-in for the API. Polls are held until push(), or the test's end. */
class Api {
  constructor() {
    this.presences = new Map();
    this.gone = new Set();
    this.events = [];
    this.held = new Set();
    this.seen = [];
    this.refused = new Set();   // Authorization headers that are no good
    this.fail = null;   // a function that gives a Response, or throws
    this.pollTimeoutMs = undefined;     // the server's setting
  }

  put(conversationId, more) {
    this.presences.set(conversationId, {
      conversationId, platform: 'WIDGET', supported: true, isOnline: false,
      status: 'offline', ...more,
    });
  }

  push(...events) {
    this.events.push(...events);
    [...this.held].forEach((poll) => poll.look());
  }

  async fetch(address, { method, signal, headers = {} }) {
    const url = new URL(address, 'http://porchlight.test');
    const ids = url.searchParams.getAll('conversationId');
    const cursor = String(this.events.length);
    this.seen.push({ method, path: url.pathname, ids, url, headers });
    if (this.fail)
      return this.fail(url);
    if (this.refused.has(headers.Authorization))
      return json(401, { error: 'unauthenticated', message: '' });
    if (url.pathname.endsWith('/session'))
      return json(200, {});
    if (ids.some((id) => this.gone.has(id)))
      return json(403, { error: 'forbidden', message: 'no' });
    if (url.pathname.endsWith('/presence')) {
      const all = ids.length ? ids.map((id) => this.presences.get(id))
        : [...this.presences.values()].filter((p) => p.isOnline);
      return json(200, ids.length === 1
        ? { ...all[0], serverTime: now(), cursor, pollTimeoutMs: this.pollTimeoutMs }
        : { presences: all, next: null, serverTime: now(), cursor, pollTimeoutMs: this.pollTimeoutMs });
    }
    return this.poll(url.searchParams, ids, signal);
  }

  async poll(query, ids, signal) {
    const after = Number(query.get('cursor') ?? this.events.length);
    const news = () => this.events.slice(after).filter((e) =>
      !ids.length || ids.includes(e.conversationId));

    if (!news().length && query.get('timeout') !== '0')
      await new Promise((resolve, reject) => {
        const poll = {
          client: query.get('client'),
          ids,
          end: () => {
            this.held.delete(poll);
            resolve();
          },
          look: () => news().length && poll.end(),
        };
        // A newer poll of the same client ends the older one.
        [...this.held].filter((p) => p.client === poll.client)
          .forEach((p) => p.end());
        this.held.add(poll);
        signal.addEventListener('abort', () => {
          this.held.delete(poll);
          reject(new DOMException('aborted', 'AbortError'));
        });
      });
    return json(200, { cursor: String(this.events.length), serverTime: now(),
      events: news() });
  }

  count(path) {
    return this.seen.filter((request) => request.path.endsWith(path)).length;
  }
}

/** What the tabs of one browser share: locks by name, and channels. */
class FakeBrowser {
  constructor() {
    this.queues = new Map();    // name to requests; the first one holds it
    this.channels = new Set();
    this.names = new Set();     // of all that was ever opened or locked
    this.session = null;
  }

  /** The browser as one tab sees it. Set `isHidden`, or `deaf` (frozen). */
  tab({ isHidden = false } = {}) {
    const tab = { isHidden, deaf: false, hidden: () => tab.isHidden,
      subtle: webcrypto.subtle, locks: this.locks(), storage: this.storage() };
    const world = this;

    tab.BroadcastChannel = class {
      constructor(name) {
        this.name = name;
        world.names.add(name);
        world.channels.add(this);
      }

      postMessage(data) {
        for (const other of world.channels)
          if (other !== this && other.name === this.name)
            other.receive(structuredClone(data));
      }

      receive(data) {
        setImmediate(() => !tab.deaf && world.channels.has(this) &&
          this.onmessage({ data }));
      }

      close() {
        world.channels.delete(this);
      }
    };
    return tab;
  }

  storage() {
    return {
      getItem: (name) => (name === 'porchlight-session' ? this.session : null),
      setItem: (name, value) => { this.session = value; },
      removeItem: () => { this.session = null; },
    };
  }

  locks() {
    return {
      request: (name, { ifAvailable, steal, signal }, callback) => {
        const queue = this.queues.get(name) ?? [];
        this.queues.set(name, queue);
        this.names.add(name);
        if (ifAvailable && queue.length)
          return Promise.resolve(callback(null));
        return new Promise((resolve, reject) => {
          const request = { callback, resolve, reject };
          if (steal && queue.length && queue[0].held)
            queue.shift().reject(new DOMException('stolen', 'AbortError'));
          if (steal)
            queue.unshift(request);
          else
            queue.push(request);
          signal?.addEventListener('abort', () => {
            if (request.held)
              return;
            queue.splice(queue.indexOf(request), 1);
            reject(new DOMException('aborted', 'AbortError'));
          });
          this.grant(queue);
        });
      },
    };
  }

  grant(queue) {
    const [first] = queue;
    if (!first || first.held)
      return;
    first.held = true;
    setImmediate(async () => {
      const value = await first.callback({});
      if (queue[0] === first) {
        queue.shift();
        this.grant(queue);
      }
      first.resolve(value);
    });
  }
}

module.exports = { Api, FakeBrowser, T0, at, event, fresh, json, now, timeOf, turn };
