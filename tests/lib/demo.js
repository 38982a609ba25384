// The harness: a real demo (./dev demo) of a test's own, and words to talk to it.
//
// Each test file starts its own demo on a free port with a data folder of its
// own, so files share nothing. Nothing here sleeps for a fixed time to let
// something happen: it waits for a condition, with a deadline that says in its
// error what was waited for and what the demo printed.

'use strict';

const { spawn, execFile } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const ROOT = path.resolve(__dirname, '..', '..');
const SERVER = process.env.SERVER || 'lighttpd';
// How many polls the server holds within seconds. mod_fcgid has 80 processes
// for them; as a shared host has it, it starts ten and then one a second.
const MOST_POLLS = { mod_fcgid: 50, bundle: 12 }[SERVER] ?? 200;
const START_DEADLINE_MS = 60000;
const STOP_DEADLINE_MS = 20000;

// A test that fails before it stops its demo must not keep the file from
// ending: a demo keeps nobody alive (see startDemo), and ends with the file.
const running = new Set();
process.on('exit', () => {
  for (const child of running)
    child.kill('SIGTERM');
});

/** Waits until cond() is truthy and gives its value; throws after the deadline. */
async function until(cond, { deadline = 10000, every = 20, what = '' } = {}) {
  const end = Date.now() + deadline;
  for (;;) {
    const value = await cond();
    if (value)
      return value;
    if (Date.now() >= end)
      throw new Error(`not within ${deadline} ms: ${what || cond}`);
    await sleep(every);
  }
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Calls fn for each item, `width` at a time; gives the results in order. */
async function inParallel(items, width, fn) {
  const results = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const i = next++;
      results[i] = await fn(items[i], i);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

/** A port that nobody listened on a moment ago. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** A new tab id, as the widget makes one at every page load. */
function newTab() {
  return crypto.randomBytes(12).toString('base64url');
}

/** Reads NAME=VALUE lines; values are in single quotes or plain. */
function parseEnv(text) {
  const env = {};
  for (const line of text.split('\n')) {
    const found = /^([A-Z_]+)=(.*)$/.exec(line);
    if (found)
      env[found[1]] = found[2].replace(/^'(.*)'$/, '$1').replace(/'\\''/g, "'");
  }
  return env;
}

/**
 * One HTTP request; never throws for a status. Like the widget, it gives up
 * on a server that says nothing: under mod_fcgid a request that waits for a
 * process while Apache restarts is never answered. Like a browser, it asks again
 * if the server closed an idle connection just then: Apache does when it is busy.
 */
function request(agent, base, options) {
  const { method = 'GET', path: where, headers = {}, body, deadline = 30000 } = options;
  const url = new URL(base + where); // base may have a path of its own
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(deadline);
    const req = http.request(url, { method, headers, agent, signal }, (res) => {
      const chunks = [];
      res.on('data', (chunk) => chunks.push(chunk));
      res.on('error', reject);
      res.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        let json;
        try {
          json = JSON.parse(text);
        } catch {
          json = undefined;
        }
        resolve({ status: res.statusCode, headers: res.headers, text, json });
      });
    });
    req.on('error', (err) => {
      if (err.code === 'ECONNRESET' && req.reusedSocket)
        resolve(request(agent, base, options));
      else
        reject(err);
    });
    req.end(body);
  });
}

/** `{a: 1, b: [2, 3]}` → `a=1&b=2&b=3`; undefined members are left out. */
function queryString(query = {}) {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    for (const one of [value].flat())
      if (one !== undefined)
        params.append(name, one);
  const text = params.toString();
  return text ? `?${text}` : '';
}

/** All processes of the machine: {pid, comm, parent}. One look, for those of plain CGI are gone before a second. */
function allProcesses() {
  const found = [];
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name))
      continue;
    let stat;
    try {
      stat = fs.readFileSync(`/proc/${name}/stat`, 'utf8');
    } catch {
      continue; // it ended while we looked
    }
    const [, comm, state, parent] = /^\d+ \((.*)\) (\S) (\d+)/s.exec(stat);
    if (state !== 'Z')
      found.push({ pid: Number(name), comm, parent: Number(parent) });
  }
  return found;
}

function childrenOf(ppid, all = allProcesses()) {
  return all.filter((p) => p.parent === ppid);
}

/** Is there such a process, that is not merely waiting to be reaped? */
function isAlive(pid) {
  try {
    return !/^\d+ \(.*\) Z/s.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Sends it the signal, if it is there: one of plain CGI ends when it has answered. Was it? */
function kill(pid, signal) {
  try {
    return process.kill(pid, signal);
  } catch (err) {
    if (err.code !== 'ESRCH')
      throw err;
    return false;
  }
}

function descendantsOf(ppid, all = allProcesses()) {
  return childrenOf(ppid, all).flatMap((c) => [c, ...descendantsOf(c.pid, all)]);
}

/** A running demo. Made by startDemo(). */
class Demo {
  constructor({ child, env, dataDir, ownsDir, output, build, server }) {
    this.server = server;
    this.isCgi = ['cgi', 'lighttpd_cgi'].includes(server);
    this.stopped = false;
    this.url = env.URL;
    this.agentToken = env.AGENT_TOKEN;
    this.apiKey = env.API_KEY;
    this.siteKey = env.SITE_KEY;
    this.db = env.DB;
    this.config = env.CONFIG;
    this.pid = Number(env.PID);
    this.port = Number(new URL(env.URL).port);
    this.prefix = new URL(env.URL).pathname.replace(/\/$/, '');
    this.dataDir = dataDir;
    this.build = build;
    this.asAgent = { authorization: `Bearer ${this.agentToken}` };
    this.asHost = { authorization: `Bearer ${this.apiKey}` };
    this.child = child;
    this.ownsDir = ownsDir;
    this.output = output;
    // lighttpd closes an idle connection after 5 s; let go of ours before, or
    // a request may meet a connection that is just being closed.
    this.http = new http.Agent({ keepAlive: true, timeout: 3000 });
    this.api = {
      get: (where, query, headers) => this.request({
        path: where + queryString(query), headers,
      }),
      post: (where, body, headers) => this.send('POST', where, body, headers),
      delete: (where, headers) => this.request({ method: 'DELETE', path: where, headers }),
    };
  }

  request(options) {
    return request(this.http, this.url, options);
  }

  /** Objects go as JSON; strings and Buffers as they are, as text/plain. */
  send(method, where, body, headers = {}, options = {}) {
    const raw = typeof body === 'string' || Buffer.isBuffer(body);
    const data = Buffer.from(raw ? body : JSON.stringify(body ?? {}));
    return this.request({
      method,
      path: where,
      body: data,
      headers: {
        'content-type': raw ? 'text/plain' : 'application/json',
        'content-length': data.length,
        ...headers,
      },
      ...options,
    });
  }

  // --- the customer's side ---

  beat(session, tabId, extra) {
    return this.tell('heartbeat', session, tabId, extra);
  }

  online(session, tabId, extra) {
    return this.tell('online', session, tabId, extra);
  }

  offline(session, tabId, extra) {
    return this.tell('offline', session, tabId, extra);
  }

  typing(session, tabId, extra) {
    return this.tell('typing', session, tabId, { typing: true, ...extra });
  }

  tell(what, { conversationId, sessionId }, tabId, extra, options) {
    const body = { conversationId, sessionId, tabId, ...extra };
    return this.send('POST', `/api/widget/${what}`, JSON.stringify(body), {}, options);
  }

  // --- the host application's side ---

  /** Makes a conversation, or one more session of it; throws if refused. */
  async conversation({ id, platform, inbox, name, apiKey = this.apiKey } = {}) {
    const answer = await this.api.post('/api/conversations',
      { id, platform, inbox, name }, { authorization: `Bearer ${apiKey}` });
    if (answer.status !== 200 && answer.status !== 201)
      throw new Error(`conversation: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  // --- the agent's side ---

  /** The presence of one (a string), several (an array) or all that are online. */
  async presence(conversationId, { token = this.agentToken, ...query } = {}) {
    const answer = await this.api.get('/api/widget/presence',
      { conversationId, ...query }, { authorization: `Bearer ${token}` });
    if (answer.status !== 200)
      throw new Error(`presence: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  /** One long poll; timeout in seconds. Gives the whole answer. */
  pollAnswer({ token = this.agentToken, ...query } = {}) {
    return this.request({
      path: `/api/widget/events${queryString(query)}`,
      headers: { authorization: `Bearer ${token}` },
      deadline: (query.timeout ?? 20) * 1000 + 15000,
    });
  }

  /** One long poll: its JSON; throws if it is not a 200. */
  async poll(options) {
    const answer = await this.pollAnswer(options);
    if (answer.status !== 200)
      throw new Error(`events: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  /** A cursor that stands at now. */
  async cursor(options) {
    return (await this.poll({ timeout: 0, ...options })).cursor;
  }

  /** Waits until the conversation has that status; gives its presence. */
  async becomes(conversationId, status, options) {
    return until(async () => {
      const presence = await this.presence(conversationId, options);
      return presence.status === status && presence;
    }, { deadline: 20000, what: `${conversationId} becomes ${status}` });
  }

  /** Waits until that many of its tabs live. */
  async hasTabs(conversationId, count, options) {
    return until(async () =>
      (await this.presence(conversationId, options)).socketsInRoom === count,
    { deadline: 20000, what: `${count} tabs of ${conversationId}` });
  }

  /** Its comings and goings since then: ['online', 'left', 'timeout', …]. */
  async movesSince(cursor, conversationId, options) {
    const { events } = await this.poll({ cursor, conversationId, timeout: 0, ...options });
    return events.filter(({ event }) => event !== 'customer:heartbeat')
      .map(({ event, reason }) => reason ?? event.replace('customer:', ''));
  }

  // --- the machine ---

  /**
   * What was sent byte for byte, and all that came back until the server
   * closed. "/api/" in its first line is put where this server has it.
   */
  raw(text, { deadline = 10000, end = true } = {}) {
    const bytes = Buffer.from(Buffer.from(text).toString('latin1')
      .replace(/^(\S+ )\/api\//, `$1${this.prefix}/api/`), 'latin1');
    return new Promise((resolve, reject) => {
      const chunks = [];
      const socket = net.connect(this.port, '127.0.0.1', () => {
        if (end)
          socket.end(bytes);
        else
          socket.write(bytes);
      });
      const done = (timedOut) => {
        const text = Buffer.concat(chunks).toString('latin1');
        const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0);
        socket.destroy();
        resolve({ status, text, body: text.split('\r\n\r\n').slice(1).join('\r\n\r\n'), timedOut });
      };
      socket.setTimeout(deadline, () => done(true));
      socket.on('data', (chunk) => chunks.push(chunk));
      socket.on('close', () => done(false));
      socket.on('error', (err) => (chunks.length > 0 ? done(false) : reject(err)));
    });
  }

  /** The process ids of this demo's `presence.fcgi` or `events.fcgi`. */
  processes(name) {
    return descendantsOf(this.pid).filter((p) => p.comm === name).map((p) => p.pid);
  }

  /** One of them; 0 if none. */
  program(name) {
    return this.processes(name)[0] ?? 0;
  }

  /** The processes that serve more than one request: not those of plain CGI. */
  programs() {
    return this.isCgi ? [] : [...this.processes('presence.fcgi'), ...this.processes('events.fcgi')];
  }

  /** How many polls are held, by all processes together. */
  async held() {
    return Number(/^polls +(\d+)$/m.exec((await this.command('status')).stdout)?.[1]);
  }

  /** The web server's own process, which signals are sent to. */
  get serverPid() {
    const names = ['lighttpd', 'apache2', 'nginx'];
    return childrenOf(this.pid).find((p) => names.includes(p.comm))?.pid ?? 0;
  }

  /** Runs the operator's command on this demo's store: {code, stdout, stderr}. */
  command(...args) {
    const program = path.join(ROOT, this.build, 'cgi-bin', 'porchlight');
    return new Promise((resolve) => {
      execFile(program, ['-c', this.config, ...args], (err, stdout, stderr) =>
        resolve({ code: err ? err.code ?? 1 : 0, stdout, stderr }));
    });
  }

  /** The same for what makes something: its NAME=VALUE lines; throws if it failed. */
  async made(...args) {
    const { code, stdout, stderr } = await this.command(...args);
    if (code !== 0)
      throw new Error(`porchlight ${args.join(' ')}: ${code} ${stderr}`);
    return Object.fromEntries(stdout.trim().split('\n').map((line) => line.split('=')));
  }

  /** All that the servers and programs have logged. */
  log() {
    return readLogs(this.dataDir);
  }

  /** Ends the demo and waits for it; throws if it did not end well. */
  async stop({ keepData = !this.ownsDir } = {}) {
    this.stopped = true;
    this.http.destroy();
    const all = descendantsOf(this.pid).map((p) => p.pid);
    const code = await end(this.child);
    // What was killed takes a moment to be gone.
    await until(() => !all.some(isAlive), { deadline: 5000 }).catch(() => {});
    const left = all.filter(isAlive);
    const log = this.log();
    if (!keepData)
      fs.rmSync(this.dataDir, { recursive: true, force: true });
    if (code !== 0)
      throw new Error(`the demo ended with ${code}:\n${this.output()}${log.slice(-4000)}`);
    if (left.length > 0)
      throw new Error(`the demo ended and left ${left.length} processes behind`);
    const fault = /^.*(AddressSanitizer|LeakSanitizer|runtime error:|Assertion).*$/m.exec(log);
    if (fault)
      throw new Error(`a program reported a fault:\n${log.slice(fault.index).slice(0, 6000)}`);
  }
}

/** SIGTERM, then the exit code (or the signal's name). */
async function end(child) {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    try {
      await until(() => child.exitCode !== null || child.signalCode !== null,
        { deadline: STOP_DEADLINE_MS, what: 'the demo ends after SIGTERM' });
    } finally {
      if (child.exitCode === null)
        child.kill('SIGKILL');
    }
  }
  running.delete(child);
  return child.exitCode ?? child.signalCode;
}

/**
 * Starts `./dev demo` and waits until it serves.
 *
 *   set      settings, for example {timeoutMs: 3000}
 *   server   web server, default $SERVER or lighttpd
 *   build    build folder, default $BUILD or build
 *   dataDir  an existing folder to use (and keep) instead of a new one
 *   root     another tree to run ./dev from
 *   programs a folder of other programs to serve
 *   via      a command that runs ./dev, for example ['prlimit', '--nofile=200']
 */
async function startDemo(options = {}) {
  for (let tries = 1; ; tries++)
    try {
      return await startOnce(options);
    } catch (err) {
      // Another test's, of the seconds between our look and its start.
      if (tries === 3 || !/port \d+ is taken|Address already in use/.test(err.message))
        throw err;
    }
}

async function startOnce({
  set = {}, server = SERVER, build = process.env.BUILD || 'build', dataDir, root = ROOT, programs, via = [],
}) {
  const ownsDir = !dataDir;
  const dir = dataDir ?? fs.mkdtempSync(path.join(os.tmpdir(), 'porchlight-'));
  const args = ['demo', '--port', String(await freePort()), '--data', dir];
  args.push('--server', server);
  for (const [name, value] of Object.entries(set))
    args.push('--set', `${name}=${value}`);

  let text = '';
  const [program, ...rest] = [...via, path.join(root, 'dev'), ...args];
  const child = spawn(program, rest, {
    cwd: root, env: { ...process.env, BUILD: build, ...(programs && { PROGRAMS: programs }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.unref();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => { text += chunk; });
    stream.unref();
  }

  const envFile = path.join(dir, 'demo.env');
  const ended = () => child.exitCode !== null || child.signalCode !== null;
  try {
    await until(() => ended() || fs.existsSync(envFile),
      { deadline: START_DEADLINE_MS, what: `${envFile} appears` });
    if (ended())
      throw new Error(`./dev ${args.join(' ')} ended with ${child.exitCode ?? child.signalCode}`);
  } catch (err) {
    const log = ownsDir ? readLogs(dir).slice(-4000) : '';
    await end(child).catch(() => {});
    if (ownsDir)
      fs.rmSync(dir, { recursive: true, force: true });
    err.message += `\n${text}${log}`;
    throw err;
  }
  return new Demo({
    child, build, server, ownsDir, dataDir: dir,
    env: parseEnv(fs.readFileSync(envFile, 'utf8')), output: () => text,
  });
}

function readLogs(dir) {
  if (!fs.existsSync(dir))
    return '';
  return fs.readdirSync(dir).filter((name) => name.endsWith('.log'))
    .map((name) => fs.readFileSync(path.join(dir, name), 'utf8')).join('');
}

module.exports = {
  startDemo, descendantsOf, isAlive, kill, until, sleep, inParallel, newTab, freePort, parseEnv, ROOT, SERVER, MOST_POLLS,
};
