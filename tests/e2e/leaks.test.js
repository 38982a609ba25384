// 10,000 requests of all kinds under valgrind: nothing is lost of what was
// allocated, and nothing is read that was not written or is there no more.
// The programs run as they are, in their sandbox, on a socket of their own.

'use strict';

const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { ROOT, newTab, parseEnv, until, inParallel } = require('../lib/demo');
const { BEGIN, ABORT, END, PARAMS, STDOUT, record, request, records } = require('../lib/fastcgi');

const REQUESTS = 10000;
const BUILT = path.join(ROOT, process.env.BUILD || 'build', 'cgi-bin');
const VALGRIND = ['--quiet', '--leak-check=full', '--error-exitcode=99', '--track-origins=no',
  '--show-leak-kinds=definite,indirect,possible', '--errors-for-leak-kinds=definite,indirect,possible'];

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'porchlight-leaks-'));
const config = path.join(dir, 'porchlight.conf');
const children = {};
let keys;
let sent = 0;

const command = (...args) =>
  execFileSync(path.join(BUILT, 'porchlight'), ['-c', config, ...args], { encoding: 'utf8', stdio: 'pipe' });
const socketOf = (name) => path.join(dir, `${name}.sock`);

before(async () => {
  fs.writeFileSync(config, ['database = p.db', 'minBeatMs = 0', 'log = error', 'leaveGraceMs = 0',
    'formsPerMinute = 1000000', 'addressBeatsPerMinute = 0', 'signInFailures = 1000000', ''].join('\n'));
  command('init');
  keys = parseEnv(command('company', 'add', 'Leaks') + command('agent', 'add', 'Jane') +
    command('secret', 'add'));
  for (const name of ['presence', 'events']) {
    children[name] = spawn('spawn-fcgi', ['-n', '-b', '1024', '-s', socketOf(name), '--', '/usr/bin/env', 'valgrind',
      ...VALGRIND, `--log-file=${path.join(dir, `${name}.valgrind`)}`, path.join(BUILT, `${name}.fcgi`)],
    { env: { ...process.env, PORCHLIGHT_CONFIG: config }, stdio: ['ignore', 'ignore', 'inherit'] });
    await until(() => fs.existsSync(socketOf(name)), { what: `${name} listens` });
  }
});
after(() => {
  Object.values(children).forEach((child) => child.kill('SIGKILL'));
  fs.rmSync(dir, { recursive: true, force: true });
});

/** A connection, one request after the other; {status, text} of each. */
class Client {
  constructor(name) {
    this.name = name;
  }

  async connect() {
    const socket = net.connect(socketOf(this.name));
    this.socket = socket;
    this.bytes = Buffer.alloc(0);
    socket.on('data', (data) => {
      this.bytes = Buffer.concat([this.bytes, data]);
      this.wake?.();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.socket === socket)
        this.socket = undefined;
      this.wake?.();
    });
    socket.setTimeout(60000, () => socket.destroy());
  }

  /** Once more if the store was busy: under valgrind all takes 30 times as long. */
  async send(env, body, keep = true) {
    for (let n = 0; ; n++) {
      const answer = await this.sendOnce(env, body, keep);
      sent++;
      if (answer.status !== 503 || n === 20)
        return answer;
    }
  }

  async sendOnce(env, body, keep) {
    if (!this.socket)
      await this.connect();
    this.bytes = Buffer.alloc(0);
    this.socket.write(request(1, env, { keep, body }));
    for (;;) {
      const all = records(this.bytes);
      if (all.some((r) => r.type === END))
        return this.answer(all, keep);
      assert.ok(this.socket, `${this.name} closed the connection: ${env.REQUEST_URI} ${body}`);
      await new Promise((resolve) => { this.wake = resolve; });
    }
  }

  answer(all, keep) {
    if (!keep)
      this.close();
    const text = all.filter((r) => r.type === STDOUT).map((r) => r.content.toString()).join('');
    const json = /\r\n\r\n(\{[^]*\})$/.exec(text);
    return { status: Number(/^Status: (\d+)/.exec(text)?.[1]), text, json: json && JSON.parse(json[1]) };
  }

  close() {
    this.socket?.destroy();
    this.socket = undefined;
  }
}

function env(method, uri, more = {}) {
  return { REQUEST_METHOD: method, REQUEST_URI: uri, REMOTE_ADDR: '127.0.0.1',
    SERVER_SOFTWARE: 'lighttpd', ...more };
}

const bearer = (token) => ({ HTTP_AUTHORIZATION: `Bearer ${token}` });
const asAgent = () => bearer(keys.AGENT_TOKEN);
const asHost = () => bearer(keys.API_KEY);

function post(client, uri, body, more, keep) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return client.send(env('POST', uri, { CONTENT_TYPE: 'application/json',
    CONTENT_LENGTH: String(Buffer.byteLength(text)), ...more }), text, keep);
}

function jwt(secret, claims) {
  const part = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
  const text = `${part({ alg: 'HS256' })}.${part(claims)}`;
  return `${text}.${require('node:crypto').createHmac('sha256', secret).update(text).digest('base64url')}`;
}

const inAnHour = Math.floor(Date.now() / 1000) + 3600;
const asJwt = () => bearer(jwt(keys.JWT_SECRET, { sub: 'joe', company: 'Leaks', exp: inAnHour, inboxes: ['a', 'b'] }));

// What is asked of presence.fcgi, and the status of each: of these each
// customer takes his turn.
const ASKED = [
  [200, (c, s) => post(c, '/api/widget/online', { ...s, tabId: s.tab }, { HTTP_ORIGIN: 'https://a.example' })],
  [200, (c, s) => post(c, '/api/widget/heartbeat', { ...s, tabId: s.tab, visibility: 'hidden' })],
  [200, (c, s) => post(c, '/api/widget/typing', { ...s, tabId: s.tab, typing: true })],
  [200, (c, s) => c.send(env('GET', `/api/widget/presence?conversationId=${s.conversationId}`, asAgent()))],
  [200, (c, s) => c.send(env('GET', `/api/widget/presence?conversationId=${s.conversationId}&conversationId=${s.conversationId}`, asJwt()))],
  [200, (c) => c.send(env('GET', '/api/widget/presence?limit=5', asAgent()))],
  [200, (c, s) => post(c, '/api/widget/offline', { ...s, tabId: s.tab })],
  [201, (c) => post(c, '/api/widget/conversations', { siteKey: keys.SITE_KEY, name: 'Ada "ü"', email: 'a@b.example' })],
  [200, async (c) => {
    const answer = await post(c, '/api/agent/session', { token: keys.AGENT_TOKEN });
    const cookie = /^Set-Cookie: ([^;]+)/m.exec(answer.text)[1];
    await c.send(env('GET', '/api/widget/presence?limit=1', { HTTP_COOKIE: cookie }));
    await c.send(env('DELETE', '/api/agent/session', { HTTP_COOKIE: cookie, HTTP_SEC_FETCH_SITE: 'same-origin' }));
    return answer;
  }],
  [201, async (c, s) => {
    const answer = await post(c, '/api/conversations', { platform: 'WIDGET', inbox: 'a', name: 'Bo' }, asHost());
    await c.send(env('DELETE', `/api/conversations/${answer.json.conversationId}`, asHost()));
    return answer;
  }],
  [200, (c) => c.send(env('GET', '/api/health'), undefined, false)],
  [204, (c) => c.send(env('OPTIONS', '/api/widget/online', { HTTP_ORIGIN: 'https://a.example' }))],
  [400, (c) => post(c, '/api/widget/online', '{"conversationId": "half')],
  [400, (c) => post(c, '/api/widget/online', { conversationId: [1, { a: 'b' }] })],
  [401, (c) => c.send(env('GET', '/api/widget/presence', bearer('pla_wrong')))],
  [401, (c) => c.send(env('GET', '/api/widget/presence', bearer(jwt('wrong', { sub: 'x', company: 'Leaks', exp: inAnHour }))))],
  [403, (c, s) => post(c, '/api/widget/online', { ...s, sessionId: 'somebody', tabId: s.tab })],
  [404, (c) => c.send(env('GET', '/api/n%6fthing?a=b&c'))],
  [405, (c) => c.send(env('DELETE', '/api/health'))],
  [413, (c) => post(c, '/api/widget/online', 'x'.repeat(9000), {}, false)],
  [415, (c) => post(c, '/api/widget/online', '{}', { CONTENT_TYPE: 'text/html' })],
];

async function customer(i) {
  const client = new Client('presence');
  const made = await post(client, '/api/conversations', { id: `c${i}`, inbox: 'a' }, asHost());
  assert.equal(made.status, 201, made.text);
  const session = { ...made.json, tab: newTab() };
  const mine = { conversationId: session.conversationId, sessionId: session.sessionId, tab: session.tab };
  for (const [status, ask] of ASKED) {
    const answer = await ask(client, mine);
    assert.equal(answer.status, status, `${ask}: ${answer.text}`);
  }
  client.close();
}

const poll = (query, more = asAgent()) => env('GET', `/api/widget/events?${query}`, more);

// A dashboard: polls that are answered at once, that are held and answered by
// a customer or the clock, that it hangs up on, and that are refused.
async function dashboard(i) {
  const client = new Client('events');
  let { json } = await client.send(poll('timeout=0'));
  for (let n = 0; n < 6; n++) {
    const answer = await client.send(
      poll(`timeout=1&cursor=${json.cursor}&client=${i}&heartbeats=1`, n % 2 ? asJwt() : asAgent()));
    assert.equal(answer.status, 200, answer.text);
    ({ json } = answer);
  }
  assert.equal((await client.send(poll('cursor=no-cursor'))).json.reset, true);
  assert.equal((await client.send(poll('timeout=soon'))).status, 400);
  assert.equal((await client.send(poll('', bearer('pla_wrong')))).status, 401);
  assert.equal((await client.send(poll('', {}), undefined, false)).status, 401);
  // Held, and then: aborted, and left.
  await client.connect();
  client.socket.write(Buffer.concat([request(1, poll('timeout=20'), { keep: true }), record(ABORT, 1)]));
  await until(() => !client.socket || records(client.bytes).some((r) => r.type === END), { deadline: 60000 });
  client.close();
  await client.connect();
  client.socket.write(request(1, poll(`timeout=20&conversationId=c${i}`), { keep: true }));
  client.socket.write(record(BEGIN, 2, 'half'), () => client.close());
  sent += 2;
}

/** What is no request at all. */
async function nonsense(i) {
  const client = new Client(i % 2 ? 'presence' : 'events');
  await client.connect();
  client.socket.write([record(PARAMS, 1, 'x'), record(BEGIN, 1, [0, 2, 0, 0, 0, 0, 0, 0]),
    Buffer.from('GET / HTTP/1.0\r\n\r\n'), request(1, { a: 'b' })][i % 4]);
  if (i % 4 > 0) // the first is a beginning, and waited for
    await until(() => !client.socket || client.bytes.length > 0, { deadline: 60000, what: 'an answer, or the end' });
  client.close();
  sent++;
}

async function ended(name) {
  const child = children[name];
  child.kill('SIGTERM');
  await until(() => child.exitCode !== null || child.signalCode !== null, { deadline: 60000, what: `${name} ends` });
  const report = fs.readFileSync(path.join(dir, `${name}.valgrind`), 'utf8');
  assert.equal(child.exitCode, 0, `${name}: ${child.signalCode}\n${report.slice(0, 8000)}`);
  // "--": valgrind does not know Landlock.
  assert.deepEqual(report.split('\n').filter((line) => line.startsWith('==')), [], name);
}

test('10,000 mixed requests leak nothing', { timeout: 480000 }, async (t) => {
  const start = Date.now();
  await Promise.all([
    inParallel(Array.from({ length: 100 }, (_, i) => i), 50, nonsense),
    inParallel(Array.from({ length: 360 }, (_, i) => i), 24, customer),
    inParallel(Array.from({ length: 80 }, (_, i) => i), 40, dashboard)]);
  t.diagnostic(`${sent} requests in ${Date.now() - start} ms`);
  assert.ok(sent >= REQUESTS, `${sent}`);
  await ended('presence');
  await ended('events');
});
