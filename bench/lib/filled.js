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
const FILL_DEADLINE_MS = 1800000;
// Synced to the disk group by group a million beats take long: where there is
// memory for it, the file is made there, and then copied.
const MEMORY = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();

function hash(kind, n, digits) {
  return crypto.createHash('sha256').update(`${kind} ${n}`).digest('hex').slice(0, digits);
}

/** The ids of customer n, as bench/customer.c makes them. */
function customer(n) {
  return {
    conversationId: `conv_${hash('conversation', n, 24)}`,
    sessionId: hash('session', n, 32),
    tabId: `tab ${n}.0`,
  };
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

/** Customers `have` to `want` - 1 come, and all beat; one in `companies` is the demo's own. */
function fill({ config, have, want, tabs = 1, companies = 1, span, database }) {
  execFileSync(made('fill'), [config, have, want, tabs, companies, span].map(String), {
    stdio: ['ignore', 'ignore', 'pipe'], // it tells that the clock was set back, by itself
    timeout: FILL_DEADLINE_MS,
    env: { ...process.env, ...(database && { PORCHLIGHT_DATABASE: database }) },
  });
}

/** A demo in that folder with so many customers online. */
async function startFilled({ dataDir, customers, tabs, companies, span, set, via }) {
  const first = await startDemo({ dataDir, set });
  await first.stop();
  const folder = fs.mkdtempSync(path.join(MEMORY, 'porchlight-'));
  const database = path.join(folder, 'demo.db');
  try {
    fs.copyFileSync(first.db, database);
    fill({ config: first.config, have: 0, want: customers, tabs, companies, span, database });
    fs.copyFileSync(database, first.db);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return startDemo({ dataDir, set, via });
}

module.exports = { customer, fill, made, newFolder, startFilled };
