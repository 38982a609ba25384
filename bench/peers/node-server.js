// The Node server that is measured: Porchlight's HTTP contract, as far as it is
// measured, on node:http and better-sqlite3, in one process.
//
//   POST /api/conversations      the host application makes a conversation
//   POST /api/widget/heartbeat   a customer's beat
//   GET /api/widget/presence     is a conversation online?
//   GET /api/widget/events       long poll: what happened after the cursor
//
// A beat is one transaction. It writes its tab's row, with the next number of
// the stream; who comes and who goes has a row in the table of changes too. The
// polls that wait are woken in the same process. WAL and statements that are
// prepared once, as better-sqlite3's README and its docs/performance.md say;
// synchronous NORMAL, its own default under WAL.

'use strict';

const crypto = require('node:crypto');
const http = require('node:http');
const path = require('node:path');
const Database = require('better-sqlite3');

const { PORT, DIR, API_KEY, AGENT_TOKEN } = process.env;
const WINDOW_MS = Number(process.env.WINDOW_MS || 60000);
const SWEEP_MS = 1000;
const LONGEST_POLL_S = 55;

const db = new Database(path.join(DIR, 'presence.db'));
db.pragma('journal_mode = WAL');
db.pragma('synchronous = NORMAL');
db.exec(`
  CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    conversation_id TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE tabs (
    session_id TEXT NOT NULL,
    tab_id TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    last_beat INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (session_id, tab_id)
  ) WITHOUT ROWID;
  CREATE INDEX tabs_by_conversation ON tabs (conversation_id);
  CREATE TABLE changes (
    seq INTEGER PRIMARY KEY,
    event TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    at INTEGER NOT NULL
  );
  CREATE INDEX changes_by_conversation ON changes (conversation_id, seq);
`);

const sql = {
  addSession: db.prepare('INSERT INTO sessions VALUES (:session, :conversation)'),
  mayBeat: db.prepare('SELECT 1 FROM sessions WHERE id = :session AND conversation_id = :conversation'),
  beatAgain: db.prepare(`
    UPDATE tabs SET last_beat = :now, seq = :seq
    WHERE session_id = :session AND tab_id = :tab AND last_beat > :end`),
  isLive: db.prepare('SELECT 1 FROM tabs WHERE session_id = :session AND last_beat > :end'),
  addTab: db.prepare(`
    INSERT OR REPLACE INTO tabs VALUES (:session, :tab, :conversation, :now, :seq)`),
  addChange: db.prepare('INSERT INTO changes VALUES (:seq, :event, :conversation, :session, :now)'),
  dropTabs: db.prepare(`
    DELETE FROM tabs WHERE last_beat <= :end
    RETURNING session_id AS session, conversation_id AS conversation`),
  presence: db.prepare(`
    SELECT count(*) AS tabs, max(last_beat) AS last FROM tabs
    WHERE conversation_id = :conversation AND last_beat > :end`),
  events: db.prepare(`
    SELECT seq, event, session_id AS session, at FROM changes
    WHERE conversation_id = :conversation AND seq > :cursor
    UNION ALL
    SELECT seq, 'customer:heartbeat', session_id, last_beat FROM tabs
    WHERE conversation_id = :conversation AND seq > :cursor
      AND seq NOT IN (SELECT seq FROM changes)
    ORDER BY 1 LIMIT 500`),
  online: db.prepare('SELECT count(DISTINCT conversation_id) FROM tabs WHERE last_beat > :end').pluck(),
};

const waiting = new Map(); // conversation → the polls that wait for it
let seq = 0;

const time = (ms) => (ms ? new Date(ms).toISOString() : null);

// --- the customer ---

/** False if the session is not the conversation's. */
const beat = db.transaction((who, now) => {
  const row = { ...who, now, end: now - WINDOW_MS, seq: ++seq };
  if (!sql.mayBeat.get(row))
    return false;
  if (sql.beatAgain.run(row).changes > 0)
    return true;
  if (!sql.isLive.get(row))
    sql.addChange.run({ ...row, event: 'customer:online' });
  sql.addTab.run(row);
  return true;
});

/** Ends what has been silent for too long; gives whose it was. */
const expire = db.transaction((now) => {
  const end = now - WINDOW_MS;
  const gone = new Map(sql.dropTabs.all({ end }).map((tab) => [tab.session, tab.conversation]));
  for (const [session, conversation] of gone)
    if (!sql.isLive.get({ session, end }))
      sql.addChange.run({ seq: ++seq, event: 'customer:offline', conversation, session, now });
  return new Set(gone.values());
});

function heartbeat(req, res, text) {
  const { conversationId, sessionId, tabId } = JSON.parse(text);
  const now = Date.now();
  if (!beat({ conversation: conversationId, session: sessionId, tab: tabId }, now)) {
    answer(res, 403, { error: 'forbidden' });
    return;
  }
  answer(res, 200, { ok: true, status: 'online', leaseMs: WINDOW_MS, heartbeatIntervalMs: 30000, serverTime: time(now) });
  wake(conversationId);
}

// --- the agent ---

function presence(req, res, query) {
  const conversation = query.get('conversationId');
  const now = Date.now();
  const { tabs, last } = sql.presence.get({ conversation, end: now - WINDOW_MS });
  answer(res, 200, {
    conversationId: conversation, isOnline: tabs > 0, status: tabs > 0 ? 'online' : 'offline',
    lastHeartbeat: time(last), socketsInRoom: tabs, serverTime: time(now), cursor: String(seq),
  });
}

/** What happened to a conversation after the cursor, as an answer; null: nothing. */
function news(conversation, cursor) {
  const rows = sql.events.all({ conversation, cursor });
  if (rows.length === 0)
    return null;
  const now = Date.now();
  const { tabs } = sql.presence.get({ conversation, end: now - WINDOW_MS });
  return JSON.stringify({
    cursor: String(rows.at(-1).seq), serverTime: time(now),
    events: rows.map(({ event, session, at }) => ({
      event, conversationId: conversation, sessionId: session, timestamp: time(at),
      isOnline: tabs > 0, status: tabs > 0 ? 'online' : 'offline', connections: tabs,
    })),
  });
}

function events(req, res, query) {
  const conversation = query.get('conversationId');
  const cursor = Number(query.get('cursor') ?? seq);
  const text = news(conversation, cursor);
  if (text !== null)
    send(res, 200, text);
  else
    park(res, conversation, cursor, Math.min(Number(query.get('timeout') ?? 20), LONGEST_POLL_S));
}

function park(res, conversation, cursor, seconds) {
  const poll = { res, cursor };
  const polls = waiting.get(conversation) ?? new Set();
  waiting.set(conversation, polls.add(poll));
  poll.timer = setTimeout(() => {
    polls.delete(poll);
    answer(res, 200, { cursor: String(cursor), serverTime: time(Date.now()), events: [] });
  }, seconds * 1000);
  res.on('close', () => {
    clearTimeout(poll.timer);
    polls.delete(poll);
    if (polls.size === 0 && waiting.get(conversation) === polls)
      waiting.delete(conversation);
  });
}

/** Answers the polls that wait for a conversation; the same cursor, the same text. */
function wake(conversation) {
  const polls = waiting.get(conversation);
  if (!polls)
    return;
  const texts = new Map();
  for (const poll of polls) {
    if (!texts.has(poll.cursor))
      texts.set(poll.cursor, news(conversation, poll.cursor));
    if (texts.get(poll.cursor) === null)
      continue;
    polls.delete(poll);
    send(poll.res, 200, texts.get(poll.cursor));
  }
}

// --- the host application ---

function addConversation(req, res) {
  const conversation = `conv_${crypto.randomBytes(12).toString('base64url')}`;
  const session = crypto.randomBytes(16).toString('base64url');
  sql.addSession.run({ conversation, session });
  answer(res, 201, { conversationId: conversation, sessionId: session });
}

// --- HTTP ---

const ROUTES = {
  'POST /api/widget/heartbeat': { serve: heartbeat },
  'GET /api/widget/presence': { serve: presence, token: AGENT_TOKEN },
  'GET /api/widget/events': { serve: events, token: AGENT_TOKEN },
  'POST /api/conversations': { serve: addConversation, token: API_KEY },
  'GET /online': { serve: (req, res) => answer(res, 200, sql.online.get({ end: Date.now() - WINDOW_MS })) },
};

function send(res, status, text) {
  res.writeHead(status, {
    'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text), 'Cache-Control': 'no-store',
  });
  res.end(text);
}

function answer(res, status, value) {
  send(res, status, JSON.stringify(value));
}

function handle(req, res) {
  const [where, search] = req.url.split('?');
  const route = ROUTES[`${req.method} ${where}`];
  if (!route)
    answer(res, 404, { error: 'not_found' });
  else if (route.token && req.headers.authorization !== `Bearer ${route.token}`)
    answer(res, 401, { error: 'unauthorized' });
  else if (req.method === 'GET')
    route.serve(req, res, new URLSearchParams(search));
  else
    withBody(req, res, route.serve);
}

function withBody(req, res, serve) {
  let text = '';
  req.setEncoding('utf8');
  req.on('data', (chunk) => { text += chunk; });
  req.on('end', () => {
    try {
      serve(req, res, text);
    } catch (err) {
      answer(res, err instanceof SyntaxError ? 400 : 500, { error: err.message });
    }
  });
}

setInterval(() => {
  for (const conversation of expire(Date.now()))
    wake(conversation);
}, SWEEP_MS);

http.createServer(handle).listen({ port: PORT, host: '127.0.0.1', backlog: 4096 });
