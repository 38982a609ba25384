// Ten thousand customers who fall silent in the same second, and dashboards
// that wait: each must hear of each, once, dated at the moment at which the
// lease ran out, and soon. Late is the answer's arrival against that moment.
//
// Some dashboards watch the whole company, some 200 conversations each. Once
// nothing else happens, and once 500 beats a second come from customers who
// stay. What arrives is only put aside while it comes; it is read afterwards.

'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const { until, sleep, startDemo } = require('../tests/lib/demo');
const { customersOf, fill, newFolder } = require('./lib/filled');
const { ROUNDS, count, median, load } = require('./lib/measure');
const { save } = require('./lib/report');

const CUSTOMERS = count(10000);
const STAY = 1000; // customers who go on beating
const RATE = 500; // beats of theirs, a second
const WATCH_ALL = 2;
const WATCH_SOME = 4;
const SOME = 200;
const WINDOW_MS = 10000;
const SPAN_MS = 1000; // in which all fall silent
const PATIENCE_MS = 30000;
const PIN = os.cpus().length < 2 ? [] : ['taskset', '-c', '0'];
const SET = {
  timeoutMs: WINDOW_MS, heartbeatIntervalMs: WINDOW_MS / 2, minBeatMs: 0,
  beatsPerMinute: 1000000, pollTimeoutMs: 55000,
};

const now = () => performance.timeOrigin + performance.now();

/** A dashboard on a bare socket, which asks again as soon as it is told. */
class Dashboard {
  constructor(demo, ids, cursor) {
    this.ids = ids;
    this.answers = []; // {at, body}
    this.text = '';
    const query = new URLSearchParams((ids ?? []).map((id) => ['conversationId', id]));
    this.ask = (from) => this.socket.write(
      `GET /api/widget/events?timeout=55&cursor=${from}&${query} HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
      `Authorization: Bearer ${demo.agentToken}\r\n\r\n`);
    this.socket = net.connect(demo.port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk) => this.take(chunk));
    this.socket.on('error', (err) => { this.error = err; });
    this.socket.on('close', () => { this.error ??= new Error('closed'); });
    this.ask(cursor);
  }

  take(chunk) {
    this.text += chunk.toString('latin1');
    const head = this.text.indexOf('\r\n\r\n') + 4;
    if (head < 4)
      return;
    this.length ??= Number(/\r\ncontent-length: *(\d+)/i.exec(this.text.slice(0, head))[1]);
    if (this.text.length < head + this.length)
      return;
    this.answers.push({ at: now(), body: this.text.slice(head) });
    this.ask(/"cursor":"([^"]+)"/.exec(this.text)[1]);
    this.text = '';
    this.length = undefined;
  }

  /** How many it has heard of, without reading it all. */
  heard() {
    if (this.error)
      throw this.error;
    for (; this.counted < this.answers.length; this.counted++)
      this.count += this.answers[this.counted].body.split('"customer:offline"').length - 1;
    return this.count;
  }

  counted = 0;
  count = 0;

  close() {
    this.error = null;
    this.socket.destroy();
  }
}

/** When each of them will run out: {conversationId: moment}. */
async function moments(demo, leaving) {
  const all = new Map();
  for (let page; !page || page.next;) {
    page = await demo.presence(undefined, { limit: 500, after: page?.next });
    for (const { conversationId, expiresAt } of page.presences)
      if (leaving.has(conversationId))
        all.set(conversationId, Date.parse(expiresAt));
  }
  if (all.size !== leaving.size)
    throw new Error(`${all.size} of ${leaving.size} are online`);
  return all;
}

/** What that dashboard was told, against what it should have been. */
function compare(dashboard, expected, found) {
  const seen = new Map();
  for (const { at, body } of dashboard.answers)
    for (const { event, conversationId, timestamp } of JSON.parse(body).events) {
      if (event !== 'customer:offline')
        continue;
      const moment = expected.get(conversationId);
      found.events++;
      found.twice += seen.has(conversationId);
      found.wrong += Date.parse(timestamp) !== moment;
      found.late.push(at - moment);
      seen.set(conversationId, at);
    }
  for (const id of dashboard.ids ?? expected.keys())
    found.lost += !seen.has(id);
}

/** The beats of those who stay, until stop() is called. */
function beatsBeside(demo, customer, rate) {
  const requests = Array.from({ length: STAY }, (_, i) => {
    const body = JSON.stringify(customer(CUSTOMERS + i));
    return 'POST /api/widget/heartbeat HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n' +
      `Content-Length: ${body.length}\r\n\r\n${body}`;
  });
  return load({
    beats: {
      proto: 'http', port: demo.port, requests, expect: '"ok":true', connections: 8, rate,
      count: rate * 2 * WINDOW_MS / 1000,
    },
  });
}

/** All come, or beat once more: half of all beats do not move the moment at which it is looked. */
async function beatAll(demo, run, want) {
  await sleep(SPAN_MS); // nothing is dated before what was written last
  fill({ config: demo.config, have: run.have, want, span: SPAN_MS });
  run.have = Math.max(run.have, want);
}

async function measure(demo, run, rate) {
  const want = CUSTOMERS + (rate > 0 ? STAY : 0);
  const found = { events: 0, twice: 0, lost: 0, wrong: 0, late: [] };
  await beatAll(demo, run, want);
  await beatAll(demo, run, want);
  const customer = customersOf(demo);
  const ids = Array.from({ length: CUSTOMERS }, (_, i) => customer(i).conversationId);
  const beside = rate > 0 ? beatsBeside(demo, customer, rate) : null;
  const expected = await moments(demo, new Set(ids));
  const cursor = await demo.cursor();
  const dashboards = [
    ...Array.from({ length: WATCH_ALL }, () => new Dashboard(demo, null, cursor)),
    ...Array.from({ length: WATCH_SOME }, (_, i) =>
      new Dashboard(demo, ids.filter((_id, k) => k % (CUSTOMERS / SOME) === i), cursor)),
  ];
  const last = Math.max(...expected.values());
  if (Math.min(...expected.values()) < now())
    throw new Error('the first have run out before all was ready');
  await sleep(last - now());
  await until(() => dashboards.every((d) => d.heard() >= (d.ids ?? ids).length),
    { deadline: PATIENCE_MS, every: 200, what: 'all dashboards have heard of all' }).catch(() => {});
  dashboards.forEach((d) => d.close());
  const { beats } = await beside ?? {};
  for (const dashboard of dashboards)
    compare(dashboard, expected, found);
  found.late.sort((a, b) => a - b);
  const at = (share) => found.late[Math.min(found.late.length - 1, Math.floor(found.late.length * share))];
  return {
    span: last - Math.min(...expected.values()),
    events: found.events, twice: found.twice, lost: found.lost, wrong: found.wrong,
    p50: at(0.5), p99: at(0.99), latest: at(1), beat: beats?.latency.p99,
  };
}

async function main() {
  const dataDir = newFolder('expiry');
  let demo;
  try {
    if (PIN.length > 0)
      execFileSync('taskset', ['-acp', '1', String(process.pid)], { stdio: 'ignore' });
    demo = await startDemo({ dataDir, set: SET, via: PIN });
    const rows = [];
    const run = { have: 0 };
    for (const rate of [0, RATE]) {
      const runs = [];
      for (let i = 0; i < ROUNDS; i++)
        runs.push(await measure(demo, run, rate));
      const of = (name) => median(runs.map((one) => one[name]));
      const sum = (name) => runs.reduce((all, one) => all + one[name], 0);
      rows.push({
        customers: CUSTOMERS, rate, events: of('events'), twice: sum('twice'), lost: sum('lost'), wrong: sum('wrong'),
        p50: of('p50'), p99: of('p99'), latest: of('latest'), beat: rate > 0 ? of('beat') : undefined,
      });
      console.log(`${CUSTOMERS} run out within ${of('span')} ms, ${rate} beats/s beside: late ` +
        `p50 ${of('p50').toFixed(0)} ms  p99 ${of('p99').toFixed(0)} ms  latest ${of('latest').toFixed(0)} ms; ` +
        `${of('events')} events, ${sum('twice')} twice, ${sum('lost')} lost, ${sum('wrong')} wrongly dated` +
        `${rate > 0 ? `; a beat takes ${of('beat').toFixed(1)} ms at p99` : ''}`);
    }
    save('expiry', { runs: ROUNDS, rows });
  } finally {
    await demo?.stop();
    fs.rmSync(dataDir, { recursive: true, force: true });
  }
}

main().catch((err) => {
  console.error(err);
  process.exitCode = 1;
});
