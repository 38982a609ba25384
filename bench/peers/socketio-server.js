// The Socket.IO server that is measured: presence as one builds it there, in
// the memory of one process.
//
//   customer:online     a customer's tab says who it is; acknowledged
//   customer:heartbeat  it is still there; acknowledged, where that is asked for
//   agent:watch         an agent waits for one conversation, or for all of the
//                       company's (then without heartbeats); acknowledged
//   customer:online, customer:heartbeat, customer:offline
//                       what the agents in these rooms are told
//
// A disconnect is offline at once; a sweep ends those that have not been heard
// of for a minute, or WINDOW_MS.
//
// As socket.io/docs/v4/performance-tuning says, ws has its two native add-ons,
// and perMessageDeflate is off, which is the default; as
// socket.io/docs/v4/memory-usage says, the first HTTP request is let go.

'use strict';

const http = require('node:http');
const crypto = require('node:crypto');
const { Server } = require('socket.io');

const { PORT, API_KEY, AGENT_TOKEN, TRANSPORT } = process.env;
const WINDOW_MS = Number(process.env.WINDOW_MS || 60000);
const SWEEP_MS = 5000;
const ALL = 'company';
// How long a ping may go unanswered: under long-polling the load generator
// answers none, and its sessions must outlive a run.
const PING_TIMEOUT_MS = TRANSPORT === 'polling' ? 300000 : 20000;

const sessionOf = new Map(); // conversation → its session: made by the host application
const live = new Map(); // conversation → its tabs: socket id → when it was last heard of
let most = 0; // conversations that were online at once

const server = http.createServer((req, res) => {
  if (req.method === 'POST' && req.url === '/api/conversations' && req.headers.authorization === `Bearer ${API_KEY}`)
    res.end(JSON.stringify(newConversation()));
  else if (req.method === 'GET' && req.url === '/online')
    res.end(JSON.stringify({ now: live.size, most }));
  else if (req.method === 'POST' && req.url === '/online')
    res.end(String(most = live.size));
  else
    res.writeHead(404).end();
});

const io = new Server(server, { transports: [TRANSPORT], serveClient: false, pingTimeout: PING_TIMEOUT_MS });

function newConversation() {
  const conversationId = `conv_${crypto.randomBytes(12).toString('base64url')}`;
  const sessionId = crypto.randomBytes(16).toString('base64url');
  sessionOf.set(conversationId, sessionId);
  return { conversationId, sessionId };
}

/**
 * Tells the agents; a heartbeat only those that watch this conversation. A
 * message is encoded whether or not somebody is in the room: we look before.
 */
function tell(event, conversationId) {
  const connections = live.get(conversationId)?.size ?? 0;
  const rooms = (event === 'customer:heartbeat' ? [conversationId] : [conversationId, ALL])
    .filter((room) => io.of('/').adapter.rooms.has(room));
  if (rooms.length === 0)
    return;
  io.to(rooms).emit(event, {
    conversationId, sessionId: sessionOf.get(conversationId), isOnline: connections > 0, connections,
    timestamp: new Date().toISOString(),
  });
}

function beat(socket) {
  const { conversationId } = socket.data;
  let tabs = live.get(conversationId);
  const isNew = !tabs;
  if (isNew) {
    live.set(conversationId, tabs = new Map());
    most = Math.max(most, live.size);
  }
  tabs.set(socket.id, Date.now());
  tell(isNew ? 'customer:online' : 'customer:heartbeat', conversationId);
}

function leave(conversationId, socketId) {
  const tabs = live.get(conversationId);
  if (!tabs?.delete(socketId) || tabs.size > 0)
    return;
  live.delete(conversationId);
  tell('customer:offline', conversationId);
}

setInterval(() => {
  const end = Date.now() - WINDOW_MS;
  for (const [conversationId, tabs] of live)
    for (const [socketId, at] of tabs)
      if (at <= end)
        leave(conversationId, socketId);
}, SWEEP_MS);

io.engine.on('connection', (rawSocket) => { rawSocket.request = null; });

io.use((socket, next) => {
  const { token } = socket.handshake.auth;
  socket.data.isAgent = token === AGENT_TOKEN;
  next(token === undefined || socket.data.isAgent ? undefined : new Error('not an agent'));
});

io.on('connection', (socket) => (socket.data.isAgent ? serveAgent : serveCustomer)(socket));

function serveAgent(socket) {
  socket.on('agent:watch', ({ conversationId = ALL }, ack) => {
    socket.join(conversationId);
    ack?.({ ok: true });
  });
}

function serveCustomer(socket) {
  socket.on('customer:online', ({ conversationId, sessionId }, ack) => {
    const ok = sessionId !== undefined && sessionOf.get(conversationId) === sessionId;
    if (ok) {
      socket.data.conversationId = conversationId;
      beat(socket);
    }
    ack?.({ ok });
  });
  socket.on('customer:heartbeat', (ack) => {
    const ok = socket.data.conversationId !== undefined;
    if (ok)
      beat(socket);
    ack?.({ ok });
  });
  socket.on('disconnect', () => leave(socket.data.conversationId, socket.id));
}

server.listen({ port: PORT, host: '127.0.0.1', backlog: 4096 });
