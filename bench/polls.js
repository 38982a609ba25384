// One events.fcgi holds 5,000 polls behind lighttpd with the shipped config:
// what that costs in memory, and how long one change takes to reach them all.
//
// Each dashboard is a bare socket with one request on it, so that the client
// costs as little as can be: it has the second core.

'use strict';

const fs = require('node:fs');
const net = require('node:net');
const { startDemo, newTab, until, sleep } = require('../tests/lib/demo');

const POLLS = 5000;
const AT_ONCE = 200; // connections opened between two looks

/** Resident memory of a process in bytes. */
function resident(pid) {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
}

function openSockets(pid) {
  return fs.readdirSync(`/proc/${pid}/fd`).length;
}

/** A dashboard that waits; `answered` is told once with the whole answer. */
function dashboard(demo, cursor, i, answered) {
  const socket = net.connect(demo.port, '127.0.0.1');
  const query = `timeout=55&client=bench${i}&cursor=${encodeURIComponent(cursor)}`;
  let text = '';
  socket.on('error', (err) => answered(err));
  socket.on('close', () => answered(null, text));
  socket.on('data', (chunk) => { text += chunk.toString('latin1'); });
  socket.write(`GET /api/widget/events?${query} HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
    `Connection: close\r\nAuthorization: Bearer ${demo.agentToken}\r\n\r\n`);
}

async function main() {
  const demo = await startDemo({ set: { minBeatMs: 0 } });
  try {
    const session = await demo.conversation();
    const cursor = await demo.cursor();
    const pid = demo.program('events.fcgi');
    const before = { memory: resident(pid), sockets: openSockets(pid) };
    let woken = 0;
    const bad = [];
    let last;
    const answered = (err, text) => {
      last = process.hrtime.bigint();
      woken++;
      if (err || !text.startsWith('HTTP/1.1 200') || !text.includes(session.sessionId))
        bad.push(err ?? text);
    };
    const start = Date.now();
    for (let i = 0; i < POLLS; i++) {
      dashboard(demo, cursor, i, answered);
      if ((i + 1) % AT_ONCE === 0)
        await until(() => openSockets(pid) >= before.sockets + i + 1 || bad.length > 0,
          { deadline: 30000, every: 5, what: `${i + 1} polls are held` });
    }
    const parked = Date.now() - start;
    await sleep(500);
    const memory = resident(pid);
    console.log(`${POLLS} polls held by one events.fcgi (pid ${pid}), all there after ${parked} ms`);
    console.log(`events.fcgi resident: ${(before.memory / 1e6).toFixed(1)} MB before, ` +
      `${(memory / 1e6).toFixed(1)} MB with them, ` +
      `${Math.round((memory - before.memory) / POLLS)} bytes a poll`);

    const sent = process.hrtime.bigint();
    await demo.online(session, newTab());
    const took = Number(process.hrtime.bigint() - sent) / 1e6;
    await until(() => woken === POLLS, { deadline: 30000, every: 5, what: 'all are told' });
    console.log(`one change: its POST answered after ${took.toFixed(1)} ms, ` +
      `the last of ${POLLS} dashboards told after ${(Number(last - sent) / 1e6).toFixed(0)} ms`);
    if (bad.length > 0)
      throw new Error(`${bad.length} polls were not told: ${String(bad[0]).slice(0, 500)}`);
    if (demo.program('events.fcgi') !== pid)
      throw new Error('events.fcgi was started again meanwhile');
  } finally {
    await demo.stop();
  }
}

main().catch((err) => {
  console.error(err);
  process.exitCode = 1;
});
