/*
 * Porchlight widget: tells the server that this page's customer is here.
 *
 *   <script src="…/porchlight-widget.js" data-site-key="KEY" async></script>
 *
 * Calls and events: README.md in this folder. This is the file that browsers
 * load, so it stays below 3 kB gzipped. It must not disturb its page: nothing
 * is thrown, nor logged unless localStorage.widget_debug is 'true'.
 */
(function () {
  'use strict';

  /*
   * Time until the next beat; random is in [0, 1). Visible: 80 to 93 % of the
   * interval, so that a lost beat can be repeated within the lease. Hidden: a
   * third of the lease, of 150 s, as timers then run but once a minute.
   */
  function nextDelay(s, random) {
    const base = s.hidden ? s.leaseMs / 3
      : Math.min(s.intervalMs, s.leaseMs / 2);
    // Whatever the server said: no busy loop, no overflow.
    const normal = Math.min(Math.max(base * (0.8 + 0.13 * random), 250), 36e5);

    if (!s.failures)
      return normal;
    // Spread, or all who were sent away return at once.
    if (s.retryAfterMs > 0)
      return Math.min(s.retryAfterMs * (1 + 0.2 * random), 36e5);
    // After 1, 2, 4, 8 s, then as ever.
    return s.failures > 4 ? normal : Math.min(normal, 500 << s.failures);
  }

  if (typeof document === 'undefined') {
    if (typeof module === 'object')
      module.exports = {nextDelay};
    return;
  }
  if (window.Porchlight)
    return;

  const script = document.currentScript || {};
  const {siteKey = '', endpoint: ownEndpoint} = script.dataset || {};
  const storeKey = 'porchlight:' + siteKey;
  // In memory only: a duplicated tab copies all storage.
  const tabId = crypto.getRandomValues(new Uint32Array(4)).join('-');

  let endpoint = resolve(ownEndpoint);
  let conversation = null;      // {conversationId, sessionId}
  let memory = null;            // where localStorage is forbidden
  let seq = 0;
  let opened = false;           // the server has taken our 'online'
  let gone = false;             // between pagehide and pageshow
  let online = false;           // as told by the last event
  let status = 'offline';
  let timing = {intervalMs: 30000, leaseMs: 60000, failures: 0};
  let leaseEnd = 0;
  let typedAt = 0;
  let starting = false;
  let timer;

  function resolve(url) {
    try {
      return new URL(url || 'api/', script.src || location).href
        .replace(/\/?$/, '/widget/');
    } catch (e) {
      return url;
    }
  }

  function emit(name, detail) {
    try {
      if (localStorage.widget_debug === 'true')
        console.log('porchlight:' + name, detail);
    } catch (e) {
      // No storage, so nobody asked for a log.
    }
    document.dispatchEvent(new CustomEvent('porchlight:' + name, {detail}));
  }

  function load() {
    try {
      return JSON.parse(localStorage.getItem(storeKey)) || memory;
    } catch (e) {
      return memory;
    }
  }

  function save(value) {
    memory = value;
    try {
      localStorage.setItem(storeKey, JSON.stringify(value));
    } catch (e) {
      // Forbidden: memory must do.
    }
  }

  // A string body goes as text/plain: across origins without a preflight.
  async function post(path, body) {
    const answer = await fetch(endpoint + path,
      {method: 'POST', body: JSON.stringify(body), keepalive: true});
    const json = await answer.json().catch(() => ({}));

    if (answer.ok)
      return json;
    throw {
      status: answer.status,
      error: json.error,
      retryAfterMs: answer.headers.get('Retry-After') * 1000
    };
  }

  function message(extra) {
    return Object.assign({tabId, seq: ++seq,
      visibility: document.visibilityState}, conversation, extra);
  }

  function arm(then, ms) {
    clearTimeout(timer);
    timer = setTimeout(then, ms);
  }

  function rearm() {
    timing.hidden = document.hidden;
    arm(beat, nextDelay(timing, Math.random()));
  }

  // What is sent last owns the timer: an answer to anything older is let go.
  async function send(path, extra) {
    const body = message(extra);

    arm(() => failed(body.seq, {error: 'timeout'}), 10000);
    try {
      const answer = await post(path, body);
      if (body.seq === seq)
        taken(answer);
    } catch (e) {
      failed(body.seq, e);
    }
  }

  function beat() {
    if (conversation && !gone)
      send(opened ? 'heartbeat' : 'online');
  }

  function taken(answer) {
    timing = {
      intervalMs: answer.heartbeatIntervalMs || timing.intervalMs,
      leaseMs: answer.leaseMs || timing.leaseMs,
      failures: 0
    };
    leaseEnd = Date.now() + timing.leaseMs;
    opened = true;
    status = answer.status;
    rearm();
    if (!online) {
      online = true;
      emit('online', {conversationId: conversation.conversationId, status});
    }
  }

  function failed(which, why) {
    if (which !== seq)
      return;
    if (why.status === 403) {
      // The conversation was deleted: back to the form.
      if ((load() || {}).conversationId === conversation.conversationId)
        save(null);
      stop();
    } else {
      timing.failures++;
      timing.retryAfterMs = why.retryAfterMs;
      rearm();
      if (Date.now() >= leaseEnd)
        lost('lost');
    }
    report(why);
  }

  function report(why) {
    emit('error', {error: why.error || 'network', status: why.status || 0});
  }

  function lost(reason) {
    status = 'offline';
    if (online) {
      online = false;
      emit('offline', {conversationId: conversation.conversationId, reason});
    }
  }

  // Only a beacon is sure to be sent while a page goes away.
  function leave() {
    const url = endpoint + 'offline';
    const body = JSON.stringify(message());

    clearTimeout(timer);
    opened = false;
    try {
      if (navigator.sendBeacon(url, body))
        return;
    } catch (e) {
      // Not there, or blocked.
    }
    fetch(url, {method: 'POST', body, keepalive: true}).catch(() => {});
  }

  function onPagehide() {
    gone = true;
    leave();
    lost('left');
  }

  // Back from the back/forward cache, with the same tabId.
  function onPageshow(event) {
    gone = false;
    if (event.persisted)
      beat();
  }

  // Visibility changed, or the network is back: say so at once.
  function onChange() {
    timing.failures = 0;
    beat();
  }

  function listen(how) {
    const on = how + 'EventListener';

    document[on]('visibilitychange', onChange);
    window[on]('online', onChange);
    // Not unload: it would keep the page out of the back/forward cache.
    window[on]('pagehide', onPagehide);
    window[on]('pageshow', onPageshow);
  }

  function stop() {
    clearTimeout(timer);
    listen('remove');
    seq++;      // lets go of what is still in flight
    lost('left');
    conversation = null;
    opened = false;
  }

  function destroy() {
    if (conversation) {
      leave();
      stop();
    }
  }

  function connect(o) {
    const {conversationId, sessionId, endpoint: url} = o || {};

    if (!conversationId || !sessionId)
      return report({error: 'bad_request'});
    destroy();
    if (url)
      endpoint = resolve(url);
    conversation = {conversationId, sessionId};
    timing.failures = leaseEnd = 0;
    listen('add');
    beat();
  }

  async function start(form) {
    const {name, email} = form || {};

    if (starting)
      return false;
    starting = true;
    try {
      const {conversationId, sessionId} =
        await post('conversations', {siteKey, name, email});
      save({conversationId, sessionId});
      connect({conversationId, sessionId});
      return true;
    } catch (e) {
      report(e);
      return false;
    } finally {
      starting = false;
    }
  }

  function typing(on) {
    const now = on === false ? 0 : Date.now();

    // At each key: sent twice in the 6 s after which it wears off.
    if (!conversation || gone || (now ? now - typedAt < 3000 : !typedAt))
      return;
    typedAt = now;
    send('typing', {typing: now > 0});
  }

  window.Porchlight = {
    start,
    connect,
    typing,
    destroy,
    status: () => Object.assign({tabId, seq, status, endpoint, siteKey,
      conversationId: conversation && conversation.conversationId}, timing)
  };

  if (siteKey && load())
    connect(load());
})();
