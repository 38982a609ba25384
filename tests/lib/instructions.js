// How many instructions a beat takes, and how many a poll that is held and
// told: counted by callgrind, so that they are the same on a busy machine and
// on an idle one.
//
// A program is run twice on copies of one database, FEW and MANY times the same
// thing is asked of it, and the difference counts: what it takes to start and
// to end is in both. Each step waits until the program sleeps again, so a turn
// of its loop sees one thing, however slow the machine is.
//
// The counts hold for one build: these compilers, libraries and this kind of
// processor, of which glibc is told to use what all of them have.

'use strict';

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { ROOT, parseEnv, until, sleep } = require('./demo');
const { END, STDOUT, request, records } = require('./fastcgi');

const KEPT = path.join(__dirname, 'instructions.json');
const FEW = 100;
const MANY = 300;
const CUSTOMERS = 20;
const DEADLINE_MS = 60000; // under valgrind, on a machine that does much else
const SETTINGS = { // nothing that is done by the clock, or a slow machine would count more of it
  database: 'p.db', minBeatMs: 0, timeoutMs: 3600000, slowTickMs: 60000, conversationRetentionMs: 0, sandbox: 'off',
  log: 'error',
};
const PLAIN = 'glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX2,-AVX,-BMI2,-LZCNT,-ERMS,-FSRM,' +
  '-SSE4_2,-SSE4_1,-SSSE3,-MOVBE';

const built = (name) => path.join(ROOT, process.env.BUILD || 'build', 'cgi-bin', name);

/** A folder with a database: keys of a company, an agent, and its customers. */
function seed(dir) {
  const config = path.join(dir, 'porchlight.conf');
  fs.writeFileSync(config, Object.entries(SETTINGS).map(([name, value]) => `${name} = ${value}\n`).join(''));
  const command = (...args) =>
    execFileSync(built('porchlight'), ['-c', config, ...args], { encoding: 'utf8', stdio: 'pipe' });
  command('init');
  const { AGENT_TOKEN: token } = parseEnv(command('company', 'add', 'Shop') + command('agent', 'add', 'Jane'));
  const customers = Array.from({ length: CUSTOMERS }, (_, i) => {
    const made = parseEnv(command('conversation', 'add', '-p', 'WIDGET'));
    return { conversationId: made.CONVERSATION_ID, sessionId: made.SESSION_ID, tabId: `tab_${i + 100}` };
  });
  return { token, customers };
}

/** A program on a socket of its own in a folder, as the web server starts it. */
class Program {
  constructor(name, dir, { counted }) {
    this.socket = path.join(dir, `${name}.sock`);
    this.out = path.join(dir, `${name}.callgrind`);
    // Not what is tidied up each second: a slow machine does it after fewer beats.
    const valgrind = counted ? ['valgrind', '--quiet', '--tool=callgrind', `--callgrind-out-file=${this.out}`,
      '--toggle-collect=sqlite_tidy', '--collect-atstart=yes'] : [];
    this.child = spawn('spawn-fcgi',
      ['-n', '-s', this.socket, '--', '/usr/bin/env', `GLIBC_TUNABLES=${PLAIN}`, ...valgrind, built(`${name}.fcgi`)],
      {
        env: { PATH: process.env.PATH, PORCHLIGHT_CONFIG: path.join(dir, 'porchlight.conf') },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
  }

  /** Until it waits for the next thing. */
  async sleeps() {
    const stat = `/proc/${this.child.pid}/stat`;
    await until(() => / S /.test(fs.readFileSync(stat, 'latin1')),
      { deadline: DEADLINE_MS, every: 0, what: `${this.socket} is idle` });
  }

  /** One request on a connection of its own; gives what waits for its answer. */
  async ask(env, body) {
    const socket = net.connect(this.socket);
    let bytes = Buffer.alloc(0);
    socket.on('data', (data) => { bytes = Buffer.concat([bytes, data]); });
    const closed = new Promise((resolve) => {
      socket.on('error', resolve);
      socket.on('close', resolve);
    });
    socket.setTimeout(DEADLINE_MS, () => socket.destroy());
    await new Promise((resolve) => { socket.on('connect', resolve); });
    await this.sleeps();
    socket.write(request(1, { ...env, REMOTE_ADDR: '127.0.0.1', SERVER_SOFTWARE: 'lighttpd' }, { body }));
    await this.sleeps();
    return async () => {
      await closed;
      await this.sleeps();
      return textOf(bytes);
    };
  }

  /** Ends it; the instructions of its whole life, if they were counted. */
  async end() {
    this.child.kill('SIGTERM');
    await until(() => this.child.exitCode !== null || this.child.signalCode !== null,
      { deadline: DEADLINE_MS, what: `${this.socket} ends` });
    return fs.existsSync(this.out) &&
      Number(/^totals: (\d+)$/m.exec(fs.readFileSync(this.out, 'latin1'))[1]);
  }
}

function textOf(bytes) {
  const all = records(bytes);
  if (!all.some((r) => r.type === END))
    throw new Error(`not answered: ${bytes.toString('latin1')}`);
  return all.filter((r) => r.type === STDOUT).map((r) => r.content.toString()).join('');
}

async function beat(presence, customer) {
  const body = JSON.stringify(customer);
  const answered = await presence.ask({
    REQUEST_METHOD: 'POST', REQUEST_URI: '/api/widget/heartbeat',
    CONTENT_TYPE: 'text/plain', CONTENT_LENGTH: String(body.length),
  }, body);
  const text = await answered();
  if (!text.includes('"ok":true'))
    throw new Error(`a beat: ${text}`);
}

/** A poll for one customer, which is held; gives what waits for its answer. */
function poll(events, token, { conversationId }, query) {
  return events.ask({
    REQUEST_METHOD: 'GET', HTTP_AUTHORIZATION: `Bearer ${token}`,
    REQUEST_URI: `/api/widget/events?conversationId=${conversationId}&client=one&${query}`,
  });
}

const cursorOf = (text) => /"cursor":"([^"]+)"/.exec(text)[1];

async function beats(n, { presence }, { customers }) {
  for (let i = 0; i < n; i++)
    await beat(presence, customers[i % CUSTOMERS]);
}

async function wakes(n, { presence, events }, { token, customers: [customer] }) {
  let cursor = cursorOf(await (await poll(events, token, customer, 'timeout=0'))());
  for (let i = 0; i < n; i++) {
    const told = await poll(events, token, customer, `timeout=55&cursor=${cursor}`);
    await beat(presence, customer);
    const text = await told();
    if (!text.includes('"event":"customer:'))
      throw new Error(`a poll that was not told: ${text}`);
    cursor = cursorOf(text);
  }
}

/** Instructions of `counted` while `what` is done n times. */
async function total(counted, what, n, seeded, seededIn) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'porchlight-count-'));
  const programs = {};
  try {
    fs.cpSync(seededIn, dir, { recursive: true });
    for (const name of ['presence', 'events']) {
      programs[name] = new Program(name, dir, { counted: name === counted });
      await until(() => fs.existsSync(programs[name].socket), { what: `${name} listens` });
    }
    await beat(programs.presence, seeded.customers[0]); // it is up
    await what(n, programs, seeded);
    return await programs[counted].end();
  } finally {
    for (const { child } of Object.values(programs))
      child.kill('SIGKILL');
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

/** Instructions of one of them, for one thing more that is asked. */
async function each(counted, what, seeded, dir) {
  const few = await total(counted, what, FEW, seeded, dir);
  const many = await total(counted, what, MANY, seeded, dir);
  return Math.round((many - few) / (MANY - FEW));
}

/** What the counts hold for. */
function build() {
  const version = (command, ...args) => execFileSync(command, args, { encoding: 'utf8' }).trim().split('\n')[0];
  return [process.arch, `gcc ${version('gcc', '-dumpfullversion')}`, version('getconf', 'GNU_LIBC_VERSION'),
    ...['sqlite3', 'json-c', 'libevent_core', 'nettle', 'fcgi'].map((name) =>
      `${name} ${version('pkg-config', '--modversion', name)}`)].join(', ');
}

/** What was counted when it was last accepted. */
const kept = () => JSON.parse(fs.readFileSync(KEPT, 'utf8'));

function keep(counted) {
  fs.writeFileSync(KEPT, `${JSON.stringify(counted, null, 2)}\n`);
}

/**
 * {build, beat, poll}: of presence.fcgi for a beat; of events.fcgi for a poll
 * that is asked, held, and told of a beat.
 */
async function count() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'porchlight-seed-'));
  try {
    const seeded = seed(dir);
    return {
      build: build(),
      beat: await each('presence', beats, seeded, dir),
      poll: await each('events', wakes, seeded, dir),
    };
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

module.exports = { count, build, kept, keep };
