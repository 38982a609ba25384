// What a million tabs online cost beside a thousand: memory of the programs,
// bytes of disk, a beat, the questions of a dashboard.
//
// The databases are filled by bench/fill and served side by side, on the disk;
// each round measures all of them. A customer has a conversation, a session
// and a tab of his own. The beats come in the order in which those before came,
// as those of widgets do, give or take what one is sooner than another; and half
// of them have to put off the moment at which their conversation runs out.

'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { customersOf, goOn, inTurn, newFolder, startFilled } = require('./lib/filled');
const { ROUNDS, count, medians, memory, inRounds, load } = require('./lib/measure');
const { save } = require('./lib/report');

const SIZES = [1000, 10000, 100000, 1000000].filter((size) => size <= count(1000000));
const BEATS = 10000; // a round
const CONNECTIONS = 16;
const QUESTIONS = 100; // of each kind, a round
const COMPANY = 50000; // customers of one
const MANY = 200;
const PAGE = 100;
const STRIDE = 7919; // a prime: what is a multiple of it apart is not the same
const WINDOW = 6 * 3600000; // longer than all this takes; and nothing that came is out of the stream yet
const SPAN = 0.433 * WINDOW; // a widget beats after 80 to 93 % of half a window
const SET = { timeoutMs: WINDOW, minBeatMs: 0, beatsPerMinute: 1000000 };
const PIN = os.cpus().length < 2 ? [] : ['taskset', '-c', '0'];

/** What a process has had of the CPUs, in µs. */
function cpu(pid) {
  return Number(fs.readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1000;
}

function beat(customer) {
  const body = JSON.stringify(customer);
  return 'POST /api/widget/heartbeat HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n' +
    `Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** A demo with so many tabs online. */
class Filled {
  constructor(tabs) {
    this.name = `${tabs} tabs`;
    this.tabs = tabs;
    this.companies = Math.max(1, tabs / COMPANY);
    this.left = inTurn(tabs);
  }

  async start(folder) {
    const dataDir = path.join(folder, String(this.tabs));
    fs.mkdirSync(dataDir);
    const at = Date.now();
    this.demo = await startFilled({
      dataDir, customers: this.tabs, companies: this.companies, span: SPAN, set: SET, via: PIN,
    });
    this.customer = customersOf(this.demo);
    this.diskPerTab = fs.statSync(this.demo.db).size / this.tabs;
    this.parts = this.breakdown();
    console.log(`${this.name}: there after ${((Date.now() - at) / 1000).toFixed(0)} s`);
  }

  /** Bytes a tab of each table and index. */
  breakdown() {
    const rows = execFileSync('sqlite3', ['-readonly', '-json', this.demo.db,
      'SELECT name, sum(pgsize) AS bytes FROM dbstat GROUP BY name ORDER BY bytes DESC'], { timeout: 60000 });
    return JSON.parse(rows).map(({ name, bytes }) => [name, bytes / this.tabs]);
  }

  /** The next customers to beat. When all have, they are as they were at first. */
  next(n) {
    if (this.left.length < n) {
      goOn({ config: this.demo.config, want: this.tabs, companies: this.companies, span: SPAN });
      this.left = inTurn(this.tabs);
    }
    const some = this.left.subarray(0, n);
    this.left = this.left.subarray(n);
    return [...some];
  }

  /** Sends each of the requests once: CPU of the program and latency of each. */
  async ask(requests, expect, connections) {
    const pid = this.demo.program('presence.fcgi');
    let before;
    const { beats } = await load({
      beats: { proto: 'http', port: this.demo.port, requests, expect, connections, count: requests.length },
    }, () => { before = cpu(pid); });
    return { cpu: (cpu(pid) - before) / requests.length, ms: beats.latency.p50 };
  }

  async beats() {
    const portion = Math.min(BEATS, this.tabs);
    const portions = [];
    for (let sent = 0; sent < BEATS; sent += portion)
      portions.push(await this.ask(this.next(portion).map((n) => beat(this.customer(n))), '"ok":true', CONNECTIONS));
    return medians(portions);
  }

  /** Some of the demo's own customers, whom its agent may see, from all over the tables. */
  some(n) {
    const all = this.tabs / this.companies;
    const first = Math.floor(Math.random() * all);
    return Array.from({ length: n }, (_, i) =>
      ['conversationId', this.customer((first + i * STRIDE) % all * this.companies).conversationId]);
  }

  /** The presence of those, one question after the other. */
  questions(query) {
    const requests = Array.from({ length: QUESTIONS }, () => 'GET /api/widget/presence?' +
      `${new URLSearchParams(query())} HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
      `Authorization: Bearer ${this.demo.agentToken}\r\n\r\n`);
    return this.ask(requests, '"isOnline":true', 1);
  }

  async check() {
    const some = await this.demo.presence(this.some(MANY).map(([, id]) => id));
    const page = await this.demo.presence(undefined, { limit: PAGE });
    const online = [some, page].map(({ presences }) => presences.filter((p) => p.isOnline).length);
    if (String(online) !== String([MANY, PAGE]))
      throw new Error(`${this.name}: ${online} are online of ${MANY} and ${PAGE}`);
  }

  async round() {
    const beats = await this.beats();
    const one = await this.questions(() => this.some(1));
    const many = await this.questions(() => this.some(MANY));
    const page = await this.questions(() => [['limit', PAGE]]);
    await this.check();
    return {
      beatCpu: beats.cpu, beat: beats.ms, // µs a beat are ms for 1,000
      oneCpu: one.cpu, one: one.ms,
      manyCpu: many.cpu, many: many.ms,
      pageCpu: page.cpu, page: page.ms,
      presenceMemory: memory([this.demo.program('presence.fcgi')]),
      eventsMemory: memory([this.demo.program('events.fcgi')]),
    };
  }
}

function print(rows) {
  const columns = [
    ['tabs', (r) => r.tabs],
    ['beat, CPU µs', (r) => r.beatCpu.toFixed(1)],
    ['one, CPU µs', (r) => r.oneCpu.toFixed(0)],
    ['ms', (r) => r.one.toFixed(2)],
    [`${MANY}, CPU µs`, (r) => r.manyCpu.toFixed(0)],
    ['ms', (r) => r.many.toFixed(2)],
    ['page, CPU µs', (r) => r.pageCpu.toFixed(0)],
    ['ms', (r) => r.page.toFixed(2)],
    ['memory, kB', (r) => (r.memory / 1024).toFixed(0)],
    ['disk a tab', (r) => r.diskPerTab.toFixed(0)],
  ];
  console.log(columns.map(([name]) => name.padStart(13)).join(''));
  for (const row of rows)
    console.log(columns.map(([, text]) => String(text(row)).padStart(13)).join(''));
  for (const [name, bytes] of rows.at(-1).parts.slice(0, 12))
    console.log(`${bytes.toFixed(1).padStart(13)} bytes a tab: ${name}`);
}

async function main() {
  const folder = newFolder('tabs');
  const all = SIZES.map((size) => new Filled(size));
  try {
    if (PIN.length > 0)
      execFileSync('taskset', ['-acp', '1', String(process.pid)], { stdio: 'ignore' });
    for (const one of all)
      await one.start(folder);
    const found = await inRounds(all, (one) => one.round());
    const rows = all.map((one) => {
      const row = { tabs: one.tabs, ...medians(found.get(one)), diskPerTab: one.diskPerTab, parts: one.parts };
      return { ...row, memory: row.presenceMemory + row.eventsMemory };
    });
    print(rows);
    save('tabs', { runs: ROUNDS, rows });
  } finally {
    for (const one of all)
      await one.demo?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((err) => {
  console.error(err);
  process.exitCode = 1;
});
