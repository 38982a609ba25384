// The FastCGI protocol, spoken to the programs' own sockets: what a web server
// may do and lighttpd never does (keep a connection, ask for values, abort,
// multiplex), requests that arrive byte by byte, and bytes that are none.

'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { startDemo, newTab, until } = require('../lib/demo');
const { BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, GET_VALUES, GET_VALUES_RESULT, UNKNOWN_TYPE,
  record, pairs, begin, request, records } = require('../lib/fastcgi');

const CANT_MPX = 1, UNKNOWN_ROLE = 3;

let demo;
let sockets;

before(async () => {
  demo = await startDemo({ set: { leaveGraceMs: 300, minBeatMs: 0 } });
  sockets = socketsOf(demo);
});
after(() => demo?.stop());

function socketsOf({ dataDir }) {
  const conf = fs.readFileSync(path.join(dataDir, 'lighttpd.conf'), 'utf8');
  const folder = /porchlight_sockets *= "(.*)"/.exec(conf)[1];
  return Object.fromEntries(['presence', 'events'].map((name) => [name,
    path.join(folder, fs.readdirSync(folder).find((f) => f.startsWith(name)))]));
}

const HEALTH = { REQUEST_METHOD: 'GET', REQUEST_URI: '/api/health' };

function pollOf(query, { agentToken } = demo) {
  return {
    REQUEST_METHOD: 'GET',
    REQUEST_URI: `/api/widget/events?${query}`,
    HTTP_AUTHORIZATION: `Bearer ${agentToken}`,
  };
}

/** A connection to a program; records() are the whole ones that came back. */
class Connection {
  constructor(socket) {
    this.bytes = Buffer.alloc(0);
    this.closed = false;
    this.socket = net.connect(socket);
    this.socket.on('data', (data) => { this.bytes = Buffer.concat([this.bytes, data]); });
    this.socket.on('error', () => {});
    this.socket.on('close', () => { this.closed = true; });
  }

  write(bytes) {
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()));
  }

  records() {
    return records(this.bytes);
  }

  see(type, id, count = 1) {
    const matching = () => this.records().filter((r) => r.type === type && r.id === id);
    return until(() => matching().length >= count && matching()[count - 1],
      { what: `record ${type} of request ${id}` });
  }

  async answer(id, count = 1) {
    await this.see(END, id, count);
    return this.records().filter((r) => r.type === STDOUT && r.id === id)
      .map((r) => r.content.toString()).join('');
  }

  untilClosed() {
    return until(() => this.closed, { what: 'the program closes the connection' });
  }

  close() {
    this.socket.destroy();
  }
}

async function connected(t, name, bytes) {
  const c = new Connection(sockets[name] ?? name);
  t.after(() => c.close());
  await c.write(bytes);
  return c;
}

async function stillServes() {
  assert.equal((await demo.api.get('/api/health')).status, 200);
}

test('a request is answered, and the connection closed', async (t) => {
  const c = await connected(t, 'presence', request(1, HEALTH));
  assert.match(await c.answer(1), /^Status: 200 OK\r\n[^]*"status":"ok"/);
  await c.untilClosed();
});

test('a request that comes byte by byte is one request', async (t) => {
  const c = await connected(t, 'presence', '');
  c.socket.setNoDelay(true);
  for (const byte of request(1, HEALTH))
    await c.write(Buffer.from([byte]));
  assert.match(await c.answer(1), /^Status: 200 OK/);
});

test('a kept connection serves one request after the other', async (t) => {
  const c = await connected(t, 'presence', '');
  for (let n = 1; n <= 3; n++) {
    await c.write(request(n, HEALTH, { keep: true }));
    assert.match(await c.answer(n), /^Status: 200 OK/);
  }
  assert.equal(c.closed, false);
});

test('a kept connection holds a poll after another', async (t) => {
  const session = await demo.conversation();
  const c = await connected(t, 'events', '');
  for (let n = 1; n <= 2; n++) {
    await c.write(request(1, pollOf(`timeout=20&conversationId=${session.conversationId}`),
      { keep: true }));
    const beats = setInterval(() => demo.beat(session, newTab()), 50);
    assert.match(await c.answer(1, n), new RegExp(session.conversationId));
    clearInterval(beats);
  }
});

test('GET_VALUES says that requests are not mixed on a connection', async (t) => {
  const c = await connected(t, 'presence',
    Buffer.concat([record(GET_VALUES, 0, pairs({ FCGI_MPXS_CONNS: '' })), request(1, HEALTH)]));
  const values = await c.see(GET_VALUES_RESULT, 0);
  assert.match(values.content.toString('latin1'), /FCGI_MPXS_CONNS0/);
  assert.match(await c.answer(1), /^Status: 200 OK/);
});

test('an unknown management record is told so', async (t) => {
  const c = await connected(t, 'presence', record(77, 0, 'what'));
  assert.equal((await c.see(UNKNOWN_TYPE, 0)).content[0], 77);
});

test('another role than responder is refused', async (t) => {
  const c = await connected(t, 'presence', begin(7, { role: 2 }));
  assert.equal((await c.see(END, 7)).content[4], UNKNOWN_ROLE);
  await c.untilClosed();
});

test('a held poll refuses a second request on its connection, and goes on', async (t) => {
  const session = await demo.conversation();
  const c = await connected(t, 'events', request(1, pollOf('timeout=20'), { keep: true }));
  await c.write(Buffer.concat([
    request(2, pollOf('timeout=0')), record(GET_VALUES, 0, pairs({ FCGI_MAX_REQS: '' }))]));
  assert.equal((await c.see(END, 2)).content[4], CANT_MPX);
  await c.see(GET_VALUES_RESULT, 0);
  await demo.online(session, newTab());
  assert.match(await c.answer(1), /customer:online/);
});

test('what comes right behind a poll is seen, too', async (t) => {
  const session = await demo.conversation();
  const c = await connected(t, 'events', Buffer.concat([
    request(1, pollOf('timeout=20'), { keep: true }), request(2, pollOf('timeout=0'))]));
  assert.equal((await c.see(END, 2)).content[4], CANT_MPX);
  await demo.online(session, newTab());
  assert.match(await c.answer(1), /customer:online/);
});

test('a head of 100 kB is read', async (t) => {
  const big = Object.fromEntries(Array.from({ length: 10 }, (_, i) =>
    [`HTTP_X_${i}`, 'x'.repeat(10000)]));
  const c = await connected(t, 'presence', begin(1));
  for (const [name, value] of Object.entries({ ...HEALTH, ...big }))
    await c.write(record(PARAMS, 1, pairs({ [name]: value })));
  await c.write(Buffer.concat([record(PARAMS, 1), record(STDIN, 1)]));
  assert.match(await c.answer(1), /^Status: 200 OK/);
});

test('an aborted poll gives its place back', async (t) => {
  const whole = request(1, pollOf('timeout=20'), { keep: true });
  const polls = await Promise.all(Array.from({ length: 20 }, (_, i) =>
    connected(t, 'events', i % 2 ? whole : Buffer.concat([whole, record(ABORT, 1)]))));
  for (const c of polls.filter((_, i) => i % 2))
    await c.write(record(ABORT, 1));
  for (const c of polls)
    await c.untilClosed();
  await stillServes();
});

// Of 120 files 64 are for all but polls.
test('more polls than files that may be open: the rest is refused, and all goes on', async (t) => {
  const small = await startDemo({ via: ['prlimit', '--nofile=120:120'], set: { maxWaiters: 1000 } });
  t.after(() => small.stop());
  const { events } = socketsOf(small);
  const ask = (query) => connected(t, events, request(1, pollOf(query, small)));
  for (let i = 0; i < 56; i++)
    await ask(`timeout=55&client=c${i}`);
  await until(async () => await small.held() === 56, { what: '56 polls are held' });
  assert.match(await (await ask('timeout=55&client=more')).answer(1), /^Status: 503 [^]*"error":"busy"/);
  assert.match(await (await ask('timeout=0')).answer(1), /^Status: 200 OK/);
  assert.equal(await small.held(), 56);
});

test('who hangs up while he waits is forgotten', async (t) => {
  const c = await connected(t, 'events', request(1, pollOf('timeout=20')));
  c.close();
  const session = await demo.conversation();
  await demo.online(session, newTab());
  assert.equal((await demo.presence(session.conversationId)).isOnline, true);
  await stillServes();
});

// Bytes that nobody will take stand before the end, and hide it from a look.
test('nor does half a record behind a poll keep who hangs up', async (t) => {
  const before = await demo.held();
  const c = await connected(t, 'events',
    Buffer.concat([request(1, pollOf('timeout=55')), record(ABORT, 1).subarray(0, 5)]));
  await until(async () => await demo.held() > before, { what: 'the poll is held' });
  c.socket.destroy();
  await until(async () => await demo.held() === before, { what: 'its place is free' });
});

const broken = {
  'HTTP instead of FastCGI': Buffer.from('GET /api/health HTTP/1.0\r\n\r\n'),
  'names longer than the record': Buffer.concat([
    begin(1), record(PARAMS, 1, [255, 255, 255, 255, 255]), record(PARAMS, 1), record(STDIN, 1)]),
  'a value longer than the record': Buffer.concat([
    begin(1), record(PARAMS, 1, [5, 200]), record(PARAMS, 1), record(STDIN, 1)]),
  'an abort in the middle of the head': Buffer.concat([begin(1), record(ABORT, 1)]),
  'records of two requests': Buffer.concat([begin(1), record(PARAMS, 2, 'x')]),
  'a begin that is too short': record(BEGIN, 1, [0, 1]),
};

for (const [what, bytes] of Object.entries(broken))
  test(`closes at once: ${what}`, async (t) => {
    const programs = demo.programs();
    const c = await connected(t, 'presence', bytes);
    await c.untilClosed();
    assert.deepEqual(demo.programs(), programs);
    await stillServes();
  });

test('a length that is not the body’s is refused', async (t) => {
  const c = await connected(t, 'presence', request(1, {
    REQUEST_METHOD: 'POST', REQUEST_URI: '/api/widget/online',
    CONTENT_TYPE: 'application/json', CONTENT_LENGTH: '50',
  }, { body: '{}' }));
  assert.match(await c.answer(1), /^Status: 400 [^]*bad_request/);
});

test('a head that never ends is refused, not waited for', async (t) => {
  const c = await connected(t, 'presence', begin(1));
  const block = record(PARAMS, 1, Buffer.alloc(60000, 'x'));
  await c.write(Buffer.concat([block, block, block]));
  assert.match(await c.answer(1), /^Status: 413/);
});

test('random bytes harm nobody', async (t) => {
  const programs = demo.programs();
  const noise = Array.from({ length: 300 }, (_, i) => {
    const bytes = crypto.randomBytes(1 + (i * 7) % 600);
    if (i % 2 === 0 && bytes.length > 8)
      bytes.set([1, i % 12, 0, 1, 0]);
    return Buffer.concat([i % 3 === 0 ? begin(1) : Buffer.alloc(0), bytes]);
  });
  const open = await Promise.all(noise.map((bytes, i) =>
    connected(t, i % 2 ? 'presence' : 'events', bytes)));
  for (const c of open)
    c.close();
  await stillServes();
  assert.equal((await demo.pollAnswer({ timeout: 0 })).status, 200);
  assert.deepEqual(demo.programs(), programs);
});
