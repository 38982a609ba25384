/*
 * The demo shop's chat: a bubble, the first form, a conversation.
 *
 * Messages stay in this tab (sessionStorage) and go nowhere: Porchlight is
 * about presence only, and what a host application does with words is its own
 * business. The page shows how one uses the widget: window.Porchlight and the
 * porchlight:… events, nothing else.
 *
 * The address carries the site key, ?site=KEY. A shop with a form of its own
 * is shown by ?conversation=ID&session=ID, which connects without the form.
 */
(function () {
  'use strict';

  const query = new URLSearchParams(location.search);
  const remembered = (name) => {
    const value = query.get(name) || sessionStorage.getItem(name);
    if (value)
      sessionStorage.setItem(name, value);
    return value || '';
  };
  const site = remembered('site');
  const conversationId = remembered('conversation');
  const sessionId = remembered('session');
  let lines = JSON.parse(sessionStorage.getItem('lines') || '[]');
  const ui = {};

  function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    Object.keys(attributes).forEach(
      (name) => made.setAttribute(name, attributes[name]));
    made.append(...children);
    return made;
  }

  function icon() {
    const ns = 'http://www.w3.org/2000/svg';
    const svg = document.createElementNS(ns, 'svg');
    const path = document.createElementNS(ns, 'path');

    svg.setAttribute('viewBox', '0 0 24 24');
    svg.setAttribute('aria-hidden', 'true');
    path.setAttribute('fill', 'currentColor');
    path.setAttribute('d', 'M4 3h16a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2H9l-5 4v-4' +
      'a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z');
    svg.append(path);
    return svg;
  }

  function build() {
    ui.bubble = element('button', {class: 'bubble', type: 'button',
      'aria-label': 'Chat with us', 'aria-expanded': 'false'}, icon());
    ui.state = element('p', {id: 'chat-state', role: 'status'});
    ui.close = element('button',
      {class: 'close', type: 'button', 'aria-label': 'Close the chat'}, '×');
    ui.name = element('input',
      {name: 'name', autocomplete: 'name', required: '', maxlength: '100'});
    ui.email = element('input', {name: 'email', type: 'email',
      autocomplete: 'email', required: '', maxlength: '200'});
    ui.trouble = element('p', {class: 'trouble', role: 'alert', hidden: ''});
    ui.send = element('button', {type: 'submit'}, 'Start chat');
    ui.first = element('form', {class: 'first'},
      element('p', {}, 'Hello! Tell us who you are, and ask away.'),
      element('label', {}, 'Name', ui.name),
      element('label', {}, 'Email', ui.email), ui.trouble, ui.send);
    ui.messages = element('ul', {class: 'messages', 'aria-live': 'polite'});
    ui.text = element('input', {name: 'text', autocomplete: 'off',
      placeholder: 'Write a message', 'aria-label': 'Message'});
    ui.say = element('form', {class: 'say'}, ui.text,
      element('button', {type: 'submit'}, 'Send'));
    ui.chat = element('section',
      {class: 'chat', 'aria-label': 'Chat', hidden: ''},
      element('header', {},
        element('div', {}, element('h2', {}, 'Duskwright'), ui.state),
        ui.close),
      ui.first, ui.messages, ui.say);
    document.body.append(ui.chat, ui.bubble);

    ui.bubble.addEventListener('click', () => open(ui.chat.hidden));
    ui.close.addEventListener('click', close);
    ui.chat.addEventListener('keydown', (event) => {
      if (event.key === 'Escape')
        close();
    });
    ui.first.addEventListener('submit', onForm);
    ui.say.addEventListener('submit', onSay);
    ui.text.addEventListener('input',
      () => window.Porchlight.typing(ui.text.value !== ''));
  }

  function open(is) {
    ui.chat.hidden = !is;
    ui.bubble.setAttribute('aria-expanded', String(is));
    sessionStorage.setItem('open', is ? '1' : '');
    if (is)
      (ui.first.hidden ? ui.text : ui.name).focus();
  }

  // Who has no mouse goes on from the bubble.
  function close() {
    open(false);
    ui.bubble.focus();
  }

  // The form, or the conversation if there is one.
  function show() {
    const known = window.Porchlight &&
      window.Porchlight.status().conversationId;

    ui.first.hidden = !!known;
    ui.messages.hidden = ui.say.hidden = !known;
    ui.messages.replaceChildren(
      element('li', {}, 'Hello! How can we light up your evening?'),
      ...lines.map((line) => element('li', {class: 'mine'}, line)));
    if (lines.length)
      ui.messages.append(element('li', {class: 'note'}, 'Nobody answers in this ' +
        'demo. But the dashboard shows that you are here, and when you type.'));
    ui.messages.scrollTop = ui.messages.scrollHeight;
  }

  function state(text, live = false) {
    ui.state.textContent = text;
    ui.state.classList.toggle('live', live);
  }

  async function onForm(event) {
    const focused = document.activeElement;

    event.preventDefault();
    ui.trouble.hidden = true;
    ui.send.disabled = true;  // and without the focus
    const started = await window.Porchlight.start(
      {name: ui.name.value.trim(), email: ui.email.value.trim()});
    ui.send.disabled = false;
    if (!started) {
      ui.trouble.textContent = 'That did not work. Please try again.';
      ui.trouble.hidden = false;
      focused.focus();
      return;
    }
    lines = [];
    show();
    ui.text.focus();
  }

  function onSay(event) {
    const text = ui.text.value.trim();

    event.preventDefault();
    if (!text)
      return;
    lines = lines.concat(text).slice(-50);
    sessionStorage.setItem('lines', JSON.stringify(lines));
    ui.text.value = '';
    window.Porchlight.typing(false);
    show();
  }

  // A shop puts the tag into its page as it stands. The demo must not: its
  // site key is made anew with each database.
  function addWidget() {
    const script = element('script',
      {src: '../porchlight-widget.js', 'data-site-key': site});

    script.addEventListener('load', () => {
      if (conversationId && sessionId)
        window.Porchlight.connect({conversationId, sessionId});
      show();
      // On a phone the chat hides the page, which was just asked for.
      if (sessionStorage.getItem('open') &&
          matchMedia('(min-width: 30.01rem)').matches)
        open(true);
    });
    document.head.append(script);
  }

  document.addEventListener('porchlight:online', () => {
    state('You are connected', true);
    show();
  });
  document.addEventListener('porchlight:offline', (event) => {
    state(event.detail.reason === 'lost' ? 'Reconnecting…' : '');
  });
  document.addEventListener('porchlight:error', (event) => {
    if (event.detail.error === 'forbidden')
      show();
  });

  build();
  document.getElementById('no-site').hidden = !!(site || conversationId);
  // So that a lamp that is opened in a new tab has the key too.
  document.querySelectorAll('a[href^="shop"]').forEach((link) => {
    if (site)
      link.search = '?site=' + encodeURIComponent(site);
  });
  addWidget();
})();
