/*
 * Porchlight for the agent's page: who is here, kept up to date by one long
 * poll for all tabs of the browser, and an element that shows it.
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
 * porchlight-agent.d.ts has every name with its type, README.md how to use it.
 *
 * How it is made, from the inside out:
 *
 *   Book     what is known of the conversations. It changes by news alone.
 *   Poller   asks the server and makes the news: a snapshot with a cursor,
 *            then the stream from there. One tab of the browser has one.
 *   Circle   the tabs of one agent. A Web Lock says whose Poller asks, a
 *            BroadcastChannel brings the news to all the others.
 *   Places   in its stead where a browser has no Web Locks.
 *
 * What must not happen, and why the code is as it is:
 * - A change that is missed. Every tab writes the same book by the same news,
 *   with the cursor and what each tab wants in it: whoever asks next goes on
 *   from there. Where the server no longer knows the cursor, all is asked anew.
 * - A customer who is shown as gone because we are. Cut off, nothing is said
 *   to be offline: it becomes unknown, at once where the lease has run out,
 *   else after a few seconds, so that a short break shows nothing at all.
 * - News for somebody else. Tabs share by a name that is made of endpoint and
 *   credential, hashed, and a tab that does not ask shows its credential to
 *   the server before it listens. Locks can be listed by every script of the
 *   origin, so the channel's name is another hash than the lock's.
 */
(function () {
  'use strict';

  const HOLD_S = 20;            // the server is asked to hold a poll, at most
  const ANSWER_MS = 10000;      // what it may take beyond that
  const QUICK_MS = 5000;        // what it may take when we only ask: cut off?
  const GRACE_MS = 5000;        // a break that is shorter shows nothing
  const TYPING_MS = 6000;       // after which typing wears off
  const BUSY_MS = 5000;         // between questions while it can't hold polls
  const BUSY_FOR_MS = 60000;    // until it is asked to hold one again
  const GATHER_MS = 50;         // clicks in a row make one new question
  const CALM_MS = 500;          // and one in that time, however many they are
  const PACE_MS = 250;          // between answers that bring only heartbeats
  const MANY = 100;             // ids in one question,
  const LINE = 6000;            // and their characters: servers take 8190
  const LINGER_MS = 60000;      // who is not watched any more may be again soon
  const OLD_MS = 2000;          // events so much older than a look were in it
  const TICK_MS = 5000;         // between looks at the clock: did it jump?
  const SILENT_MS = 45000;      // a tab that asks says more often that it does
  const ROLL_MS = 600000;       // between questions who is still there
  const PLACES = 4;             // of a browser's six connections to a server
  const HIDDEN_MS = 30000;      // between questions of a tab that has none

  // ---------------------------------------------------------------- pure part

  // Wait after that many failures in a row: doubling, and never all at once.
  function backoff(failures, random, retryAfterMs) {
    if (retryAfterMs > 0)       // longer than 24 days, a timer is over at once
      return Math.min(3600000, retryAfterMs) * (1 + 0.2 * random);
    return Math.min(30000, 1000 * Math.pow(2, failures - 1)) *
      (0.5 + 0.5 * random);
  }

  // What is kept of a presence object. asOf: when the server said so.
  function fromPresence(p, asOf) {
    const sessions = (p.sessions || []).map((s) => s.sessionId);

    return {
      conversationId: p.conversationId,
      name: p.name || null,
      platform: p.platform || null,
      supported: p.supported !== false,
      isOnline: !!p.isOnline,
      status: p.status || 'offline',
      connections: p.socketsInRoom || 0,
      devices: p.devices || sessions.length,
      onlineSince: p.onlineSince || null,
      lastHeartbeat: p.lastHeartbeat || null,
      expiresAt: p.expiresAt || null,
      typing: !!p.typing,
      sessions,
      asOf: asOf || 0
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
    const others = next.sessions.filter((id) => id !== event.sessionId);

    // An offline event is dated when the lease ran out, which is no beat.
    if (event.event !== 'customer:offline') {
      if (!(next.lastHeartbeat > event.timestamp))
        next.lastHeartbeat = event.timestamp;
      others.push(event.sessionId);
    }
    if (!event.isOnline)
      next.onlineSince = null;
    else if (!next.onlineSince)
      next.onlineSince = event.timestamp;
    next.sessions = event.isOnline ? others : [];
    next.devices = next.sessions.length;
    return next;
  }

  // Was this event already in what we were told of the whole?
  function isOld(view, event) {
    return !!view && Date.parse(event.timestamp) < view.asOf - OLD_MS;
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
    // Before it was lost: the clock was put back, and nobody knows since when.
    if (link.state !== 'lost' || link.now < link.lostAt ||
        link.now - link.lostAt >= GRACE_MS)
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

  /*
   * Who asks, as far as the page can tell: what tabs that share must have in
   * common. A host application may sign a new JWT at each page load, so of
   * those it is what they say; the server has to find them good first.
   */
  function identity(token, more) {
    const parts = token ? token.split('.') : [];

    if (!token)
      return JSON.stringify(['cookie', more]);
    if (parts.length === 3) {
      try {
        const said = JSON.parse(atob(
          parts[1].replace(/-/g, '+').replace(/_/g, '/')));
        return JSON.stringify(
          ['jwt', said.iss, said.company, said.sub, said.inboxes, more]);
      } catch (e) {
        // It only looks like one.
      }
    }
    return JSON.stringify(['token', token, more]);
  }

  // "10 minutes", in the words of that language; '' below a minute.
  function span(ms, language, format) {
    const minutes = Math.floor(ms / 60000);
    const way = minutes < 60 ? [minutes, 'minute']
      : minutes < 1440 ? [Math.floor(minutes / 60), 'hour']
        : [Math.floor(minutes / 1440), 'day'];

    return way[0] < 1 ? '' : (format || ((n, unit) =>
      new Intl.NumberFormat(language, {style: 'unit', unit,
        unitDisplay: 'long'}).format(n)))(way[0], way[1]);
  }

  // "5 minutes ago"; '' below a minute.
  function ago(ms, language) {
    return span(ms, language, (n, unit) =>
      new Intl.RelativeTimeFormat(language).format(-n, unit));
  }

  // --------------------------------------------------------------------- book

  /*
   * News: {link, whole, views, listed, drop, events}, all but link optional.
   * link is {state, cursor, client, contact, clock, lostAt, retryAt, all,
   * deaf, hidden}: all of it comes with all news.
   */
  class Book {
    constructor() {
      this.views = new Map();   // id to presence
      this.listed = new Set();  // ids that belong to all()
      this.typed = new Map();   // id to when its typing began
      this.link = {state: 'new', cursor: null, client: null, contact: 0,
        clock: 0, lostAt: 0, retryAt: 0, all: false, deaf: false,
        hidden: false};
    }

    // Writes it down. told(id, event) is called after each event.
    write(news, told) {
      const listed = (id) => this.listed.add(id);

      this.link = news.link;
      if (news.whole) {
        this.views.clear();
        this.listed.clear();
        this.typed.clear();
      }
      (news.views || []).forEach((view) => {
        this.views.set(view.conversationId, view);
        if (view.typing)
          this.typed.set(view.conversationId, Date.now());
      });
      (news.listed || []).forEach(listed);
      (news.drop || []).forEach((id) => {
        this.views.delete(id);
        this.listed.delete(id);
        this.typed.delete(id);
      });
      (news.events || []).forEach((event) => {
        const id = event.conversationId;
        const view = reduce(this.views.get(id), event);

        this.views.set(id, view);
        if (this.link.all)
          listed(id);
        if (view.typing)
          this.typed.set(id, Date.now());
        else
          this.typed.delete(id);
        told(id, event);
      });
    }

    // All of it, as news for who comes late.
    read() {
      return {link: this.link, whole: true,
        views: Array.from(this.views.values()),
        listed: Array.from(this.listed)};
    }

    // Whose typing has worn off by now?
    wearOff(now) {
      this.typed.forEach((since, id) => {
        if (now - since < TYPING_MS)
          return;
        this.typed.delete(id);
        if (this.views.has(id))
          this.views.set(id,
            Object.assign({}, this.views.get(id), {typing: false}));
      });
    }
  }

  // ---------------------------------------------------------------- questions

  // How much is left of that time since; 0 if the clock was put back.
  function timeLeft(since, ms) {
    const left = since + ms - Date.now();

    return left > ms ? 0 : Math.max(0, left);
  }

  // A name for a poll that nobody else has.
  function newClient() {
    return 'page-' + Math.random().toString(36).slice(2);
  }

  // The conversations of these events, each once.
  function idsOf(events) {
    return Array.from(new Set(events.map((event) => event.conversationId)));
  }

  // Too many for one question?
  function isMany(ids) {
    return ids.length > MANY || ids.reduce((length, id) => length +
      '&conversationId='.length + encodeURIComponent(id).length, 0) > LINE;
  }

  /*
   * The presence of these: {views, cursor}. ask(query) is the request. One that
   * is refused fails the whole question, so it is halved until the one is
   * found: a conversation that was deleted must not darken the others.
   */
  async function fetchMany(ids, ask) {
    const views = new Map();
    let cursor = null;

    const askHalves = async (some) => {
      await askFor(some.slice(0, some.length >> 1));
      await askFor(some.slice(some.length >> 1));
    };
    const askFor = async (some) => {
      if (some.length > 1 && isMany(some)) {
        await askHalves(some);
        return;
      }
      try {
        const answer = await ask(some.map((id) => ['conversationId', id]));
        cursor = cursor || answer.cursor;
        (answer.presences || [answer]).forEach((p) => views.set(
          p.conversationId, fromPresence(p, Date.parse(answer.serverTime))));
      } catch (e) {
        if (e.status !== 403 && e.status !== 400)
          throw e;
        if (some.length > 1)
          await askHalves(some);
      }
    };

    if (ids.length)
      await askFor(ids);
    ids.filter((id) => !views.has(id))
      .forEach((id) => views.set(id, forbidden(id)));
    return {views, cursor};
  }

  // Every conversation that is online: {views, cursor}.
  async function fetchAll(ask) {
    const views = new Map();
    let cursor = null;
    let after = null;

    do {
      const answer = await ask(after ? [['limit', 500], ['after', after]]
        : [['limit', 500]]);
      cursor = cursor || answer.cursor;
      answer.presences.forEach((p) => views.set(
        p.conversationId, fromPresence(p, Date.parse(answer.serverTime))));
      after = answer.next;
    } while (after);
    return {views, cursor};
  }

  // ------------------------------------------------------------------- poller

  /*
   * The one that asks. Of its port it needs: book; wanted(), what the tabs
   * want, {ids, all}; publish(news); request(…); pause(), how long to wait
   * between questions, 0 if a poll may be held; hidden(); refused(), after
   * which it has ended.
   */
  class Poller {
    constructor(port) {
      this.port = port;
      this.book = port.book;
      this.link = Object.assign({}, port.book.link);
      this.stale = !this.link.cursor;   // a snapshot is wanted
      this.quick = false;       // ask, do not wait: are we cut off?
      this.failures = 0;
      this.busyAt = 0;          // when it could not hold a poll
      this.hurried = 0;         // polls in a row that were not held
      this.spokeAt = 0;         // when the server last did
      this.asked = null;        // what the poll that is held asks for
      this.changedAt = 0;       // when it was interrupted for something new
      this.lookedAt = 0;        // when somebody new was last asked for
      this.againAt = Date.now() + ROLL_MS;      // and who is refused, again
      this.lingering = new Map();       // id to how long
      this.dim = new Set();     // whose beats were not told, and no other news
      this.idle = false;        // nothing is wanted
      this.patient = false;     // what is wanted has to wait its turn
      this.ended = false;
      if (!this.link.client)
        this.link.client = port.client || newClient();
    }

    end() {
      this.ended = true;
      clearTimeout(this.gather);
      this.interrupt();
    }

    // Something may have happened to us: look now. All tabs notice it, so
    // not again if the server has just spoken; unless we know for sure.
    wake(sure) {
      if (this.quick || (!sure && timeLeft(this.spokeAt, CALM_MS)))
        return;
      this.quick = true;
      this.interrupt();
    }

    // Somebody wants something else: ask, if it is not known or on its way.
    changed() {
      if (this.gather || this.isCovered(this.port.wanted()))
        return;
      this.gather = setTimeout(() => {
        this.gather = 0;
        this.changedAt = Date.now();
        if (!this.patient && !this.isCovered(this.port.wanted()))
          this.interrupt();
      }, Math.max(GATHER_MS, timeLeft(this.changedAt, CALM_MS)));
    }

    isCovered(wanted) {
      const asked = this.asked;

      if (this.missing(wanted).length || (wanted.all && !this.link.all))
        return false;
      if (!asked)       // between two polls the next one will ask for it
        return !this.idle;
      return asked.ids
        ? Array.from(wanted.ids).every((id) => asked.ids.has(id))
        : asked.heartbeats || !wanted.ids.size || this.port.hidden();
    }

    missing(wanted) {
      const again = Date.now() >= this.againAt;

      return Array.from(wanted.ids).filter((id) => {
        const view = this.book.views.get(id);
        return !view || (view.forbidden ? again : this.dim.has(id));
      });
    }

    interrupt() {
      if (this.stop)
        this.stop();
    }

    // Nobody wants anything, and what we know would get old unnoticed.
    async forget() {
      if (this.book.views.size)
        this.publish({whole: true}, {cursor: null, all: false});
      this.stale = true;
      await this.rest();
    }

    // There is nothing to ask for, until that changes.
    async rest() {
      this.idle = true;
      this.patient = false;     // whatever comes is asked for at once
      await new Promise((resolve) => { this.stop = resolve; });
      this.idle = false;
    }

    sleep(ms) {
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.stop = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }

    request(path, query, timeoutMs) {
      if (this.ended)   // by a callback, just before
        throw Object.assign(new Error('ended'), {interrupted: true});
      return this.port.request('GET', path,
        {query, timeoutMs, stop: (stop) => { this.stop = stop; }});
    }

    async ask(query) {
      const answer = await this.request('widget/presence', query);
      this.heard(answer);
      return answer;
    }

    publish(news, link) {
      if (this.ended)
        return;
      if (news.whole) { // who is not in it is in no book any more
        this.lingering.clear();
        this.dim.clear();
      }
      Object.assign(this.link, {hidden: this.port.hidden()}, link);
      this.port.publish(
        Object.assign({link: Object.assign({}, this.link)}, news));
    }

    async run() {
      if (this.link.cursor)
        this.publish({});       // who asks now, and is it hidden?
      // Of who asked before us: not before the server wants it.
      if (this.link.retryAt > Date.now())
        await this.sleep(this.link.retryAt - Date.now());
      else
        await this.sleep(GATHER_MS);
      while (!this.ended) {
        const wanted = this.port.wanted();
        const whole = this.stale || (wanted.all && !this.link.all);

        try {
          // A question under way is not asked again for every click.
          this.patient = whole || this.missing(wanted).length > 0;
          if (!wanted.all && !wanted.ids.size)
            await this.forget();
          else if (whole)
            await this.snapshot(wanted);
          else if (this.missing(wanted).length)
            await this.lookUp(wanted);
          else
            await this.poll(wanted);
        } catch (e) {
          if (!e.interrupted && !this.ended)
            await this.trouble(e);
        }
      }
    }

    async trouble(e) {
      const now = Date.now();
      const link = {};
      let wait;

      this.quick = false;
      if (e.status === 401) {
        this.end();
        this.port.refused();
        return;
      }
      if (e.status === 503 && e.code === 'busy') {
        // It answers, it only has no room for one more who waits.
        this.busyAt = now;
        this.publish({}, {state: 'live'});
        await this.sleep(BUSY_MS);
        return;
      }
      this.failures++;
      if (e.status === 403 || e.status === 400) {
        // One of ours was deleted, or the cursor is no good: look anew, and
        // only if that did not help think of it as trouble.
        this.stale = true;
        if (this.failures === 1)
          return;
      }
      wait = backoff(this.failures, Math.random(), e.retryAfterMs);
      link.retryAt = now + wait;
      // Cut off: since now, or since a poll should have been answered.
      if (this.link.state !== 'lost')
        Object.assign(link, {state: 'lost', lostAt: Math.min(
          now + this.link.clock,
          (this.link.contact || Infinity) + HOLD_S * 1000)});
      this.patient = true;
      this.publish({}, link);
      await this.sleep(wait);
    }

    // The server has spoken: what we have is confirmed.
    heard(answer) {
      if (answer.serverTime) {
        this.link.contact = Date.parse(answer.serverTime);
        this.link.clock = this.link.contact - Date.now();
        this.spokeAt = Date.now();
      }
      if (answer.pollTimeoutMs !== undefined)
        this.link.holdMs = answer.pollTimeoutMs;
      this.link.retryAt = 0;
    }

    // Shorter where the server says so: something before it waits less long.
    holdSeconds() {
      const ms = this.link.holdMs;

      return ms === undefined ? HOLD_S
        : Math.min(HOLD_S, Math.max(1, Math.floor(ms / 1000)));
    }

    // All that is wanted, and where the stream goes on from there.
    async snapshot(wanted) {
      const ask = (query) => this.ask(query);
      const some = await fetchMany(Array.from(wanted.ids), ask);
      const all = wanted.all ? await fetchAll(ask) : null;
      const views = new Map(some.views);
      const listed = new Set();

      if (all)
        all.views.forEach((view, id) => {
          views.set(id, view);
          listed.add(id);
        });
      // Who was listed and is not in the list of all has gone meanwhile.
      this.book.listed.forEach((id) => {
        const view = this.book.views.get(id);

        if (!all || !view)
          return;
        listed.add(id);
        if (!views.has(id))
          views.set(id, reduce(view, {event: 'customer:offline',
            conversationId: id, isOnline: false, status: 'offline',
            connections: 0, expiresAt: null}));
      });
      this.stale = false;
      this.publish({whole: true, views: Array.from(views.values()),
        listed: Array.from(listed)},
      // Of several cursors the first: what is told twice ends up the same.
      {state: 'live', cursor: some.cursor || (all && all.cursor), all: !!all,
        deaf: false});
    }

    // Who is new among the wanted, or was not heard of. The stream goes on from
    // where it was. If it is too soon for that, more may have come until it is
    // time.
    async lookUp(wanted) {
      const wait = timeLeft(this.lookedAt, CALM_MS);

      if (wait) {
        await this.sleep(wait);
        return;
      }
      if (this.link.deaf)
        this.dim = new Set(this.book.views.keys());
      const ids = this.missing(wanted);

      this.lookedAt = Date.now();
      if (this.lookedAt >= this.againAt)
        this.againAt = this.lookedAt + ROLL_MS;
      this.publish(await this.look(ids), {state: 'live', deaf: false});
    }

    // News of these. Whom we knew the stream still has news of, from where it
    // was; who was asked for anew may have come before that.
    async look(ids) {
      const found = await fetchMany(ids, (query) => this.ask(query));
      const views = Array.from(found.views.values());

      ids.forEach((id) => this.dim.delete(id));
      views.forEach((view) => {
        const before = this.book.views.get(view.conversationId);

        if (before && !before.forbidden)
          view.asOf = before.asOf;
      });
      return {views, listed: views.filter((view) => this.link.all &&
        view.isOnline).map((view) => view.conversationId)};
    }

    // What is in the book is in every poll, or it would be out of date when
    // somebody wants it again.
    async poll(wanted) {
      this.prune(wanted);
      const known = new Set(wanted.ids);
      this.lingering.forEach((until, id) => known.add(id));
      const ids = Array.from(known).filter(
        (id) => !this.book.views.get(id).forbidden);
      const everything = wanted.all || isMany(ids);
      const looked = !everything ? ids
        : ids.filter((id) => wanted.ids.has(id) && !this.port.hidden());
      const pause = this.port.pause();
      const hold = !this.quick && this.link.state === 'live' && !pause &&
        !timeLeft(this.busyAt, BUSY_FOR_MS);
      const query = [['cursor', this.link.cursor],
        ['client', this.link.client], ['timeout', hold ? this.holdSeconds() : 0]];

      if (!everything && !ids.length) {
        await this.sleep(ROLL_MS);
        return;
      }
      if (looked.length && this.link.deaf) {
        this.patient = true;
        await this.lookUp(wanted);
        return;
      }
      if (!everything)
        ids.forEach((id) => query.push(['conversationId', id]));
      else if (looked.length)
        query.push(['heartbeats', 1]);
      else if (!this.link.deaf) // to beats: nobody looks at any of them
        this.publish({}, {deaf: true});
      this.asked = {ids: everything ? null : known,
        heartbeats: looked.length > 0};
      const since = Date.now();
      let answer;

      try {
        answer = await this.request('widget/events', query,
          hold ? HOLD_S * 1000 + ANSWER_MS : QUICK_MS);
        await this.take(answer);
      } finally {
        this.asked = null;
      }
      this.quick = false;
      if (timeLeft(this.busyAt, BUSY_FOR_MS))
        await this.sleep(BUSY_MS);
      else if (pause)
        await this.sleep(pause);
      // Not held: another has our client's name, or no cursor is ever good.
      this.hurried = hold && !answer.events.length &&
        Date.now() - since < CALM_MS ? this.hurried + 1 : 0;
      if (this.hurried > 1) {
        this.link.client = newClient();
        await this.sleep(CALM_MS);
      }
    }

    async take(answer) {
      const wanted = this.port.wanted();
      const events = answer.events.filter((event) =>
        (wanted.all || this.book.views.has(event.conversationId)) &&
        !isOld(this.book.views.get(event.conversationId), event));
      const views = await this.strangers(events);

      this.failures = 0;
      this.heard(answer);
      this.stale = !!answer.reset;
      events.forEach((event) => this.dim.delete(event.conversationId));
      this.publish({events, views}, {state: 'live', cursor: answer.cursor});
      if (this.link.deaf)
        await this.seeOff(events);
      // A hidden tab's timers are slow, and there are few beats to its eyes.
      if (events.length && !this.port.hidden() && events.every(
        (event) => event.event === 'customer:heartbeat'))
        await this.sleep(PACE_MS);
    }

    // An event has no name and no platform: ask, before anybody is told.
    async strangers(events) {
      const ids = idsOf(events).filter((id) => {
        const view = this.book.views.get(id);
        return !view || view.forbidden;
      });

      if (!ids.length)
        return [];
      try {
        const found = await fetchMany(ids, (query) => this.ask(query));
        return Array.from(found.views.values())
          .map((view) => Object.assign(view, {asOf: 0}));
      } catch (e) {
        if (e.interrupted || e.status === 401)
          throw e;      // the cursor stays: these events come again
        return [];
      }
    }

    // Who leaves, and his beats were not told: when was he last seen? All know
    // by now that he has gone; and of a crowd nobody looks at each.
    async seeOff(events) {
      const ids = idsOf(events.filter((event) => !event.isOnline));

      if (!ids.length || ids.length > MANY)
        return;
      this.patient = true;
      this.publish(await this.look(ids));
    }

    // Forgets who is wanted no more, and of all() who has left for long.
    prune(wanted) {
      const now = Date.now();
      const drop = [];

      this.book.views.forEach((view, id) => {
        const kept = this.lingering.get(id);

        if (wanted.ids.has(id)) {
          this.lingering.delete(id);
          return;
        }
        if (wanted.all && this.book.listed.has(id) && (view.isOnline ||
            now + this.link.clock - Date.parse(view.lastHeartbeat) < ROLL_MS))
          return;
        if (kept === undefined && !view.forbidden &&
            this.lingering.size < MANY)
          this.lingering.set(id, now + LINGER_MS);
        else if (!(kept > now))
          drop.push(id);
      });
      drop.forEach((id) => this.lingering.delete(id));
      if (drop.length || (this.link.all && !wanted.all))
        this.publish({drop}, {all: this.link.all && wanted.all});
    }
  }

  // ------------------------------------------------------------------- circle

  /*
   * The tabs of one agent in one browser. Who has the lock asks the server,
   * the others queue for it. What they say to each other:
   *
   *   hello   who came, and what it wants; the leader answers with all news
   *   want    what it wants from now on
   *   bye     who left
   *   roll    the leader: say again what you want
   *   wake    to the leader: our connection may have gone
   *   take    a visible tab to a leader that is hidden, or silent for long:
   *           timers of hidden tabs are slow, and it may be frozen
   *   yours   its answer: I have stopped. Without one, after a second
   *   news    the leader: what the server said
   *
   * Who closes says bye and lets the lock go, which is the next one's at once;
   * that one has the same book, and knows what the others want.
   */
  class Circle {
    constructor(agent, browser) {
      this.agent = agent;
      this.browser = browser;
      this.id = Math.random().toString(36).slice(2);
      this.wants = new Map();   // id of the tab to {ids, all, at}
      this.leader = null;
      this.leading = false;
      this.left = false;
      this.rolledAt = 0;
      this.heardAt = Date.now();
    }

    // Is all there that it takes? Not under plain http, for example.
    static isPossible(browser) {
      return !!(browser.locks && browser.BroadcastChannel && browser.subtle);
    }

    async join(who) {
      const names = await Promise.all(
        ['lock', 'channel'].map((what) => this.name(what, who)));

      if (this.left)
        return;
      this.lock = names[0];
      this.channelName = names[1];
      if (!await this.queue({ifAvailable: true}) && !this.left &&
          await this.agent._prove() && !this.left) {
        this.open();
        this.say('hello', this.own());
        // Two seconds are enough to be answered.
        this.heardAt = Date.now() - SILENT_MS + 2000;
        this.queue({});
      }
    }

    async name(what, who) {
      const bytes = new TextEncoder().encode(what + '\n' + who);
      const hash = await this.browser.subtle.digest('SHA-256', bytes);

      return 'porchlight-' + what + '-' + Array.from(new Uint8Array(hash))
        .map((byte) => (256 + byte).toString(16).slice(1)).join('');
    }

    open() {
      if (this.channel)
        return;
      this.channel = new this.browser.BroadcastChannel(this.channelName);
      this.channel.onmessage = (event) => {
        if (!this.left && (!event.data.to || event.data.to === this.id))
          this.hear(event.data);
      };
    }

    say(type, more) {
      if (this.channel)
        this.channel.postMessage(Object.assign({type, from: this.id}, more));
    }

    own() {
      return {want: Object.assign({at: Date.now()}, this.agent._own())};
    }

    // Resolves when the lock was had and given back, or was not to be had.
    queue(options) {
      let had = false;

      if (!options.ifAvailable && !options.steal) {
        this.waiting = new AbortController();
        options.signal = this.waiting.signal;
      }
      return this.browser.locks.request(this.lock, options, (lock) => {
        if (!lock || this.left)
          return undefined;
        had = true;
        return this.lead();
      }).then(() => had, (e) => {
        // Another tab took it; or we left, or took it before our turn.
        if (e.name === 'SecurityError')
          throw e;      // there are no locks here
        if (had)
          this.stepDown();
        if (had && !this.left)
          this.queue({});
        return had;
      });
    }

    // Until it is let go of.
    lead() {
      this.leading = true;
      this.leader = this.id;
      this.open();
      this.roll();
      this.agent._lead();
      return new Promise((resolve) => { this.release = resolve; });
    }

    stepDown() {
      clearTimeout(this.taking);
      this.taking = 0;
      this.leading = false;
      this.agent._follow();
    }

    leave() {
      if (this.left)
        return;
      this.left = true;
      this.say('bye');
      if (this.leading)
        this.stepDown();
      if (this.release)
        this.release();
      if (this.waiting)
        this.waiting.abort();
      clearTimeout(this.taking);
      if (this.channel)
        this.channel.close();
    }

    hear(m) {
      this.heard[m.type].call(this, m);
    }

    // All that any tab wants: {ids, all}.
    wanted() {
      const own = this.agent._own();
      const ids = new Set(own.ids);
      let all = own.all;

      this.wants.forEach((want) => {
        want.ids.forEach((id) => ids.add(id));
        all = all || want.all;
      });
      return {ids, all};
    }

    changed() {
      this.say('want', this.own());
    }

    publish(news) {
      this.say('news', {news});
      if (Date.now() - this.rolledAt > ROLL_MS)
        this.roll();
    }

    // Who did not answer the last roll has gone without a word.
    roll() {
      this.wants.forEach((want, id) => {
        if (want.at < this.rolledAt)
          this.wants.delete(id);
      });
      this.rolledAt = Date.now();
      this.say('roll');
    }

    wake() {
      this.say('wake');
    }

    // Is it for us to ask instead? Called when we become visible, and by time.
    consider() {
      const link = this.agent._book.link;
      const silence = Date.now() - Math.max(this.heardAt, link.retryAt);

      if (this.leading || this.taking || !this.channel ||
          this.browser.hidden() || !(link.hidden || silence > SILENT_MS))
        return;
      this.say('take');
      this.taking = setTimeout(() => this.take(), 1000);
    }

    take() {
      clearTimeout(this.taking);
      this.taking = 0;
      if (this.left || this.leading)
        return;
      this.waiting.abort();
      this.queue({steal: true});
    }
  }

  Circle.prototype.heard = {
    hello(m) {
      this.wants.set(m.from, m.want);
      if (!this.leading)
        return;
      this.say('news', {to: m.from, news: this.agent._book.read(),
        wants: Array.from(this.wants).concat([[this.id, this.own().want]])});
      this.agent._wanted();
    },

    want(m) {
      this.wants.set(m.from, m.want);
      this.agent._wanted();
    },

    bye(m) {
      this.wants.delete(m.from);
      this.agent._wanted();
    },

    roll(m) {
      this.leader = m.from;
      this.heardAt = Date.now();
      this.say('want', this.own());
    },

    wake() {
      if (this.leading)
        this.agent._wakeAll();
    },

    take(m) {
      if (!this.leading)
        return;
      this.agent._follow();
      this.say('yours', {to: m.from});
      clearTimeout(this.taking);
      // It went away before it took it.
      this.taking = setTimeout(() => {
        this.taking = 0;
        if (this.leading)
          this.agent._lead();
      }, 3000);
    },

    yours() {
      if (this.taking)
        this.take();
    },

    news(m) {
      if (this.leading)
        return;
      this.leader = m.from;
      this.heardAt = Date.now();
      (m.wants || []).forEach((pair) => {
        if (pair[0] !== this.id)
          this.wants.set(pair[0], pair[1]);
      });
      this.agent._take(m.news);
      this.consider();
    }
  };

  // ------------------------------------------------------------------- places

  /*
   * Where there are no locks each tab asks for itself. But a browser has six
   * connections to a server for all its tabs, so of the visible ones those
   * four hold a poll that did first; the others ask now and then, and hidden
   * ones seldom. What they tell each other is no secret: a number.
   */
  class Places {
    constructor(browser, endpoint) {
      this.browser = browser;
      this.id = Math.random();
      this.others = new Map();  // number of a tab to when it last held one
      if (!browser.BroadcastChannel)
        return;
      try {
        this.channel = new browser.BroadcastChannel(
          'porchlight-places-' + endpoint);
      } catch (e) {
        return;         // a sandboxed frame: nobody to share with
      }
      this.channel.onmessage = (event) => {
        const isNew = !this.others.has(event.data.id);

        this.others.set(event.data.id, event.data.holds ? Date.now() : 0);
        if (isNew && this.holds)
          this.say(true);
      };
      this.say(false);  // who holds one answers
    }

    say(holds) {
      this.holds = holds;
      if (this.channel)
        this.channel.postMessage({id: this.id, holds});
    }

    // How long to wait between questions; 0 if a poll may be held.
    pause() {
      const fresh = Date.now() - HOLD_S * 1000 - ANSWER_MS;
      const holding = Array.from(this.others).filter((pair) =>
        pair[1] > fresh && (!this.holds || pair[0] < this.id)).length;
      const hidden = this.browser.hidden();
      const may = !hidden && holding < PLACES;

      if (may || this.holds)
        this.say(may);
      return may ? 0 : hidden ? HIDDEN_MS : BUSY_MS;
    }

    leave() {
      this.say(false);
      if (this.channel)
        this.channel.close();
    }
  }

  // -------------------------------------------------------------------- agent

  const inBrowser = typeof document !== 'undefined';
  const own = inBrowser && document.currentScript;
  const base = own ? new URL('api/', own.src).href : '/api/';
  const SESSION = 'porchlight-session';   // in localStorage: which sign-in

  const CLIENT = 'porchlight-client';     // in sessionStorage: our poll's name

  // Reading it can throw, where storage is forbidden.
  function storage(kind) {
    try {
      return window[kind];
    } catch (e) {
      return null;
    }
  }

  // What of the browser is used; tests have browsers of their own.
  function thisBrowser() {
    return !inBrowser ? {hidden: () => false} : {
      locks: navigator.locks,
      BroadcastChannel: window.BroadcastChannel,
      subtle: window.crypto && window.crypto.subtle,
      storage: storage('localStorage'),
      tabStorage: storage('sessionStorage'),
      hidden: () => document.hidden
    };
  }

  class PorchlightAgent extends EventTarget {
    constructor(options) {
      const o = options || {};

      super();
      this.endpoint = (o.endpoint || base).replace(/\/?$/, '/');
      this._token = o.token || null;
      this._agent = o.agent || '';
      this._browser = o.browser || thisBrowser();
      this._client = o.client || this._inherit();
      this._watchers = new Map();       // id to the set of its callbacks
      this._all = new Set();            // callbacks of all()
      this._told = new Map();           // id to what callbacks know, as JSON
      this._book = new Book();
      this._over = null;                // unauthenticated or closed
      this._joined = false;
      this._listeners = [];
      if (inBrowser)
        this._listen();
    }

    get state() {
      return this._over || this._book.link.state;
    }

    get token() {
      return this._token;
    }

    /* A new one, when a JWT has run out for example. */
    set token(token) {
      const before = this._identity();

      this._token = token || null;
      if (this._over === 'unauthenticated' || before !== this._identity())
        this._anew();
    }

    /* The server's time, in ms since 1970. */
    now() {
      return Date.now() + this._book.link.clock;
    }

    /* Calls back with each change of one conversation. Returns the end of it. */
    watch(id, callback) {
      const callbacks = this._watchers.get(id) || new Set();

      this._watchers.set(id, callbacks.add(callback));
      this._late(callbacks, callback, id);
      return () => {
        if (!callbacks.delete(callback) || callbacks.size)
          return;
        this._watchers.delete(id);
        if (!this._book.listed.has(id))
          this._told.delete(id);
        this._wants();
      };
    }

    /* The same for every conversation that is online now or comes later. */
    all(callback) {
      this._all.add(callback);
      this._late(this._all, callback, null);
      return () => {
        if (this._all.delete(callback) && !this._all.size)
          this._wants();
      };
    }

    /* Asks the server now. Resolves with an array in the order of the ids. */
    async presence(ids) {
      const found = await fetchMany(ids, (query) =>
        this._request('GET', 'widget/presence', {query}));
      return ids.map((id) => this._open(found.views.get(id) || forbidden(id)));
    }

    /* Swaps a token for the session cookie. Rejects with {status, code}. */
    async signIn(token) {
      await this._request('POST', 'agent/session', {body: {token}});
      // Another agent's tabs are not ours, whoever has the cookie now.
      this._remember(Math.random().toString(36).slice(2));
      this._anew();
    }

    async signOut() {
      await this._request('DELETE', 'agent/session', {});
      this._remember(null);
      this._refused();
    }

    close() {
      this._listeners.forEach((l) => l[0].removeEventListener(l[1], l[2]));
      this._watchers.forEach((callbacks) => callbacks.clear());
      this._watchers.clear();
      this._all.clear();
      this._leave();
      this._finish('closed');
    }

    // ------------------------------------------------------- the page's events

    _listen() {
      const on = (target, type, listener) => {
        target.addEventListener(type, listener);
        this._listeners.push([target, type, listener]);
      };
      const leave = () => this._leave();
      const hide = () => {
        this._bequeath();
        leave();
      };
      const back = () => {
        this._inherit();
        this._start();
        this._looked();
      };
      const nudge = () => this._wake();

      on(window, 'online', nudge);
      on(window, 'offline', nudge);
      on(window, 'pagehide', hide);
      on(document, 'freeze', leave);
      on(window, 'pageshow', back);
      on(document, 'resume', back);
      on(document, 'visibilitychange', () => this._looked());
      on(window, 'storage', (event) => {
        if (event.key === SESSION && !this._token && this._over !== 'closed')
          this._anew();
      });
    }

    // Shown, hidden, back from sleep: are we cut off, and is it for us to ask?
    _looked() {
      const link = this._book.link;
      const silence = this.now() - link.contact;
      const hidden = this._browser.hidden();

      if (this._circle && this._poller && hidden !== link.hidden) {
        this._poller.publish({});
        this._wanted();
      }
      if (this._places)
        this._wake();
      else if (!hidden && link.contact && silence > HOLD_S * 1000 + GRACE_MS)
        this._wakeAll();
      if (this._circle && !hidden)
        this._circle.consider();
    }

    _wakeAll() {
      if (this._poller)
        this._poller.wake();
      else if (this._circle)
        this._circle.wake();
    }

    // A timer that is late, or early, is a laptop that slept, or a clock that
    // was set. (Hidden tabs' timers are late by up to a minute.)
    _watchClock() {
      const before = Date.now();

      clearTimeout(this._clockTimer);
      this._clockTimer = setTimeout(() => {
        const late = Math.abs(Date.now() - before - TICK_MS);

        if (late > (this._browser.hidden() ? 75000 : 10000))
          this._wakeAll();
        if (this._circle)
          this._circle.consider();
        this._watchClock();
      }, TICK_MS);
    }

    // ---------------------------------------------------------------- the tabs

    _start() {
      if (this._joined || this._over || !(this._all.size || this._watchers.size))
        return;
      this._joined = true;
      this._watchClock();
      if (!Circle.isPossible(this._browser)) {
        this._alone();
        return;
      }
      const circle = this._circle = new Circle(this, this._browser);
      circle.join(this._identity()).catch(() => {
        // A sandboxed frame has no locks, whatever it says.
        if (this._circle === circle)
          this._alone();
      });
    }

    _alone() {
      this._circle = null;
      this._places = new Places(this._browser, this.endpoint);
      this._lead();
    }

    _leave() {
      this._joined = false;
      clearTimeout(this._clockTimer);
      clearTimeout(this._ticker);
      if (this._circle)
        this._circle.leave();
      this._follow();
      if (this._places)
        this._places.leave();
      this._circle = this._places = null;
    }

    // As if the page were new: the credential is another one.
    _anew() {
      const before = this.state;

      this._leave();
      this._book = new Book();
      this._told.clear();
      this._over = null;
      this._moved(before);
      this._start();
    }

    _identity() {
      const kept = this._browser.storage;
      let session = null;

      try {
        session = kept && kept.getItem(SESSION);
      } catch (e) {
        // Not allowed to: as if nothing were there.
      }
      return this.endpoint + '\n' +
        identity(this._token, [this._agent, this._token ? null : session]);
    }

    _remember(session) {
      try {
        if (session)
          this._browser.storage.setItem(SESSION, session);
        else
          this._browser.storage.removeItem(SESSION);
      } catch (e) {
        // Then other tabs find out when they ask the next time.
      }
    }

    /*
     * A page that is left leaves its poll behind: behind most servers nobody
     * sees that, and it holds its place to its end. The tab's next page takes
     * the poll's name, and with it the place. The name is kept between pages
     * only, so that a copy of the tab has none of it.
     */
    _bequeath() {
      try {
        if (this._poller)
          this._browser.tabStorage.setItem(CLIENT, this._poller.link.client);
      } catch (e) {
        // Then it stays where it is.
      }
    }

    _inherit() {
      let client = null;

      try {
        client = this._browser.tabStorage.getItem(CLIENT);
        this._browser.tabStorage.removeItem(CLIENT);
      } catch (e) {
        // There was none.
      }
      return client;
    }

    // What this page wants to know.
    _own() {
      return {ids: Array.from(this._watchers.keys()), all: this._all.size > 0};
    }

    _wants() {
      if (this._circle)
        this._circle.changed();
      this._wanted();
    }

    _wanted() {
      if (this._poller)
        this._poller.changed();
    }

    // Asks the server from now on, for all tabs.
    _lead() {
      const circle = this._circle;

      if (this._poller)
        return;
      this._poller = new Poller({
        book: this._book,
        client: this._client,
        request: (method, path, o) => this._request(method, path, o),
        wanted: () => {
          const mine = this._own();
          return circle ? circle.wanted()
            : {ids: new Set(mine.ids), all: mine.all};
        },
        publish: (news) => {
          if (circle)
            circle.publish(news);
          this._take(news);
        },
        pause: () => this._places ? this._places.pause() : 0,
        hidden: () => this._browser.hidden(),
        refused: () => this._refused()
      });
      this._poller.run();
    }

    _follow() {
      if (this._poller)
        this._poller.end();
      this._poller = null;
    }

    // We know that something happened to us.
    _wake() {
      if (this._poller)
        this._poller.wake(true);
    }

    // Shows the server its own credential, whoever asks for this tab later.
    async _prove() {
      const circle = this._circle;

      for (let failures = 1; ; failures++) {
        try {
          await this._request('GET', 'widget/events', {query: [['timeout', 0]]});
          return true;
        } catch (e) {
          if (this._circle !== circle)
            return false;
          if (e.status === 401) {
            this._refused();
            return false;
          }
          if (this._book.link.state !== 'lost')
            this._take({link: Object.assign({}, this._book.link,
              {state: 'lost', lostAt: this.now()})});
          await new Promise((resolve) => setTimeout(resolve,
            backoff(failures, Math.random(), e.retryAfterMs)));
          if (this._circle !== circle)
            return false;
        }
      }
    }

    _refused() {
      this._leave();
      this._finish('unauthenticated');
    }

    _finish(over) {
      const before = this.state;

      if (this._over === 'closed')
        return;
      this._over = over;
      this._moved(before);
    }

    // --------------------------------------------------------------- the news

    _take(news) {
      const before = this.state;

      this._book.write(news, (id, event) => {
        // A callback may have closed us; and some of it is for other tabs.
        if (this._over || !(this._all.size || this._watchers.has(id)))
          return;
        this._say(event);
        this._fire(event.event, event);
        this._tell(id, event);
      });
      (news.drop || []).forEach((id) => this._told.delete(id));
      this._moved(before);
    }

    _moved(before) {
      if (this.state !== before) {
        this._fire('state', {state: this.state});
        if (this.state === 'unauthenticated')
          this._fire('unauthenticated', null);
      }
      this._tick();
    }

    // A late comer learns what is known, but never before watch() returned,
    // nor after the end of it.
    _late(callbacks, callback, id) {
      const first = callbacks.size === 1;

      Promise.resolve().then(() => {
        const ids = id ? [id] : Array.from(this._book.listed);
        ids.filter((i) => this._book.views.has(i))
          .forEach((i) => callbacks.has(callback) &&
            this._call(callback, this._view(i), null));
      });
      // What others were told is news to him, whenever it is known.
      if (first && id)
        this._told.delete(id);
      else if (first)
        this._told.clear();
      this._start();
      if (first)
        this._wants();
    }

    // As callbacks get it.
    _open(view) {
      const open = Object.assign({}, view);

      delete open.sessions;
      delete open.asOf;
      return open;
    }

    _view(id) {
      const link = this._book.link;
      const view = this._book.views.get(id) ||
        Object.assign(fromPresence({conversationId: id}), {status: 'unknown'});

      return Object.assign(this._open(view), {status: shown(view, {
        state: this.state,
        lostAt: link.lostAt,
        contact: link.contact,
        now: this.now()
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
      const isListed = this._book.listed.has(id);
      const json = JSON.stringify([view, isListed]);

      if (!event && this._told.get(id) === json)
        return;
      this._told.set(id, json);
      (this._watchers.get(id) || []).forEach(
        (callback) => this._call(callback, view, event));
      if (isListed)
        this._all.forEach((callback) => this._call(callback, view, event));
    }

    _tellAll() {
      this._watchers.forEach((callbacks, id) => {
        // Those that were never answered for are unknown, once we know as much.
        if (this._book.views.has(id) ||
            (this.state !== 'live' && this.state !== 'new'))
          this._tell(id, null);
      });
      if (this._all.size)
        this._book.listed.forEach((id) => this._tell(id, null));
    }

    _fire(type, detail) {
      // CustomEvent is younger than the Node that runs the tests.
      this.dispatchEvent(Object.assign(new Event(type), {detail}));
    }

    // What changes by time alone: cut off we expire, and typing wears off.
    _tick() {
      clearTimeout(this._ticker);
      this._book.wearOff(Date.now());
      this._tellAll();
      if (this._joined && (this.state === 'lost' || this._book.typed.size))
        this._ticker = setTimeout(() => this._tick(), 500);
    }

    // In words, to the console, if the page is asked to.
    _say(event) {
      const words = {
        'customer:online': '🟢 Customer came online: ',
        'customer:heartbeat': '💓 Customer heartbeat: ',
        'customer:offline': event.reason === 'timeout'
          ? '⏰ Customer heartbeat timeout: ' : '🔴 Customer went offline: '
      };

      try {
        if (this._browser.storage.getItem('widget_debug') === 'true')
          console.log(words[event.event] + event.conversationId);
      } catch (e) {
        // No storage, so nobody asked.
      }
    }

    // ------------------------------------------------------------ the network

    // One request. Rejects with {status, code, retryAfterMs, interrupted}.
    // o.stop is given the function that interrupts it.
    async _request(method, path, o) {
      const abort = new AbortController();
      const query = (o.query || []).map((pair) =>
        pair[0] + '=' + encodeURIComponent(pair[1])).join('&');
      const headers = {};
      let interrupted = false;
      let answer = null;
      let json = {};

      if (this._token)
        headers.Authorization = 'Bearer ' + this._token;
      if (o.body)
        headers['Content-Type'] = 'application/json';
      if (o.stop)
        o.stop(() => {
          interrupted = true;
          abort.abort();
        });
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
  }

  if (!inBrowser) {
    if (typeof module === 'object')
      module.exports = {PorchlightAgent, ago, backoff, fromPresence, identity,
        isOld, reduce, shown, span};
    return;
  }

  // ------------------------------------------------------------------ element

  // {time} is of Intl, in the language of the page; {count} is a number.
  const STRINGS = {
    online: 'Online',
    away: 'Away',
    offline: 'Offline',
    unknown: 'Reconnecting…',
    typing: 'Typing…',
    since: 'for {time}',
    devices: 'on {count} devices',
    seen: 'Last seen {time}',
    now: 'just now',
    WIDGET: 'Chat Widget',
    FACEBOOK: 'Facebook',
    INSTAGRAM: 'Instagram',
    WHATSAPP: 'WhatsApp'
  };
  const MINUTES_MS = 10000;     // between looks at "for 10 minutes"

  // The words are darker or lighter than the dot, by the colour of the text
  // around them: so they can be read on a bright page and on a dark one.
  const CSS = `
    :host {
      display: inline-grid;
      grid-template-columns: auto 1fr;
      column-gap: var(--porchlight-gap, 12px);
      align-items: center;
      --_online: var(--porchlight-online, #10b981);
      --_away: var(--porchlight-away, #f59e0b);
      --_offline: var(--porchlight-offline, #9ca3af);
      --_ring: var(--porchlight-ring, #fff);
      --_dot: var(--porchlight-dot, 12px);
    }
    :host([hidden]) { display: none; }
    .all { display: contents; }
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
      width: var(--_dot);
      height: var(--_dot);
      border: 2px solid var(--_ring);
      border-radius: 50%;
      background: var(--_ring);
      transition: background-color .3s, box-shadow .3s;
    }
    .dot, .word { display: none; }
    .word::before {
      content: "";
      display: none;
      box-sizing: border-box;
      width: .6em;
      height: .6em;
      margin-right: .35em;
      border-radius: 50%;
    }
    .say {
      position: absolute;
      width: 1px;
      height: 1px;
      overflow: hidden;
      clip-path: inset(50%);
      white-space: nowrap;
    }
    [data-status=offline] .more:not(:empty)::before { content: " • "; }
    [data-status=online] .dot { display: block; background: var(--_online); }
    [data-status=away] .dot {
      display: block;
      box-shadow: inset 0 0 0 3px var(--_away);
    }
    [data-status=unknown] .dot {
      display: block;
      box-shadow: inset 0 0 0 3px var(--_offline);
      animation: porchlight-wait 1.6s ease-in-out infinite;
    }
    [data-status=online] .word, [data-status=away] .word,
    [data-status=offline] .word, [data-status=unknown] .word {
      display: inline;
    }
    [data-status=online] .word {
      color: var(--porchlight-online-text,
        color-mix(in srgb, var(--_online) 50%, currentColor));
    }
    [data-status=away] .word {
      color: var(--porchlight-away-text,
        color-mix(in srgb, var(--_away) 50%, currentColor));
    }
    [data-status=offline] .word, [data-status=unknown] .word {
      color: var(--porchlight-offline-text,
        color-mix(in srgb, var(--_offline) 50%, currentColor));
    }
    [data-status=online] .word::before {
      display: inline-block;
      background: var(--_online);
    }
    [data-status=away] .word::before {
      display: inline-block;
      border: 2px solid var(--_away);
    }
    @keyframes porchlight-wait { 50% { opacity: .45; } }
    @media (prefers-reduced-motion: reduce) {
      .dot { transition: none; animation: none !important; }
    }
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

  // Text is set only where it is another: nothing is laid out anew for nothing.
  function write(element, text) {
    if (element.textContent !== text)
      element.textContent = text;
  }

  // Of the page. "en_US" is meant well; what is no language is the browser's.
  function languageOf(element) {
    const at = element.closest('[lang]');

    try {
      return Intl.getCanonicalLocales(at.lang.replace(/_/g, '-'))[0];
    } catch (e) {
      return undefined;
    }
  }

  /*
   * The avatar goes into the element, what stands above the line (the
   * customer's name) into its slot "name". With the attribute "live" a change
   * of status is read out by screen readers: for the one that is looked at,
   * not for those in a list. Minutes that pass are not read out.
   */
  class PorchlightStatus extends HTMLElement {
    constructor() {
      super();
      const root = this.attachShadow({mode: 'open'});

      this._agent = null;
      this._source = null;      // the client and the id that it now watches
      this._id = null;
      this._unwatch = null;
      this._presence = null;
      this._said = null;
      this._platform = part('platform');
      this._word = part('word');
      this._more = part('more');
      this._live = part('say');
      this._top = part('all', part('avatar', slot(''), part('dot')),
        part('name', slot('name')),
        part('line', this._platform, this._word, this._more), this._live);
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
      shownNow.add(this);
      keepTime();
      this._watch();
    }

    disconnectedCallback() {
      shownNow.delete(this);
      this._watch();
    }

    attributeChangedCallback(name, before, now) {
      if (name === 'conversation')
        this._watch();
      else if (now === null)
        this._live.removeAttribute('role');
      else
        this._live.setAttribute('role', 'status');
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
        this._unwatch = this._presence = this._said = null;
        this._show();
        if (agent && id)
          this._unwatch = agent.watch(id, (presence) => {
            this._presence = presence;
            this._show();
          });
      });
    }

    _show() {
      const p = this._presence;
      const status = p ? p.status : 'none';
      const strings = PorchlightStatus.strings;
      const word = strings[p && p.typing && p.isOnline &&
        status !== 'unknown' ? 'typing' : status] || '';
      const platform = p && p.platform
        ? strings[p.platform] || p.platform : '';

      this._top.dataset.status = status;
      // A dot only between two that are there.
      write(this._platform, platform && word ? platform + ' • ' : platform);
      write(this._word, word);
      write(this._more, p ? this._rest(p, status, strings) : '');
      if (this.getAttribute('status') !== status)
        this.setAttribute('status', status);
      // What it was at first is read with the rest of the page.
      if (p && this._said !== null && this._said !== word)
        write(this._live, word);
      if (p)
        this._said = word;
    }

    // " for 10 minutes on 2 devices", or "Last seen 5 minutes ago".
    _rest(p, status, strings) {
      const language = languageOf(this);
      const since = (time) => this._source.now() - Date.parse(time);
      let text = '';

      if (status === 'offline' && p.lastHeartbeat)
        return strings.seen.replace('{time}',
          ago(since(p.lastHeartbeat), language) || strings.now);
      if (status !== 'online' && status !== 'away')
        return '';
      if (p.onlineSince && !p.typing) {
        const time = span(since(p.onlineSince), language);
        text = time && ' ' + strings.since.replace('{time}', time);
      }
      if (p.devices > 1)
        text += ' ' + strings.devices.replace('{count}', p.devices);
      return text;
    }
  }

  // Elements may stand in the page before its script made the client.
  const shownNow = new Set();
  let chosen = null;
  let strings = STRINGS;
  let timekeeper = 0;

  Object.defineProperty(PorchlightAgent, 'default', {
    get: () => chosen,
    set: (agent) => {
      chosen = agent;
      shownNow.forEach((element) => element._watch());
    }
  });

  // Those that are not given stay in English.
  Object.defineProperty(PorchlightStatus, 'strings', {
    get: () => strings,
    set: (some) => {
      strings = Object.assign({}, STRINGS, some);
      shownNow.forEach((element) => element._show());
    }
  });

  // One timer for all elements, while there are any.
  function keepTime() {
    if (!timekeeper)
      timekeeper = setInterval(() => {
        if (!document.hidden)
          shownNow.forEach((element) => element._show());
        if (!shownNow.size) {
          clearInterval(timekeeper);
          timekeeper = 0;
        }
      }, MINUTES_MS);
  }
  document.addEventListener('visibilitychange', () =>
    document.hidden || shownNow.forEach((element) => element._show()));

  window.PorchlightAgent = PorchlightAgent;
  window.PorchlightStatus = PorchlightStatus;
  customElements.define('porchlight-status', PorchlightStatus);
})();
