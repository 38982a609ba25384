// What the peers have in common: processes that are started here and end with
// us, requests to them, and the part of a contender that is the same for all
// (bench/lib/contenders.js says what a contender is).
//
// A process is one that dies with its parent (setpriv --pdeathsig), so that
// none is left behind even where the bench is killed.

'use strict';

const { spawn, execFileSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { descendantsOf, inParallel, isAlive, until } = require('../../tests/lib/demo');

// How long a customer is online without a beat. It is a minute by default; here,
// as in bench/lib/contenders.js, customers outlive all rounds.
const WINDOW_MS = 3600000;
const AT_ONCE = 16; // requests at a time, while a round is prepared
const START_DEADLINE_MS = 20000;
const STOP_DEADLINE_MS = 10000;

const newId = () => crypto.randomBytes(12).toString('base64url');

class Peer {
  constructor({ name, label, port, dir }) {
    Object.assign(this, { name, label, port, dir });
    this.children = [];
    this.apiKey = newId();
    this.agentToken = newId();
    this.people = []; // of the last customers()
    this.http = new http.Agent({ keepAlive: true, timeout: 3000 });
    this.end = () => this.signal('SIGTERM'); // not KILL: a master ends its workers
    process.on('exit', this.end);
  }

  /** Starts a program that stays in the foreground; what it says goes to a log. */
  run(program, args) {
    const log = fs.openSync(path.join(this.dir, `${path.basename(program)}.log`), 'a');
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', program, ...args], {
      cwd: this.dir,
      env: { ...process.env, ...this.env() },
      stdio: ['ignore', log, log],
    });
    fs.closeSync(log);
    child.on('error', (err) => { child.failed = err; });
    this.children.push(child);
    return child;
  }

  /** What the programs are told in their environment. */
  env() {
    return {
      PORT: String(this.port), DIR: this.dir, WINDOW_MS: String(WINDOW_MS),
      API_KEY: this.apiKey, AGENT_TOKEN: this.agentToken,
    };
  }

  /** Waits until it answers a GET of `where` with 200. */
  async ready(where) {
    const answers = () => this.request('GET', where).then((text) => text !== '', () => false);
    const ended = () => this.children.find((child) => child.failed || child.exitCode !== null);
    try {
      await until(async () => ended() || await answers(), { deadline: START_DEADLINE_MS, what: `${this.name} answers` });
      if (ended())
        throw new Error(`${this.name} ended at once`);
    } catch (err) {
      err.message += `\n${this.log()}`;
      await this.stop();
      throw err;
    }
  }

  log() {
    return fs.readdirSync(this.dir).filter((name) => name.endsWith('.log'))
      .map((name) => fs.readFileSync(path.join(this.dir, name), 'utf8')).join('').slice(-4000);
  }

  /** The text of the answer; throws unless it is one of the 200s. */
  request(method, where, { headers = {}, body } = {}) {
    return new Promise((resolve, reject) => {
      const req = http.request({
        port: this.port, host: '127.0.0.1', method, path: where, agent: this.http,
        headers: body === undefined ? headers : { 'content-length': Buffer.byteLength(body), ...headers },
        signal: AbortSignal.timeout(30000),
      }, (res) => {
        let text = '';
        res.setEncoding('utf8');
        res.on('data', (chunk) => { text += chunk; });
        res.on('error', reject);
        res.on('end', () => {
          if (res.statusCode >= 200 && res.statusCode < 300)
            resolve(text);
          else
            reject(new Error(`${this.name}: ${method} ${where}: ${res.statusCode} ${text}`));
        });
      });
      req.on('error', reject);
      req.end(body);
    });
  }

  /** A conversation and its first session, as the host application makes them. */
  async newCustomer() {
    const text = await this.request('POST', '/api/conversations',
      { headers: { authorization: `Bearer ${this.apiKey}` }, body: '{}' });
    return JSON.parse(text);
  }

  newCustomers(n) {
    return this.each(n, () => this.newCustomer());
  }

  /** fn for 0 … n - 1, some at a time; the results in order. */
  each(n, fn) {
    return inParallel(Array.from({ length: n }, (_, i) => i), AT_ONCE, fn);
  }

  pids() {
    return this.children.flatMap(({ pid }) => [pid, ...descendantsOf(pid).map((p) => p.pid)]);
  }

  programs() {
    return this.pids();
  }

  async online() {
    return Number(await this.request('GET', '/online'));
  }

  signal(name) {
    for (const child of this.children)
      if (child.exitCode === null && child.signalCode === null)
        child.kill(name);
  }

  async stop() {
    const all = this.pids();
    this.http.destroy();
    this.signal('SIGTERM');
    await until(() => !all.some(isAlive), { deadline: STOP_DEADLINE_MS }).catch(() => {});
    process.removeListener('exit', this.end);
    const left = all.filter(isAlive);
    for (const pid of left)
      process.kill(pid, 'SIGKILL');
    if (left.length > 0)
      throw new Error(`${this.name}: ${left.length} processes did not end`);
  }
}

/** A whole HTTP/1.1 request. */
function rawRequest(method, where, headers = {}, body = '') {
  const all = { Host: '127.0.0.1', ...headers, ...(body && { 'Content-Length': Buffer.byteLength(body) }) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${where} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

/** The request that begins a WebSocket connection. */
function rawUpgrade(where) {
  return rawRequest('GET', where, {
    Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': 13,
    'Sec-WebSocket-Key': crypto.randomBytes(16).toString('base64'),
  });
}

/** A config file made of a template: @NAME@ becomes values.NAME. */
function fillTemplate(from, to, values) {
  const text = fs.readFileSync(from, 'utf8').replace(/@([A-Z]+)@/g, (_, name) => values[name]);
  fs.writeFileSync(to, text);
}

/** Who we are: the names of user and group. */
function userAndGroup() {
  return ['-un', '-gn'].map((what) => execFileSync('id', [what], { encoding: 'utf8' }).trim());
}

module.exports = { Peer, WINDOW_MS, rawRequest, rawUpgrade, fillTemplate, userAndGroup, newId };
