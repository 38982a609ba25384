/*
 * The demo dashboard: who is here, by PorchlightAgent and <porchlight-status>.
 *
 * It lists the demo's three conversations and every other one that comes
 * online. The address may carry the agent's token, #token=…: it is swapped for
 * the session cookie and taken out of the address at once, so that it is
 * neither bookmarked nor shown to who looks over the agent's shoulder.
 */
(function () {
  'use strict';

  const DEMO = [
    {id: 'conv_123', name: 'John Doe'},
    {id: 'conv_facebook', name: 'Facebook customer'},
    {id: 'conv_instagram', name: 'Instagram customer'}
  ];
  const WORDS = {online: 'Online', away: 'Away', offline: 'Offline',
    unknown: 'Connection lost'};
  const RANK = {online: 0, away: 1, offline: 2, none: 3};
  const TROUBLE = {401: 'This token is not, or no longer, good.',
    429: 'These were many tries. Please wait a little.'};
  const MOVES = 8;
  const GONE = 50;              // rows of who has left

  const $ = (id) => document.getElementById(id);
  const agent = new window.PorchlightAgent();
  const rows = new Map();       // id to its row, see addRow()
  let chosen = null;
  let cutTimer;

  window.PorchlightAgent.default = agent;

  function initials(name) {
    return name.split(/[\s._-]+/).filter(Boolean).slice(0, 2)
      .map((word) => word[0].toUpperCase()).join('');
  }

  function paint(avatar, id, name) {
    const sum = Array.from(id).reduce((n, c) => n + c.charCodeAt(0), 0);

    avatar.className = 'avatar hue-' + sum % 6;
    avatar.textContent = initials(name);
  }

  function addRow(id, name) {
    const item = document.createElement('li');
    const row = {id, item, name, rank: 4, seen: '', status: null, moves: []};

    item.innerHTML = '<button class="row" type="button"><porchlight-status>' +
      '<span></span><span class="name" slot="name"></span>' +
      '</porchlight-status></button>';
    item.querySelector('porchlight-status').setAttribute('conversation', id);
    item.firstChild.addEventListener('click', () => {
      choose(id);
      if (!item.offsetParent)   // on a phone, where it takes the list's place
        $('back').focus();
    });
    item.dataset.conversation = id;
    $('list').append(item);
    rows.set(id, row);
    rename(id, name);
    row.unwatch = agent.watch(id, onPresence);
  }

  function removeRow(row) {
    row.unwatch();
    row.item.remove();
    rows.delete(row.id);
  }

  function rename(id, name) {
    const row = rows.get(id);

    row.name = name;
    row.item.querySelector('.name').textContent = name;
    paint(row.item.querySelector('porchlight-status > span'), id, name);
    if (id === chosen)
      showHead();
  }

  function onPresence(view, event) {
    const id = view.conversationId;
    const row = rows.get(id);

    row.item.hidden = !!view.forbidden;
    row.seen = view.lastHeartbeat || '';
    if (view.name && view.name !== row.name)
      rename(id, view.name);
    if (view.status === row.status)
      return;
    note(row, view, event);
    row.status = view.status;
    // Cut off, everybody stays where he was: nobody moved.
    if (view.status in RANK) {
      row.rank = RANK[view.status];
      sort();
      count();
    }
    if (id === chosen)
      showMoves();
  }

  // A line in the story of this conversation, dated as the server dates it.
  // The first look knows since when he is here, or when he was last seen.
  function note(row, view, event) {
    const first = !row.status;
    const seen = view.status === 'online' ? view.onlineSince
      : view.lastHeartbeat;

    if (!WORDS[view.status] || (first && !seen))
      return;
    row.moves.push({
      status: view.status,
      word: first && view.status === 'offline' ? 'Last seen'
        : WORDS[view.status],
      time: first ? seen : event ? event.timestamp
        : new Date(agent.now()).toISOString(),
      reason: event && event.reason
    });
    row.moves = row.moves.slice(-MOVES);
  }

  // Who is here comes first, by name; who has left comes last, the latest
  // first, and is forgotten when there are many.
  function sort() {
    const sorted = Array.from(rows.values()).sort((a, b) =>
      a.rank - b.rank ||
      (a.rank === RANK.offline && b.seen.localeCompare(a.seen)) ||
      a.name.localeCompare(b.name));
    const list = $('list');
    const focused = document.activeElement;

    sorted.filter((row) => row.rank === RANK.offline && row.id !== chosen &&
      !DEMO.some((known) => known.id === row.id)).slice(GONE)
      .forEach(removeRow);
    sorted.filter((row) => rows.has(row.id)).forEach((row, i) => {
      if (list.children[i] !== row.item)
        list.insertBefore(row.item, list.children[i] || null);
    });
    // What is moved loses the focus.
    if (list.contains(focused) && focused !== document.activeElement)
      focused.focus({preventScroll: true});
  }

  function count() {
    const here = (rank) => Array.from(rows.values())
      .filter((row) => row.rank === rank).length;
    const online = here(RANK.online);
    const away = here(RANK.away);

    $('count').textContent = (online ? online + ' here' : 'Nobody is here') +
      (away ? ', ' + away + ' away' : '');
    document.title = (online ? '(' + online + ') ' : '') +
      'Conversations, Porchlight demo';
  }

  function choose(id) {
    chosen = id;
    rows.forEach((row, other) => row.item.firstChild.setAttribute(
      'aria-current', String(other === id)));
    $('desk').classList.toggle('chosen', !!id);
    $('none').hidden = !!id;
    $('head').hidden = $('talk').hidden = !id;
    $('moves').hidden = true;
    if (!id)
      return;
    $('who').setAttribute('conversation', id);
    showHead();
    showMoves();
  }

  function showHead() {
    const row = rows.get(chosen);

    $('who-name').textContent = row.name;
    paint($('who-avatar'), chosen, row.name);
  }

  function showMoves() {
    const moves = rows.get(chosen).moves;

    $('moves').hidden = !moves.length;
    $('log').replaceChildren(...moves.map((move) => {
      const item = document.createElement('li');
      const time = document.createElement('time');

      time.dateTime = move.time;
      time.textContent = new Date(move.time).toLocaleTimeString();
      item.className = move.status;
      item.append(move.word,
        move.reason === 'timeout' ? ' (fell silent) ' : ' ', time);
      return item;
    }));
  }

  function showDesk(is) {
    $('desk').hidden = !is;
    $('sign-in').hidden = is;
    if (!is)
      $('token').focus();
  }

  async function signIn(token) {
    const trouble = $('sign-in-trouble');

    trouble.hidden = true;
    try {
      await agent.signIn(token);
      showDesk(true);
    } catch (e) {
      trouble.textContent = TROUBLE[e.status] ||
        'The server cannot be reached. Please try again.';
      trouble.hidden = false;
      showDesk(false);
    }
  }

  function follow() {
    DEMO.forEach((known) => addRow(known.id, known.name));
    agent.all((view) => {
      if (!rows.has(view.conversationId))
        addRow(view.conversationId, view.name || 'A visitor');
    });
    // There is room for both beside each other: open the first.
    if (matchMedia('(min-width: 46rem)').matches)
      choose(DEMO[0].id);
  }

  agent.addEventListener('unauthenticated', () => showDesk(false));
  agent.addEventListener('state', (event) => {
    const lost = event.detail.state === 'lost';

    clearTimeout(cutTimer);
    if (lost)   // a short break is not worth a word
      cutTimer = setTimeout(() => { $('cut').hidden = false; }, 5000);
    else
      $('cut').hidden = true;
  });
  $('sign-in').addEventListener('submit', (event) => {
    event.preventDefault();
    signIn($('token').value.trim());
  });
  $('sign-out').addEventListener('click', () => {
    $('stuck').hidden = true;
    agent.signOut().catch(() => { $('stuck').hidden = false; });
  });
  $('back').addEventListener('click', () => {
    const row = rows.get(chosen);

    choose(null);
    row.item.firstChild.focus();
  });

  (async () => {
    const token = new URLSearchParams(location.hash.slice(1)).get('token');

    if (token) {
      history.replaceState(null, '', location.pathname + location.search);
      await signIn(token);
    } else {
      showDesk(true);
    }
    follow();
  })();
})();
