// The load generator of the benches (bench/load.c): that it takes in an answer
// in whatever way a server ends it, that it counts what is wrong as wrong, and
// that it keeps to its schedule. The server here is one that does as it is
// told, in the request's path.

'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const { test, before, after } = require('node:test');
const { runJob } = require('../../bench/lib/measure');
const { sleep } = require('../lib/demo');

const OK = '{"ok":true}';
const LENGTH = `Content-Length: ${OK.length}\r\n\r\n`;
const UPGRADED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n';
const WAYS = {
  length: (socket) => socket.write(`HTTP/1.1 200 OK\r\n${LENGTH}${OK}`),
  parts: async (socket) => {
    for (const part of ['HTTP/1.1 200 OK\r\ncontent-le', `ngth: ${OK.length}\r\n\r`, `\n${OK.slice(0, 4)}`, OK.slice(4)]) {
      socket.write(part);
      await sleep(2);
    }
  },
  chunked: async (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n${OK.slice(0, 4)}\r\n`);
    await sleep(2);
    socket.write(`7\r\n${OK.slice(4)}\r\n0\r\n\r\n`);
  },
  closed: (socket) => socket.end(`HTTP/1.0 200 OK\r\n\r\n${OK}`),
  last: (socket) => socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\n${LENGTH}${OK}`),
  leaves: (socket, n) => WAYS.length(socket) && n % 3 === 0 && socket.end(), // and does not say so
  refused: (socket) => socket.write(`HTTP/1.1 503 Busy\r\n${LENGTH}${OK}`),
  wrong: (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'),
  cut: (socket) => socket.end(`HTTP/1.1 200 OK\r\n${LENGTH}${OK.slice(0, 4)}`),
  none: (socket) => socket.end(),
  noise: (socket) => socket.write('what?\r\n\r\n'),
  slow: async (socket) => {
    await sleep(50);
    WAYS.length(socket);
  },
};

let server;
let polls = []; // that are held

before(async () => {
  server = net.createServer({ noDelay: true }, serve);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
});
after(() => server.close());

function serve(socket) {
  let n = 0;
  let take = (data) => {
    const path = /^\S+ \/(\S+)/.exec(data)[1];
    if (path === 'ws') {
      socket.write(UPGRADED);
      say(socket, '0{"open":1}');
      take = (frames) => messages(frames, (text) => reply(socket, text));
    } else if (path.startsWith('poll')) {
      polls.push({ socket, path });
    } else if (path === 'change') {
      change();
      WAYS.length(socket);
    } else {
      WAYS[path](socket, ++n);
    }
  };
  socket.on('data', (data) => take(data));
  socket.on('error', () => {});
}

/** All that wait are told, and which cursor is next. */
function change() {
  const held = polls;
  polls = [];
  for (const { socket, path } of held) {
    const body = `{"cursor":"${Number(path.split('=')[1] ?? 0) + 1} &","changed":true}`;
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  }
}

function say(socket, text) {
  const head = text.length < 126 ? [0x81, text.length] : [0x81, 126, text.length >> 8, text.length & 255];
  socket.write(Buffer.concat([Buffer.from(head), Buffer.from(text)]));
}

/** A greeting is answered; a beat by a ping, something else, and a long answer. */
function reply(socket, text) {
  if (text === '40')
    say(socket, '40{}');
  else if (text === 'beat')
    say(socket, '2');
  else if (text === '3')
    ['other', `ack${'.'.repeat(200)}`].forEach((answer) => say(socket, answer));
}

/** The texts of frames, masked as a client's must be. */
function messages(frames, each) {
  for (let at = 0; at < frames.length;) {
    const length = frames[at + 1] & 0x7f;
    assert.equal(frames[at + 1] & 0x80, 0x80);
    const mask = frames.subarray(at + 2, at + 6);
    at += 6 + length;
    each(frames.subarray(at - length, at).map((byte, i) => byte ^ mask[i % 4]).toString());
  }
}

const get = (path) => `GET /${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

function beats(path, more) {
  const { port } = server.address();
  return runJob({
    deadlineMs: 10000,
    beats: { port, requests: [get(path)], expect: '"ok":true', connections: 4, count: 40, ...more },
  });
}

for (const path of ['length', 'parts', 'chunked', 'closed', 'last', 'leaves'])
  test(`takes in an answer: ${path}`, async () => {
    const { beats: found, error } = await beats(path);
    assert.equal(error, undefined);
    assert.deepEqual([found.sent, found.good, found.bad], [40, 40, 0]);
    assert.equal(found.latency.n, 40);
    assert.equal(found.latency.histogram.reduce((sum, [, n]) => sum + n, 0), 40);
    assert.equal(found.connects > 4, ['closed', 'last', 'leaves'].includes(path));
  });

for (const path of ['refused', 'wrong', 'cut', 'none', 'noise'])
  test(`counts as bad: ${path}`, async () => {
    const { beats: found } = await beats(path);
    assert.deepEqual([found.sent, found.good, found.bad], [40, 0, 40]);
    assert.ok(found.firstBad.length > 0);
  });

test('a server that is not there', async () => {
  const { beats: found } = await beats('length', { port: 1 });
  assert.deepEqual([found.good, found.bad, found.firstBad], [0, 40, 'Connection refused']);
});

test('what is held up counts from when it was due', async () => {
  const { beats: found } = await beats('slow', { connections: 1, count: 10, rate: 1000 });
  assert.ok(found.latency.max > 450, `10 answers of 50 ms one after the other: ${found.latency.max} ms`);
  assert.ok(found.latency.p50 > 200, `${found.latency.p50} ms`);
});

test('a rate is kept', async () => {
  const { beats: found } = await beats('length', { rate: 100 });
  assert.ok(found.seconds >= 0.39, `40 beats at 100 a second: ${found.seconds} s`);
});

test('speaks WebSocket: says hello, answers pings, waits for its own answer', async () => {
  const hello = [['', '0{'], ['40', '40{']];
  const { beats: found, error } = await beats('', {
    proto: 'ws', upgrade: get('ws'), hello: [hello, hello, hello, hello], requests: ['beat'], expect: 'ack',
  });
  assert.equal(error, undefined);
  assert.deepEqual([found.good, found.bad, found.connects], [40, 0, 4]);
});

test('a job that takes too long ends with an error', async () => {
  const { port } = server.address();
  const { error, beats: found } = await runJob({ deadlineMs: 300, beats: { port, requests: [get('poll')], count: 1 } });
  assert.match(error, /not done/);
  assert.equal(found.good, 0);
});

function watch(groups, more) {
  const { port } = server.address();
  polls = [];
  return runJob({
    deadlineMs: 20000,
    watch: {
      groups: groups.map((group) => ({ port, expect: '"changed":true', ...group })),
      trigger: { port, requests: [get('change')], expect: OK }, rounds: 5, settleMs: 50, gapMs: 20, ...more,
    },
  });
}

test('dashboards are told in each round, and go on from their cursor', async () => {
  const seen = [];
  server.on('connection', (socket) => socket.on('data', (data) => seen.push(/^\S+ (\S+)/.exec(data)[1])));
  const requests = Array.from({ length: 20 }, () => get('poll=@CURSOR@'));
  const { watch: found, error } = await watch([{ requests, told: true, cursor: '7' }, { requests: [get('poll')] }]);
  assert.equal(error, undefined);
  assert.equal(found.dashboards, 21);
  assert.equal(found.told.n, 100);
  assert.equal(found.again, 0);
  for (const name of ['answered', 'first', 'last'])
    assert.equal(found[name].rounds.length, 5);
  found.last.rounds.forEach((last, i) => assert.ok(last >= found.first.rounds[i] && last < 10000));
  assert.equal(seen.filter((path) => path === '/poll=7').length, 20);
  assert.equal(seen.filter((path) => path === '/poll=8%20%26').length, 20, 'what is no plain letter is escaped');
});

test('a dashboard that is not told ends the run with an error', { timeout: 30000 }, async () => {
  const { error } = await watch([{ requests: [get('poll')], told: true, expect: 'something else' }]);
  assert.match(error, /round 1: within 10 s 0 of 1/);
});
