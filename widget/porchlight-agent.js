/*
 * Porchlight for the agent's page: who is here, kept up to date by one long
 * poll, and an element that shows it.
 *
 *   const agent = new PorchlightAgent({endpoint, token});
 *   const unwatch = agent.watch('conv_123', (presence, event) => …);
 *   const unlist = agent.all((presence, event) => …);    // all who are here
 *   await agent.presence(['conv_123']);                  // asked anew
 *   await agent.signIn(token); await agent.signOut(); agent.close();
 *
 *   PorchlightAgent.default = agent;    // or element.agent = agent
 *   <porchlight-status conversation="conv_123"><img …></porchlight-status>
 *
 * endpoint is api/ beside this file if none is given. Without a token the
 * session cookie counts, which signIn() sets.
 *
 * A callback gets the presence in the server's own words, with `status` as it
 * is to be shown: online, away, offline, none (this conversation has no
 * presence) or unknown. It also gets the event of the stream that brought the
 * change; null if it was a new look at the whole, or time that passed.
 * Events on the agent: customer:online, customer:heartbeat, customer:offline
 * with the server's event as detail; state with {state} new, live, lost,
 * unauthenticated or closed; unauthenticated.
 *
 * What must not happen, and why the code is as it is:
 * - A change that is missed. A snapshot comes with a cursor, and the polls go
 *   on from there; where the cursor is no longer known, a new snapshot is made.
 * - A customer who is shown as gone because we are. Cut off, nothing is said
 *   to be offline: it becomes unknown, at once where the lease has run out,
 *   else after a few seconds, so that a short break shows nothing at all.
 */
(function () {
  'use strict';

  const HOLD_S = 20;            // what the server is asked to hold a poll for
  const ANSWER_MS = 10000;      // what it may take beyond that
  const GRACE_MS = 5000;        // a break that is shorter shows nothing
  const TYPING_MS = 6000;       // after which typing wears off
  const BUSY_MS = 5000;         // between questions while it can't hold polls
  const BUSY_FOR_MS = 60000;    // until it is asked to hold one again
  const GATHER_MS = 50;         // clicks in a row make one new poll
  const PACE_MS = 250;          // between answers that bring only heartbeats
  const MANY = 100;             // ids in one question: the URL stays short

  // ---------------------------------------------------------------- pure part

  // Wait after that many failures in a row: doubling, and never all at once.
  function backoff(failures, random, retryAfterMs) {
    if (retryAfterMs > 0)
      return retryAfterMs * (1 + 0.2 * random);
    return Math.min(30000, 1000 * Math.pow(2, failures - 1)) *
      (0.5 + 0.5 * random);
  }

  // What is kept of a presence object; `sessions` and the like are not.
  function fromPresence(p) {
    return {
      conversationId: p.conversationId,
      name: p.name || null,
      platform: p.platform || null,
      supported: p.supported !== false,
      isOnline: !!p.isOnline,
      status: p.status || 'offline',
      connections: p.socketsInRoom || 0,
      devices: p.devices || 0,
      onlineSince: p.onlineSince || null,
      lastHeartbeat: p.lastHeartbeat || null,
      expiresAt: p.expiresAt || null,
      typing: !!p.typing
    };
  }

  // Of a conversation that we may not see, or that was deleted.
  function forbidden(conversationId) {
    return Object.assign(fromPresence({conversationId, supported: false}),
      {forbidden: true});
  }

  // The presence after an event, which carries the conversation's new state.
  function reduce(view, event) {
    const next = Object.assign(
      fromPresence({conversationId: event.conversationId, platform: 'WIDGET'}),
      view, {
        isOnline: event.isOnline,
        status: event.status,
        connections: event.connections,
        expiresAt: event.expiresAt,
        typing: !!event.typing && event.isOnline
      });

    if (!event.isOnline) {
      next.onlineSince = null;
      next.devices = 0;
    } else if (!next.onlineSince) {
      next.onlineSince = event.timestamp;
    }
    // An offline event is dated when the lease ran out, which is no beat.
    if (event.event !== 'customer:offline')
      next.lastHeartbeat = event.timestamp;
    return next;
  }

  /*
   * The status to show. link: {state, lostAt, contact, now}, all but lostAt in
   * the server's time; contact is when it last told us anything.
   */
  function shown(view, link) {
    if (!view.supported)
      return 'none';
    if (link.state === 'live')
      return view.status;
    if (link.state !== 'lost' || link.now - link.lostAt >= GRACE_MS)
      return 'unknown';
    // The lease ran out since the server last spoke. One that had run out
    // before was renewed by beats that we did not ask to hear of.
    if (view.expiresAt) {
      const end = Date.parse(view.expiresAt);
      if (end > link.contact && link.now >= end)
        return 'unknown';
    }
    return view.status;
  }

  // ------------------------------------------------------------------- client

  const inBrowser = typeof document !== 'undefined';
  const own = inBrowser && document.currentScript;
  const base = own ? new URL('api/', own.src).href : '/api/';

  class PorchlightAgent extends EventTarget {
    constructor(options) {
      const o = options || {};

      super();
      this.endpoint = (o.endpoint || base).replace(/\/?$/, '/');
      this.token = o.token || null;
      this.client = o.client || 'page-' + Math.random().toString(36).slice(2);
      this.state = 'new';
      this._watchers = new Map();       // id to the set of its callbacks
      this._all = new Set();            // callbacks of all()
      this._views = new Map();          // id to presence
      this._listed = new Set();         // ids that belong to all()
      this._told = new Map();           // id to what callbacks know, as JSON
      this._typed = new Map();          // id to when its typing began
      this._cursor = null;
      this._stale = true;               // a snapshot is wanted
      this._asked = '';                 // of what the last one was
      this._quick = false;              // ask, do not wait: are we cut off?
      this._failures = 0;
      this._busyUntil = 0;
      this._clock = 0;                  // server's time less ours
      this._contact = 0;
      this._lostAt = 0;
      this._running = false;
      this._nudge = () => this._wake(true);
      this._shown = () => {
        // A laptop that slept, or a tab that was frozen.
        const silence = Date.now() + this._clock - this._contact;
        if (!document.hidden && silence > HOLD_S * 1000 + GRACE_MS)
          this._wake(true);
      };
      if (inBrowser) {
        window.addEventListener('online', this._nudge);
        window.addEventListener('offline', this._nudge);
        window.addEventListener('pageshow', this._shown);
        document.addEventListener('visibilitychange', this._shown);
      }
    }

    /* Calls back with each change of one conversation. Returns the end of it. */
    watch(id, callback) {
      const callbacks = this._watchers.get(id) || new Set();

      this._watchers.set(id, callbacks.add(callback));
      this._joined(callback, id, callbacks.size === 1);
      return () => {
        if (!callbacks.delete(callback) || callbacks.size)
          return;
        this._watchers.delete(id);
        this._forget(id);
        this._changed();
      };
    }

    /* The same for every conversation that is online now or comes later. */
    all(callback) {
      this._all.add(callback);
      this._joined(callback, null, this._all.size === 1);
      return () => {
        if (!this._all.delete(callback) || this._all.size)
          return;
        const ids = Array.from(this._listed);
        this._listed.clear();
        ids.forEach((id) => this._forget(id));
        this._changed();
      };
    }

    /* Asks the server now. Resolves with an array in the order of the ids. */
    async presence(ids) {
      const found = await this._fetchMany(ids, false);
      return ids.map((id) => found.views.get(id) || forbidden(id));
    }

    /* Swaps a token for the session cookie. Rejects with {status, code}. */
    async signIn(token) {
      await this._request('POST', 'agent/session', {body: {token}});
      this._stale = true;
      this._setState('new');
      this._wake();
      this._start();
    }

    async signOut() {
      await this._request('DELETE', 'agent/session', {});
      this._stop('unauthenticated');
    }

    close() {
      if (inBrowser) {
        window.removeEventListener('online', this._nudge);
        window.removeEventListener('offline', this._nudge);
        window.removeEventListener('pageshow', this._shown);
        document.removeEventListener('visibilitychange', this._shown);
      }
      this._watchers.clear();
      this._all.clear();
      this._stop('closed');
    }

    // ----------------------------------------------------------- what is kept

    // A late comer learns what is known, but never before watch() returned.
    _joined(callback, id, first) {
      Promise.resolve().then(() => {
        const ids = id ? [id] : Array.from(this._listed);
        ids.filter((i) => this._views.has(i))
          .forEach((i) => this._call(callback, this._view(i), null));
      });
      if (first)
        this._changed();
      this._start();
    }

    _forget(id) {
      if (this._watchers.has(id) || this._listed.has(id))
        return;
      this._views.delete(id);
      this._told.delete(id);
      this._typed.delete(id);
    }

    _view(id) {
      const view = this._views.get(id) ||
        Object.assign(fromPresence({conversationId: id}), {status: 'unknown'});
      return Object.assign({}, view, {status: shown(view, {
        state: this.state,
        lostAt: this._lostAt,
        contact: this._contact,
        now: Date.now() + this._clock
      })});
    }

    _call(callback, view, event) {
      try {
        callback(view, event);
      } catch (e) {
        // One bad callback must not end the poll for all others.
        setTimeout(() => { throw e; });
      }
    }

    _tell(id, event) {
      const view = this._view(id);
      const json = JSON.stringify(view);

      if (!event && this._told.get(id) === json)
        return;
      this._told.set(id, json);
      (this._watchers.get(id) || []).forEach(
        (callback) => this._call(callback, view, event));
      if (this._listed.has(id))
        this._all.forEach((callback) => this._call(callback, view, event));
    }

    _tellAll() {
      this._views.forEach((view, id) => this._tell(id, null));
      // Those that were never answered for are unknown, once we know as much.
      if (this.state !== 'live' && this.state !== 'new')
        this._watchers.forEach((callbacks, id) => this._tell(id, null));
    }

    _fire(type, detail) {
      // CustomEvent is younger than the Node that runs the tests.
      this.dispatchEvent(Object.assign(new Event(type), {detail}));
    }

    _setState(state) {
      if (state === this.state)
        return;
      if (state === 'lost')
        this._lostAt = Date.now() + this._clock;
      this.state = state;
      this._fire('state', {state});
      if (state === 'unauthenticated')
        this._fire('unauthenticated', null);
      this._tellAll();
      this._tick();
    }

    // What changes by time alone: cut off we expire, and typing wears off.
    _tick() {
      const now = Date.now();

      clearTimeout(this._ticker);
      this._typed.forEach((since, id) => {
        if (now - since < TYPING_MS)
          return;
        this._typed.delete(id);
        if (this._views.has(id))
          this._views.get(id).typing = false;
      });
      this._tellAll();
      if (this.state === 'lost' || this._typed.size)
        this._ticker = setTimeout(() => this._tick(), 500);
    }

    // --------------------------------------------------------------- the loop

    _start() {
      if (this._running || this._over())
        return;
      this._running = true;
      this._run().then(() => {
        this._running = false;
        // signIn() may have come while the last answer was on its way.
        this._start();
      });
    }

    _stop(state) {
      this._setState(state);
      clearTimeout(this._gather);
      this._wake();
    }

    // What is watched changed: ask anew, once for many changes in a row, and
    // not at all if in the end nothing did (an element moved in the page).
    _changed() {
      clearTimeout(this._gather);
      this._gather = setTimeout(() => {
        const ids = Array.from(this._watchers.keys());
        if (this._subject() === this._asked &&
            ids.every((id) => this._views.has(id)))
          return;
        this._stale = true;
        this._wake();
      }, GATHER_MS);
    }

    _subject() {
      return JSON.stringify([this._all.size > 0,
        Array.from(this._watchers.keys()).sort()]);
    }

    _wake(quick) {
      if (quick)
        this._quick = true;
      if (this._interrupt)
        this._interrupt();
    }

    _sleep(ms) {
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        this._interrupt = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }

    _over() {
      return this.state === 'closed' || this.state === 'unauthenticated' ||
        (!this._all.size && !this._watchers.size);
    }

    async _run() {
      await this._sleep(GATHER_MS);
      while (!this._over()) {
        try {
          if (this._stale)
            await this._snapshot();
          else
            await this._poll();
        } catch (e) {
          if (!e.interrupted)
            await this._trouble(e);
        }
      }
    }

    async _trouble(e) {
      if (e.status === 401) {
        this._setState('unauthenticated');
        return;
      }
      if (e.status === 503 && e.code === 'busy') {
        // It answers, it only has no room for one more who waits.
        this._setState('live');
        this._busyUntil = Date.now() + BUSY_FOR_MS;
        await this._sleep(BUSY_MS);
        return;
      }
      this._failures++;
      if (e.status === 403 || e.status === 400) {
        // One of ours was deleted, or the cursor is no good: look anew, and
        // only if that did not help think of it as trouble.
        this._stale = true;
        if (this._failures === 1)
          return;
      }
      this._setState('lost');
      await this._sleep(
        backoff(this._failures, Math.random(), e.retryAfterMs));
    }

    // The server has spoken: what we have is confirmed.
    _heard(answer) {
      if (answer.serverTime) {
        this._contact = Date.parse(answer.serverTime);
        this._clock = this._contact - Date.now();
      }
    }

    async _snapshot() {
      const ids = Array.from(this._watchers.keys());
      let cursor = null;

      this._stale = false;
      this._asked = this._subject();
      try {
        const some = await this._fetchMany(ids, true);
        const all = this._all.size ? await this._fetchAll() : null;
        const online = all ? all.views : new Map();

        // Of several cursors the first: what is told twice ends up the same.
        cursor = some.cursor || (all && all.cursor);
        some.views.forEach((view, id) => this._views.set(id, view));
        online.forEach((view, id) => {
          this._views.set(id, view);
          this._listed.add(id);
        });
        // Who was listed and is not in the list of all has gone meanwhile.
        this._listed.forEach((id) => {
          const view = this._views.get(id);
          if (all && !online.has(id) && !some.views.has(id) && view.isOnline)
            this._views.set(id, reduce(view, {
              event: 'customer:offline', conversationId: id, isOnline: false,
              status: 'offline', connections: 0, expiresAt: null
            }));
        });
      } catch (e) {
        this._stale = true;
        throw e;
      }
      this._cursor = cursor;
      this._setState('live');
      this._tellAll();
    }

    async _poll() {
      const query = [];
      const ids = Array.from(this._watchers.keys()).filter(
        (id) => !this._views.has(id) || !this._views.get(id).forbidden);
      const hold = !this._quick && this.state === 'live' &&
        Date.now() >= this._busyUntil;

      if (!ids.length && !this._all.size) {
        await this._sleep(3600000);
        return;
      }
      query.push(['cursor', this._cursor], ['client', this.client],
        ['timeout', hold ? HOLD_S : 0]);
      if (this._all.size || ids.length > MANY) {
        if (ids.length)
          query.push(['heartbeats', 1]);
      } else {
        ids.forEach((id) => query.push(['conversationId', id]));
      }
      this._quick = false;
      const answer = await this._request('GET', 'widget/events', {
        query,
        timeoutMs: ANSWER_MS + (hold ? HOLD_S * 1000 : 0),
        interruptible: true
      });

      this._failures = 0;
      this._heard(answer);
      if (answer.reset)
        this._stale = true;
      else
        await this._apply(answer.events);
      this._cursor = answer.cursor;
      this._setState('live');
      if (Date.now() < this._busyUntil)
        await this._sleep(BUSY_MS);
      else if (answer.events.length && answer.events.every(
        (event) => event.event === 'customer:heartbeat'))
        await this._sleep(PACE_MS);
    }

    async _apply(events) {
      const wanted = events.filter((event) =>
        this._all.size || this._watchers.has(event.conversationId));
      const strangers = wanted.map((event) => event.conversationId)
        .filter((id, i, ids) => !this._views.has(id) && ids.indexOf(id) === i);

      // An event has no name and no platform: ask, before anybody is told.
      if (strangers.length) {
        try {
          const found = await this._fetchMany(strangers, true);
          found.views.forEach((view, id) => this._views.set(id, view));
        } catch (e) {
          if (e.interrupted)
            throw e;    // the cursor stays: these events come again
        }
      }
      wanted.forEach((event) => {
        const id = event.conversationId;
        const view = reduce(this._views.get(id), event);

        this._views.set(id, view);
        if (this._all.size)
          this._listed.add(id);
        if (view.typing)
          this._typed.set(id, Date.now());
        else
          this._typed.delete(id);
        this._fire(event.event, event);
        this._tell(id, event);
      });
      if (this._typed.size)
        this._tick();
    }

    // ------------------------------------------------------------ the network

    // One request. Rejects with {status, code, retryAfterMs, interrupted}.
    async _request(method, path, o) {
      const abort = new AbortController();
      const query = (o.query || []).map((pair) =>
        pair[0] + '=' + encodeURIComponent(pair[1])).join('&');
      const headers = {};
      let interrupted = false;
      let answer = null;
      let json = {};

      if (this.token)
        headers.Authorization = 'Bearer ' + this.token;
      if (o.body)
        headers['Content-Type'] = 'application/json';
      if (o.interruptible)
        this._interrupt = () => {
          interrupted = true;
          abort.abort();
        };
      const timer = setTimeout(() => abort.abort(),
        o.timeoutMs || ANSWER_MS);

      try {
        answer = await fetch(this.endpoint + path + (query && '?' + query), {
          method,
          headers,
          body: o.body && JSON.stringify(o.body),
          cache: 'no-store',
          credentials: 'same-origin',
          signal: abort.signal
        });
        const text = await answer.text();
        json = text ? JSON.parse(text) : {};
      } catch (e) {
        // No answer, or one that is no JSON: a proxy's page of its own.
        throw Object.assign(new Error(method + ' ' + path + ' failed'), {
          interrupted,
          status: answer && !answer.ok ? answer.status : 0,
          code: interrupted ? 'interrupted' : 'network'
        });
      } finally {
        clearTimeout(timer);
      }
      if (answer.ok)
        return json;
      throw Object.assign(new Error(json.message || 'HTTP ' + answer.status), {
        status: answer.status,
        code: json.error,
        retryAfterMs: 1000 * answer.headers.get('Retry-After')
      });
    }

    /*
     * The presence of these: {views, cursor}. A 403 for one fails the whole
     * question, so it is halved until the one is found: a conversation that was
     * deleted must not darken the others.
     */
    async _fetchMany(ids, interruptible) {
      const views = new Map();
      let cursor = null;

      const ask = async (some) => {
        try {
          const answer = await this._request('GET', 'widget/presence', {
            query: some.map((id) => ['conversationId', id]), interruptible});
          this._heard(answer);
          cursor = cursor || answer.cursor;
          (answer.presences || [answer]).forEach((p) =>
            views.set(p.conversationId, fromPresence(p)));
        } catch (e) {
          if (e.status !== 403)
            throw e;
          if (some.length === 1) {
            views.set(some[0], forbidden(some[0]));
            return;
          }
          await ask(some.slice(0, some.length >> 1));
          await ask(some.slice(some.length >> 1));
        }
      };
      for (let i = 0; i < ids.length; i += MANY)
        await ask(ids.slice(i, i + MANY));
      return {views, cursor};
    }

    // Every conversation that is online: {views, cursor}.
    async _fetchAll() {
      const views = new Map();
      let cursor = null;
      let after = null;

      do {
        const query = [['limit', 500]];
        if (after)
          query.push(['after', after]);
        const answer = await this._request('GET', 'widget/presence',
          {query, interruptible: true});
        this._heard(answer);
        cursor = cursor || answer.cursor;
        answer.presences.forEach((p) =>
          views.set(p.conversationId, fromPresence(p)));
        after = answer.next;
      } while (after);
      return {views, cursor};
    }
  }

  if (!inBrowser) {
    if (typeof module === 'object')
      module.exports = {PorchlightAgent, backoff, fromPresence, reduce, shown};
    return;
  }

  // ------------------------------------------------------------- the element

  const STRINGS = {
    online: 'Online',
    away: 'Away',
    offline: 'Offline',
    unknown: 'Reconnecting…',
    typing: 'Typing…',
    WIDGET: 'Chat Widget',
    FACEBOOK: 'Facebook',
    INSTAGRAM: 'Instagram',
    WHATSAPP: 'WhatsApp'
  };

  const CSS = `
    :host {
      display: inline-grid;
      grid-template-columns: auto 1fr;
      column-gap: 12px;
      align-items: center;
      --_online: var(--porchlight-online, #10b981);
      --_away: var(--porchlight-away, #f59e0b);
      --_offline: var(--porchlight-offline, #9ca3af);
      --_ring: var(--porchlight-ring, #fff);
    }
    .avatar { position: relative; grid-row: span 2; line-height: 0; }
    .avatar ::slotted(*) { line-height: normal; }
    .name { align-self: end; min-width: 0; }
    .line {
      align-self: start;
      min-width: 0;
      overflow: hidden;
      text-overflow: ellipsis;
      white-space: nowrap;
    }
    .dot {
      position: absolute;
      right: -2px;
      bottom: -2px;
      width: 12px;
      height: 12px;
      border: 2px solid var(--_ring);
      border-radius: 50%;
      background: var(--_ring);
    }
    .dot, .word { display: none; }
    .word::before {
      content: "";
      display: none;
      width: .6em;
      height: .6em;
      margin-right: .35em;
      border-radius: 50%;
      box-sizing: border-box;
    }
    [data-status=online] .dot { display: block; background: var(--_online); }
    [data-status=away] .dot {
      display: block;
      box-shadow: inset 0 0 0 3px var(--_away);
    }
    [data-status=unknown] .dot {
      display: block;
      box-shadow: inset 0 0 0 3px var(--_offline);
    }
    [data-status=online] .word, [data-status=away] .word,
    [data-status=offline] .word, [data-status=unknown] .word {
      display: inline;
    }
    [data-status=online] .word { color: var(--_online); }
    [data-status=away] .word { color: var(--_away); }
    [data-status=offline] .word, [data-status=unknown] .word {
      color: var(--_offline);
    }
    [data-status=online] .word::before {
      display: inline-block;
      background: var(--_online);
    }
    [data-status=away] .word::before {
      display: inline-block;
      border: 2px solid var(--_away);
    }
    .all { display: contents; }
  `;

  // A <style> in here would fall to a strict Content-Security-Policy.
  function addStyle(root) {
    if (!('adoptedStyleSheets' in root)) {
      const style = document.createElement('style');
      style.textContent = CSS;
      root.append(style);
      return;
    }
    if (!addStyle.sheet) {
      addStyle.sheet = new CSSStyleSheet();
      addStyle.sheet.replaceSync(CSS);
    }
    root.adoptedStyleSheets = [addStyle.sheet];
  }

  function part(name, ...children) {
    const span = document.createElement('span');
    span.className = name;
    span.setAttribute('part', name);
    span.append(...children);
    return span;
  }

  function slot(name) {
    const element = document.createElement('slot');
    element.name = name;
    return element;
  }

  /*
   * The avatar goes into the element, what stands above the line (the
   * customer's name) into its slot "name". With the attribute "live" a change
   * is read out by screen readers: for the one that is looked at, not for
   * those in a list.
   */
  class PorchlightStatus extends HTMLElement {
    constructor() {
      super();
      const root = this.attachShadow({mode: 'open'});

      this._agent = null;
      this._source = null;      // the client and the id that it now watches
      this._id = null;
      this._unwatch = null;
      this._platform = part('platform');
      this._word = part('word');
      this._line = part('line', this._platform, this._word);
      this._top = part('all', part('avatar', slot(''), part('dot')),
        part('name', slot('name')), this._line);
      addStyle(root);
      root.append(this._top);
    }

    static get observedAttributes() {
      return ['conversation', 'live'];
    }

    get agent() {
      return this._agent || PorchlightAgent.default;
    }

    set agent(agent) {
      this._agent = agent;
      this._watch();
    }

    connectedCallback() {
      waiting.add(this);
      this._watch();
    }

    disconnectedCallback() {
      waiting.delete(this);
      this._watch();
    }

    attributeChangedCallback(name) {
      if (name === 'live')
        this._line.setAttribute('role', 'status');
      else
        this._watch();
    }

    // Later, since to be moved in the page is to leave and to come back.
    _watch() {
      Promise.resolve().then(() => {
        const agent = this.isConnected ? this.agent : null;
        const id = this.getAttribute('conversation');

        if (agent === this._source && id === this._id)
          return;
        if (this._unwatch)
          this._unwatch();
        this._source = agent;
        this._id = id;
        this._unwatch = null;
        this._show(null);
        if (agent && id)
          this._unwatch = agent.watch(id, (view) => this._show(view));
      });
    }

    _show(view) {
      const status = view ? view.status : 'none';
      const platform = view && view.platform;
      const word = view && view.typing && view.isOnline &&
        status !== 'unknown' ? 'typing' : status;
      const strings = PorchlightStatus.strings;

      this._top.dataset.status = status;
      this._platform.textContent = platform
        ? strings[platform] || platform : '';
      this._word.textContent = strings[word] || '';
      // Only between two that are there.
      if (platform && strings[word])
        this._platform.append(' • ');
      if (this.getAttribute('status') !== status)
        this.setAttribute('status', status);
    }
  }

  PorchlightStatus.strings = STRINGS;

  // Elements may stand in the page before its script made the client.
  const waiting = new Set();
  let chosen = null;
  Object.defineProperty(PorchlightAgent, 'default', {
    get: () => chosen,
    set: (agent) => {
      chosen = agent;
      waiting.forEach((element) => element._watch());
    }
  });

  window.PorchlightAgent = PorchlightAgent;
  window.PorchlightStatus = PorchlightStatus;
  customElements.define('porchlight-status', PorchlightStatus);
})();
