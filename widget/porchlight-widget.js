/*
 * Porchlight widget: tells the server that this page's customer is here.
 *
 *   <script src="…/porchlight-widget.js" data-site-key="KEY" async></script>
 *
 * At most 3 kB gzipped. README.md has the reasons.
 */
(function () {
  'use strict';

  if (typeof document === 'undefined') {
    // The worker of watch().
    let alarm;

    onmessage = ({data}) => {
      clearTimeout(alarm);
      alarm = setTimeout(postMessage, data, 0);
    };
    return;
  }
  if (window.Porchlight)
    return;

  const script = document.currentScript || {src: '', dataset: {}};
  const settings = script.dataset;
  const {siteKey = ''} = settings;
  const storeKey = 'porchlight:' + siteKey;
  const state = {
    siteKey,
    endpoint: settings.endpoint || 'api',
    // Not stored: a duplicated tab copies all storage.
    tabId: crypto.getRandomValues(new Uint32Array(4)).join('-'),
    seq: 0,
    status: 'offline',
    heartbeatIntervalMs: 3e4,
    leaseMs: 6e4
  };

  let conversation = {};
  let gone = false;     // frozen, or in the back/forward cache
  let leaseEnd = 0;
  let typedUntil = 0;
  let timer, worker;

  // The stored conversation; a new one is stored first.
  function stored(value) {
    try {
      if (value)
        localStorage[storeKey] = JSON.stringify(value);
      return JSON.parse(localStorage[storeKey]) || {};
    } catch (e) {
      return value || {};
    }
  }

  function tell(words, name, detail) {
    const {conversationId} = conversation;

    try {
      if (localStorage.widget_debug === 'true')
        console.log(words, conversationId || '');
    } catch (e) {
      // No storage.
    }
    document.dispatchEvent(new CustomEvent('porchlight:' + name,
      {detail: Object.assign({conversationId}, detail)}));
  }

  function address(path) {
    return new URL(state.endpoint.replace(/\/?$/, '/widget/' + path),
      script.src || document.baseURI);
  }

  // As text/plain: no preflight.
  async function request(path, body) {
    if (window.fetch && window.AbortSignal && AbortSignal.timeout) {
      const r = await fetch(address(path), {method: 'POST', body,
        keepalive: true, signal: AbortSignal.timeout(1e4)});
      return [r.status, await r.text(), r.headers.get('Retry-After')];
    }

    const xhr = new XMLHttpRequest();
    xhr.open('POST', address(path));
    xhr.timeout = 1e4;
    xhr.send(body);
    await new Promise((done) => {
      xhr.onloadend = done;
    });
    return [xhr.status, xhr.responseText, xhr.getResponseHeader('Retry-After')];
  }

  async function post(path, body) {
    try {
      const [code, text, wait] = await request(path, JSON.stringify(body));

      // No JSON: a hotspot answered.
      return Object.assign(JSON.parse(text), {code, retryAfterMs: wait * 1000});
    } catch (e) {
      return {error: 'network'};
    }
  }

  function failed({error, code = 0}) {
    tell('⚠️ ' + error, 'error', {error, status: code});
  }

  function message(extra) {
    return Object.assign({tabId: state.tabId, seq: ++state.seq,
      visibility: document.visibilityState}, conversation, extra,
    settings.page === 'true' && {title: document.title.slice(0, 200),
      url: location.href.slice(0, 1000)});
  }

  // 80 to 93 % of the interval; failed: 1, 2, 4, 8, 8, 8 s.
  function rearm() {
    const random = Math.random();
    let ms = document.hidden ? state.leaseMs / 3
      : Math.min(state.heartbeatIntervalMs, state.leaseMs / 2);

    ms *= 0.8 + 0.13 * random;
    if (state.retryAfterMs > 0)
      ms = state.retryAfterMs * (1 + random / 5);
    else if (state.failures && state.failures < 7)
      ms = Math.min(ms, 500 << state.failures, 8e3);
    ms = Math.min(Math.max(ms, 250), 36e5);
    timer = setTimeout(beat, worker ? ms * 1.1 : ms);
    if (worker)
      worker.postMessage(ms);
  }

  // A hidden page's timers are slow: a worker's come first.
  function watch(hidden) {
    if (worker)
      worker = worker.terminate();
    if (hidden && settings.worker !== 'false' &&
        script.src.startsWith(location.origin + '/'))
      try {
        worker = new Worker(script.src);
        worker.onmessage = beat;
      } catch (e) {
        // Not here.
      }
  }

  // Only the answer to what was sent last counts.
  async function send(path, extra) {
    const body = message(extra);

    clearTimeout(timer);
    const answer = await post(path, body);
    if (body.seq !== state.seq)
      return;
    if (answer.ok) {
      const came = state.status === 'offline';

      Object.assign(state, answer, {failures: 0});
      leaseEnd = performance.now() + state.leaseMs;
      rearm();
      if (came)
        tell('🟢 Customer came online:', 'online', {status: state.status});
      else
        tell('💓 Customer heartbeat:', 'heartbeat');
      return;
    }
    if (answer.error === 'forbidden') {
      // It is no more: back to the form, or to another that a listener has.
      if (stored().sessionId === conversation.sessionId)
        stored({});
      rest();
      if (body.sessionId === conversation.sessionId)
        conversation = {};
    } else {
      state.failures++;
      state.retryAfterMs = answer.retryAfterMs;
      rearm();
      if (performance.now() >= leaseEnd)
        over('⏰ Customer heartbeat timeout:', 'lost');
    }
    failed(answer);
  }

  function beat() {
    send(state.status === 'offline' ? 'online' : 'heartbeat');
  }

  // Says at once what changed.
  function hurry() {
    if (conversation.sessionId && !document.prerendering) {
      state.failures = state.retryAfterMs = 0;
      watch(document.hidden);
      beat();
    }
  }

  function over(words, reason) {
    if (state.status !== 'offline') {
      state.status = 'offline';
      tell(words, 'offline', {reason});
    }
  }

  function rest() {
    clearTimeout(timer);
    watch();
    over('🔴 Customer went offline:', 'left');
  }

  function leave() {
    rest();
    if (!conversation.sessionId)
      return;
    const body = message();

    try {
      if (navigator.sendBeacon(address('offline'), JSON.stringify(body)))
        return;
    } catch (e) {
      // Not there, or blocked.
    }
    post('offline', body);
  }

  function onEvent({type, key}) {
    const back = type === 'pageshow' || type === 'resume';

    if (type === 'storage') {
      // The form was filled in in another tab.
      if (key === storeKey && !conversation.sessionId)
        begin();
    } else if (type === 'pagehide' || type === 'freeze') {
      if (!gone)
        leave();
      gone = true;
    } else if (gone === back) {
      gone = false;
      hurry();
    }
  }

  function listen(how) {
    for (const type of ['visibilitychange', 'prerenderingchange', 'pagehide',
      'pageshow', 'freeze', 'resume', 'online', 'storage'])
      window[how + 'EventListener'](type, onEvent, true);
  }

  function destroy() {
    leave();
    conversation = {};
    listen('remove');
  }

  function connect(o) {
    const {conversationId, sessionId, endpoint = state.endpoint} = o || {};

    if (!conversationId || !sessionId)
      return failed({error: 'bad_request'});
    destroy();
    state.endpoint = endpoint;
    conversation = {conversationId, sessionId};
    listen('add');
    hurry();
  }

  async function start(form) {
    const answer = await post('conversations', Object.assign({siteKey}, form));
    const {conversationId, sessionId} = answer;

    if (sessionId)
      connect(stored({conversationId, sessionId}));
    else
      failed(answer);
    return !!sessionId;
  }

  function typing(on = true) {
    const now = performance.now();

    // Each 3 s at most; it wears off after 6.
    if (conversation.sessionId && !gone &&
        (on ? now > typedUntil : typedUntil)) {
      typedUntil = on && now + 3000;
      send('typing', {typing: !!on});
    }
  }

  function begin() {
    const found = settings.sessionId ? settings : stored();

    if (found.sessionId)
      connect(found);
  }

  window.Porchlight = {start, connect, typing, destroy, status: () =>
    Object.assign({conversationId: conversation.conversationId}, state)};

  listen('add');
  begin();
})();
