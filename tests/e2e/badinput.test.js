// Bad input, from the socket inwards: whatever comes, the answer is a clean
// 4xx (the programs' own JSON, or the web server's refusal) and the same
// processes live on.

'use strict';

const assert = require('node:assert/strict');
const { test, before, beforeEach, afterEach, after } = require('node:test');
const { startDemo, isAlive, newTab, inParallel, SERVER } = require('../lib/demo');

let demo;
let session;
let programs;

before(async () => {
  demo = await startDemo({ set: { minBeatMs: 0 } });
  session = await demo.conversation();
});
after(() => demo?.stop());

beforeEach(() => { programs = demo.programs(); });
afterEach(async () => {
  assert.deepEqual(programs.filter((pid) => !isAlive(pid)), [], 'no process has died');
  assert.equal((await demo.beat(session, newTab())).status, 200);
  assert.deepEqual((await demo.poll({ timeout: 0 })).events, []);
});

/** A generator of numbers below n that is the same at every run. */
function dice(seed) {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >> 8) % n;
  };
}

function randomBytes(roll, length) {
  return Buffer.from(Array.from({ length }, () => roll(256)));
}

const post = (body, headers) => demo.send('POST', '/api/widget/heartbeat', body, headers);

function isRefused(answer, what) {
  assert.ok(answer.status >= 400 && answer.status < 500, `${what}: ${answer.status} ${answer.text}`);
  assert.equal(typeof answer.json?.error, 'string', `${what}: ${answer.text}`);
}

test('random bytes as a body', async () => {
  const roll = dice(1);
  const bodies = Array.from({ length: 300 }, () => randomBytes(roll, 1 + roll(3000)));
  await inParallel(bodies, 16, async (body) => isRefused(await post(body), body.toString('hex')));
});

test('a good body cut off at every place', async () => {
  const whole = JSON.stringify({ ...session, tabId: newTab(), visibility: 'visible', seq: 1 });
  const lengths = Array.from({ length: whole.length }, (_, i) => i);
  await inParallel(lengths, 16, async (n) => isRefused(await post(whole.slice(0, n)), whole.slice(0, n)));
});

test('a good body with a byte changed is taken or refused, never worse', async () => {
  const roll = dice(2);
  const whole = Buffer.from(JSON.stringify({ ...session, tabId: newTab(), typing: true, seq: 1 }));
  await inParallel(Array.from({ length: 500 }), 16, async () => {
    const body = Buffer.from(whole);
    body[roll(body.length)] = roll(256);
    const answer = await post(body);
    if (answer.status !== 200)
      isRefused(answer, body.toString('latin1'));
  });
});

test('deep nesting', async () => {
  for (const [open, close] of [['[', ']'], ['{"a":', '}']])
    for (const depth of [50, 1000, 1500]) {
      const value = open.repeat(depth) + '1' + close.repeat(depth);
      isRefused(await post(value.slice(0, 8192)), `${depth} ${open}`);
      const inside = await post(`{"conversationId":${value}}`.slice(0, 8192));
      isRefused(inside, `${depth} ${open} inside`);
    }
});

test('what is not UTF-8, NUL, broken escapes', async () => {
  const members = (name, value) => Buffer.concat([
    Buffer.from(JSON.stringify({ ...session, tabId: newTab(), [name]: '@@' }).split('@@')[0]),
    value, Buffer.from('"}'),
  ]);
  const values = [
    Buffer.from([0xff, 0xfe]), Buffer.from([0xc0, 0x80]), Buffer.from([0xed, 0xa0, 0x80]),
    Buffer.from([0xf4, 0x90, 0x80, 0x80]), Buffer.from([0xe2, 0x82]), Buffer.from([0]),
    Buffer.from('\\u0000'), Buffer.from('a\\u0000b'), Buffer.from('\\u12'),
  ];
  for (const value of values)
    for (const name of ['conversationId', 'sessionId', 'tabId'])
      isRefused(await post(members(name, value)), `${name} ${value.toString('hex')}`);
});

test('numbers for strings, strings for numbers, and numbers out of this world', async () => {
  for (const members of [{ conversationId: 123 }, { sessionId: 1e300 }, { tabId: true }, { seq: '1' },
    { seq: {} }, { visibility: 0 }])
    isRefused(await post(JSON.stringify({ ...session, tabId: newTab(), ...members })),
      JSON.stringify(members));
  const text = JSON.stringify({ ...session, tabId: newTab() }).slice(0, -1);
  for (const seq of ['99999999999999999999999', '-99999999999999999999', '1e400', 'NaN', '0x10'])
    isRefused(await post(`${text},"seq":${seq}}`), seq);
});

test('the same member twice is no way around a check', async () => {
  const text = JSON.stringify({ ...session, tabId: newTab() }).slice(1, -1);
  const answer = await post(`{"sessionId":"nonsense",${text},"sessionId":"nonsense"}`);
  isRefused(answer, 'the last one counts, and is wrong');
});

test('a body of 10 MB gets the programs\' own 413', async () => {
  const size = SERVER === 'bundle' ? 100 << 10 : 10 << 20; // the host's limit is 128 kB
  for (let i = 0; i < 3; i++) {
    const answer = await post(Buffer.alloc(size, 'x'));
    assert.equal(answer.status, 413);
    assert.equal(answer.json?.error, 'too_large', answer.text);
  }
});

test('a body of 20 MB is the web server\'s to refuse', async () => {
  const head = Buffer.from('POST /api/widget/heartbeat HTTP/1.1\r\nHost: x\r\n' +
    `Content-Type: text/plain\r\nContent-Length: ${20 << 20}\r\n\r\n`);
  const answer = await demo.raw(Buffer.concat([head, Buffer.alloc(20 << 20, 'x')]));
  // mod_fcgid's own limit is 400 or 500
  assert.ok([400, 413, ...(SERVER === 'bundle' ? [500] : [])].includes(answer.status), answer.text);
});

test('queries: bad escapes, NUL, what is not UTF-8, names without end', async () => {
  const get = (query) => demo.request({ path: `/api/widget/presence?${query}`, headers: demo.asAgent });
  for (const query of ['conversationId=%00', 'conversationId=%ff', 'conversationId=a%00b',
    'conversationId=%c0%80', `conversationId=${'x'.repeat(4000)}`]) {
    const answer = await get(query);
    assert.ok(answer.status >= 400 && answer.status < 500, `${query.slice(0, 40)}: ${answer.status}`);
  }
  const roll = dice(3);
  const alphabet = 'ab=&%+?;/\\"\'<>#[]{}0123456789.-_~';
  await inParallel(Array.from({ length: 300 }), 16, async () => {
    const text = Array.from({ length: roll(60) }, () => alphabet[roll(alphabet.length)]).join('');
    for (const where of ['presence', 'events']) {
      const answer = await demo.raw(`GET /api/widget/${where}?timeout=0&${text} HTTP/1.0\r\n` +
        `Authorization: Bearer ${demo.agentToken}\r\n\r\n`, { end: false });
      assert.ok((answer.status >= 400 && answer.status < 500) || answer.status === 200,
        `${where}?${text}: ${answer.status} ${answer.body}`);
    }
  });
});

test('credentials of any bytes', async () => {
  const roll = dice(4);
  const values = ['Bearer', 'Bearer ', `Bearer ${'x'.repeat(4000)}`, 'bearer x', 'Bearer \xff\xfe',
    'Bearer a b c', ...Array.from({ length: 50 }, () => `Bearer ${randomBytes(roll, 20)
      .toString('latin1').replace(/[\r\n\0]/g, '')}`)];
  for (const value of values) {
    const answer = await demo.raw(Buffer.from('GET /api/widget/presence HTTP/1.0\r\n' +
      `Authorization: ${value}\r\nCookie: ${value}=;=;${value}\r\n\r\n`, 'latin1'), { end: false });
    assert.ok(answer.status === 401 || answer.status === 400, `${value.slice(0, 40)}: ${answer.status}`);
  }
});

test('a POST without Content-Length, in chunks, with a wrong one', async () => {
  const body = JSON.stringify({ ...session, tabId: newTab() });
  const head = 'POST /api/widget/heartbeat HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/plain\r\n';
  const none = await demo.raw(`${head}\r\n`, { end: false });
  assert.ok([400, 411].includes(none.status), `none: ${none.status}`);
  const chunked = await demo.raw(`${head}Transfer-Encoding: chunked\r\n\r\n` +
    `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`, { end: false });
  assert.ok([200, 411].includes(chunked.status), `chunked: ${chunked.status}`);
  for (const length of ['-1', 'x', '1e3', '99999999999999999999', '5, 5'])
    assert.ok([400, 411, 413].includes((await demo.raw(
      `${head}Content-Length: ${length}\r\n\r\n${body}`)).status), `Content-Length: ${length}`);
  const short = await demo.raw(`${head}Content-Length: 5\r\n\r\n${body}`, { end: false });
  assert.equal(short.status, 400);
  // More announced than sent, and gone: no answer is due, but life goes on.
  await demo.raw(`${head}Content-Length: 5000\r\n\r\n${body}`, { deadline: 500 });
});

test('methods that nobody knows', async () => {
  for (const method of ['BREW', 'GETT', 'get', 'TRACE', 'CONNECT', 'PROPFIND', 'X'.repeat(500)])
    for (const where of ['/api/widget/heartbeat', '/api/widget/events']) {
      const { status } = await demo.raw(`${method} ${where} HTTP/1.1\r\nHost: x\r\n` +
        'Connection: close\r\nContent-Length: 0\r\n\r\n', { end: false });
      assert.ok((status >= 400 && status < 500) || status === 501, `${method} ${where}: ${status}`);
    }
});

test('random bytes in place of HTTP', async () => {
  const roll = dice(5);
  await inParallel(Array.from({ length: 100 }), 8, () =>
    demo.raw(randomBytes(roll, 1 + roll(2000)), { deadline: 2000 }).catch(() => {}));
});

test('a slow customer holds nobody up', async () => {
  const body = JSON.stringify({ ...session, tabId: newTab() });
  const slow = demo.raw('POST /api/widget/heartbeat HTTP/1.1\r\nHost: x\r\n' +
    `Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
  { end: false, deadline: 1500 });
  for (let i = 0; i < 20; i++)
    assert.equal((await demo.beat(session, newTab())).status, 200);
  await slow;
});
