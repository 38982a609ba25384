// A demo whose store is full of customers who are online, made by bench/fill
// (its top says how), and those customers.

'use strict';

const { execFileSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { startDemo, ROOT } = require('../../tests/lib/demo');

const BUILD = path.resolve(ROOT, process.env.BUILD || 'build');
const LINE = 30; // of the file of customers
const FILL_DEADLINE_MS = 1800000;
const OVERTAKEN = 0.13; // as in bench/fill.c
// Synced to the disk group by group a million beats take long: where there is
// memory for it, the file is made there, and then copied.
const MEMORY = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();

function hash(kind, n, digits) {
  return crypto.createHash('sha256').update(`${kind} ${n}`).digest('hex').slice(0, digits);
}

/** Where the ids of their conversations are. */
function customersFile(config) {
  return path.join(path.dirname(config), 'customers');
}

/** The customers that were filled in, by number: what they send, as bench/customer.h says it. */
function customersOf({ config }) {
  const lines = fs.readFileSync(customersFile(config), 'latin1');
  return (n) => ({
    conversationId: lines.slice(n * LINE, (n + 1) * LINE - 1),
    sessionId: hash('session', n, 32),
    tabId: `tab ${n}`,
  });
}

/** Customers 0 to n - 1 as they beat one after the other; the same order as of bench/fill, by and large. */
function inTurn(n) {
  const turns = Float64Array.from({ length: n }, (_, i) => parseInt(hash('turn', i, 12), 16));
  const line = Uint32Array.from({ length: n }, (_, i) => i).sort((a, b) => turns[a] - turns[b]);
  for (let i = 0; i < n; i++) {
    const j = i + Math.floor(Math.random() * OVERTAKEN * n);
    if (j < n)
      [line[i], line[j]] = [line[j], line[i]];
  }
  return line;
}

/** The path of a program of the bench, which is made if it is not there. */
function made(program) {
  execFileSync('make', ['-C', BUILD, '-s', `bench/${program}`], { stdio: 'pipe', timeout: 120000 });
  return path.join(BUILD, 'bench', program);
}

/** A folder on the disk that the checkout is on. */
function newFolder(name) {
  fs.mkdirSync(path.join(BUILD, 'bench'), { recursive: true });
  return fs.mkdtempSync(path.join(BUILD, 'bench', `${name}-`));
}

/** The first `want` customers beat, within `span` ms that ended `ago` ms ago; those from `have` on come with it. */
function fill({ config, have, want, companies = 1, span, ago = 0, database }) {
  execFileSync(made('fill'), [config, customersFile(config), have, want, companies, span, ago].map(String), {
    stdio: ['ignore', 'ignore', 'pipe'], // it tells that the clock was set back, by itself
    timeout: FILL_DEADLINE_MS,
    env: { ...process.env, ...(database && { PORCHLIGHT_DATABASE: database }) },
  });
}

/**
 * Customers come, and beat every `span` ms, until all is as it would be at any
 * time: half of them are a beat ahead of the others, so half of the beats that
 * follow have to put off the moment at which their conversation runs out.
 */
function come({ want, span, ...rest }) {
  fill({ ...rest, have: 0, want: want / 2, span, ago: 2 * span });
  fill({ ...rest, have: want / 2, want, span, ago: span });
  fill({ ...rest, have: want, want, span });
}

/** The same once more, of those who are there. */
function goOn({ want, span, ...rest }) {
  fill({ ...rest, have: want, want: want / 2, span, ago: span });
  fill({ ...rest, have: want, want, span });
}

/** A demo in that folder with so many customers online. */
async function startFilled({ dataDir, customers, companies, span, set, via }) {
  const first = await startDemo({ dataDir, set });
  await first.stop();
  const folder = fs.mkdtempSync(path.join(MEMORY, 'porchlight-'));
  const database = path.join(folder, 'demo.db');
  try {
    fs.copyFileSync(first.db, database);
    come({ config: first.config, want: customers, companies, span, database });
    fs.copyFileSync(database, first.db);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return startDemo({ dataDir, set, via });
}

module.exports = { customersFile, customersOf, fill, goOn, inTurn, made, newFolder, startFilled };
