// All that is compared, by name: start(NAME) gives it running, with the words
// that each bench speaks to it in.
//
//   ours    lighttpd nginx proxy_fcgi mod_fcgid: the demo with the config that
//           is shipped for that server, its database on the disk of the checkout
//   floors  floor-SERVER (bench/floor.c) and loop-SERVER (bench/loop.c): the
//           same demo, with these two in the programs' place
//   peers   what else one would take, each in its file in bench/peers/
//
// A contender:
//
//   name, label, port    HTTP on 127.0.0.1
//   pids()               all processes of it, as they are now
//   programs()           those that do the work, without the web server's
//   customers(n)         n customers, each online with one tab:
//     {proto, requests, expect, upgrade?, hello?}
//                        requests[i] is a beat of the i-th: a whole HTTP request,
//                        or a text message where proto is 'ws'; to be sent again
//                        and again as it is. expect: what each good answer holds.
//                        ws: upgrade is the request that begins a connection,
//                        hello[i] what to say on the i-th then: pairs of a text
//                        and what its reply holds
//   dashboards(n, i)     n dashboards that wait for the i-th of them:
//     {proto, requests, expect, cursor?, upgrade?, hello?}
//                        the same; @CURSOR@ in a request stands for the last
//                        "cursor" that was answered, `cursor` at first. expect:
//                        what an answer holds that tells of the beat
//   online()             how many customers it holds to be online, null if it
//                        keeps none
//   stop()
//
// The server's side has the first core, where there are two: the other is the
// client's.

'use strict';

const { execFileSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { startDemo, newTab, inParallel, freePort, descendantsOf, ROOT } = require('../../tests/lib/demo');

const BUILD = path.resolve(ROOT, process.env.BUILD || 'build');
const AT_ONCE = 16; // customers that are made at a time
const PROGRAMS = ['presence.fcgi', 'events.fcgi'];
const WAITERS = { lighttpd: 6000, nginx: 6000 }; // more than the default there

const SERVERS = {
  lighttpd: 'lighttpd', nginx: 'nginx', proxy_fcgi: 'mod_proxy_fcgi', mod_fcgid: 'mod_fcgid',
};
const FLOORS = {
  'floor-lighttpd': ['floor', 'lighttpd', 'no-op, lighttpd'],
  'floor-nginx': ['floor', 'nginx', 'no-op, nginx'],
  'loop-lighttpd': ['loop', 'lighttpd', 'no-op, our loop, lighttpd'],
  'loop-nginx': ['loop', 'nginx', 'no-op, our loop, nginx'],
};
const PEERS = ['socketio-ws', 'socketio-polling', 'node', 'php', 'nchan'];

const names = [...Object.keys(SERVERS), ...Object.keys(FLOORS), ...PEERS];

/** A folder of a contender's own, on the disk that the checkout is on. */
function newFolder(name) {
  fs.mkdirSync(path.join(BUILD, 'bench'), { recursive: true });
  return fs.mkdtempSync(path.join(BUILD, 'bench', `${name}-`));
}

/** Processes, and all that they will start, on the first core. */
function pin(pids) {
  if (os.cpus().length < 2)
    return;
  for (const pid of pids) {
    try {
      execFileSync('taskset', ['-acp', '0', String(pid)], { stdio: 'ignore', timeout: 5000 });
    } catch {
      // it has ended since
    }
  }
}

function beatRequest(customer) {
  const body = JSON.stringify(customer);
  return 'POST /api/widget/heartbeat HTTP/1.1\r\nHost: 127.0.0.1\r\n' +
    `Content-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function pollRequest(token, { conversationId }, client) {
  return `GET /api/widget/events?conversationId=${conversationId}&timeout=55&client=${client}` +
    `&cursor=@CURSOR@ HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`;
}

/** What Porchlight and the floors have in common: the demo, and its requests. */
class Served {
  constructor(name, label, demo) {
    Object.assign(this, { name, label, demo, port: demo.port });
    this.people = [];
  }

  pids() {
    return descendantsOf(this.demo.pid).map((p) => p.pid);
  }

  programs() {
    return PROGRAMS.flatMap((name) => this.demo.processes(name));
  }

  async customers(n) {
    this.people = await inParallel(Array.from({ length: n }), AT_ONCE, () => this.newCustomer());
    return { proto: 'http', requests: this.people.map(beatRequest), expect: '"ok":true' };
  }

  async dashboards(n, i) {
    const customer = this.people[i];
    return {
      proto: 'http',
      requests: Array.from({ length: n }, (_, k) =>
        pollRequest(this.demo.agentToken, customer, `bench${i}-${k}`)),
      expect: '"event":"customer:heartbeat"',
      cursor: await this.cursor(customer),
    };
  }

  stop() {
    return this.demo.stop({ keepData: false });
  }
}

class Ours extends Served {
  async newCustomer() {
    const customer = { ...await this.demo.conversation(), tabId: newTab() };
    const answer = await this.demo.send('POST', '/api/widget/heartbeat', JSON.stringify(customer));
    if (answer.status !== 200)
      throw new Error(`a first beat: ${answer.status} ${answer.text}`);
    return customer;
  }

  cursor({ conversationId }) {
    return this.demo.cursor({ conversationId });
  }

  async online() {
    let n = 0;
    let page;
    do {
      page = await this.demo.presence(undefined, { limit: 500, after: page?.next });
      n += page.presences.filter((presence) => presence.isOnline).length;
    } while (page.next);
    return n;
  }
}

/** Knows nobody: ids that are as long as real ones will do. */
class Floor extends Served {
  async newCustomer() {
    return {
      conversationId: `conv_${crypto.randomBytes(12).toString('hex')}`,
      sessionId: crypto.randomBytes(16).toString('hex'),
      tabId: newTab(),
    };
  }

  async cursor() {
    return '0'.repeat(32);
  }

  async online() {
    return null;
  }
}

/** The demo with every beat written, and customers that stay. */
function serve(server, set, more) {
  return startDemo({
    server,
    set: {
      minBeatMs: 0, timeoutMs: 3600000, heartbeatIntervalMs: 30000,
      beatsPerMinute: 1000000, // counted, as where it is shipped
      ...(WAITERS[server] && { maxWaiters: WAITERS[server] }),
      ...set,
    },
    dataDir: newFolder(server),
    ...more,
  });
}

async function startOurs(name, { set }) {
  return new Ours(name, `Porchlight, ${SERVERS[name]}`, await serve(name, set));
}

/** A folder of programs in which both of ours are that floor. */
function floorPrograms(floor) {
  const folder = path.join(BUILD, 'bench', `${floor}.programs`);
  execFileSync('make', ['-C', BUILD, '-s', `bench/${floor}`], { stdio: 'pipe', timeout: 120000 });
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  for (const name of PROGRAMS)
    fs.symlinkSync(path.join(BUILD, 'bench', floor), path.join(folder, name));
  fs.symlinkSync(path.join(BUILD, 'cgi-bin', 'porchlight'), path.join(folder, 'porchlight'));
  return folder;
}

async function startFloor(name, { set }) {
  const [floor, server, label] = FLOORS[name];
  return new Floor(name, label, await serve(server, set, { programs: floorPrograms(floor) }));
}

async function startPeer(name) {
  const { start } = require(`../peers/${name}`);
  const dir = newFolder(name);
  const contender = await start({ port: await freePort(), dir });
  const stop = contender.stop.bind(contender);
  contender.stop = async () => {
    await stop();
    fs.rmSync(dir, { recursive: true, force: true });
  };
  return contender;
}

/** Starts one; `set`: settings beside those of serve(), for ours and the floors. */
async function start(name, options = {}) {
  let contender;
  if (SERVERS[name])
    contender = await startOurs(name, options);
  else if (FLOORS[name])
    contender = await startFloor(name, options);
  else if (PEERS.includes(name))
    contender = await startPeer(name);
  else
    throw new Error(`there is no contender ${name}: ${names.join(' ')}`);
  pin(contender.pids());
  return contender;
}

module.exports = { names, start };
