// ./dev demo itself: what it promises to whoever starts it.

'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { startDemo, freePort, until, ROOT } = require('../lib/demo');

function tempDir(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'porchlight-dev-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Runs ./dev demo, which is expected to end by itself. */
function failing(...args) {
  return new Promise((resolve) => {
    const child = spawn(path.join(ROOT, 'dev'), ['demo', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    child.stdout.on('data', (chunk) => { text += chunk; });
    child.stderr.on('data', (chunk) => { text += chunk; });
    child.on('close', (code) => resolve({ code, text }));
  });
}

test('demo.env is there while it serves, for its owner only, and gone after', async (t) => {
  const dataDir = tempDir(t);
  const demo = await startDemo({ dataDir });
  const envFile = path.join(dataDir, 'demo.env');
  assert.equal(fs.statSync(envFile).mode & 0o777, 0o600);
  assert.equal(fs.statSync(dataDir).mode & 0o777, 0o700);
  assert.doesNotMatch(demo.url, /\/$/);
  assert.equal((await demo.api.get('/api/health')).status, 200);
  assert.ok(fs.existsSync(demo.db));
  const programs = demo.programs();
  assert.equal(programs.length, 2);
  process.kill(demo.pid, 'SIGTERM'); // PID is what ends it
  await until(() => demo.child.exitCode !== null, { what: 'the demo ends' });
  assert.equal(demo.child.exitCode, 0);
  assert.ok(!fs.existsSync(envFile));
  for (const pid of programs)
    assert.ok(!fs.existsSync(`/proc/${pid}`), 'and all it started with it');
  await demo.stop();
});

test('it makes the three conversations of the demo', async (t) => {
  const demo = await startDemo();
  t.after(() => demo.stop());
  const { presences } = await demo.presence(['conv_123', 'conv_facebook', 'conv_instagram']);
  assert.deepEqual(presences.map((p) => p.platform), ['WIDGET', 'FACEBOOK', 'INSTAGRAM']);
});

test('a setting that is none, or out of bounds, is named', async (t) => {
  for (const [set, mention] of [['noSuchThing=1', /noSuchThing/], ['timeoutMs=soon', /timeoutMs/]]) {
    const { code, text } = await failing('--data', tempDir(t), '--set', set);
    assert.notEqual(code, 0);
    assert.match(text, mention);
  }
});

test('a port that is taken, a data folder in use, an unknown server: said, not tried', async (t) => {
  const port = await freePort();
  const squatter = net.createServer().listen(port, '127.0.0.1');
  t.after(() => squatter.close());
  const taken = await failing('--data', tempDir(t), '--port', String(port));
  assert.equal(taken.code, 1);
  assert.match(taken.text, new RegExp(`port ${port} is taken`));

  const dataDir = tempDir(t);
  const demo = await startDemo({ dataDir });
  const second = await failing('--data', dataDir, '--port', String(await freePort()));
  assert.equal(second.code, 1);
  assert.match(second.text, /another demo uses/);
  assert.equal((await demo.api.get('/api/health')).status, 200, 'the first one minds nothing');
  assert.ok(fs.existsSync(path.join(dataDir, 'demo.env')));

  const unknown = await failing('--server', 'carrierpigeon');
  assert.equal(unknown.code, 1);
  assert.match(unknown.text, /carrierpigeon/);
  await demo.stop();
});

test('a web server that dies ends the demo, and says so', async (t) => {
  const dataDir = tempDir(t);
  const demo = await startDemo({ dataDir });
  const stat = fs.readFileSync(`/proc/${demo.program('events.fcgi')}/stat`, 'utf8');
  process.kill(Number(/\) \S (\d+)/.exec(stat)[1]), 'SIGKILL');
  await until(() => demo.child.exitCode !== null, { what: 'the demo ends' });
  assert.equal(demo.child.exitCode, 1);
  assert.match(demo.output(), /lighttpd ended by itself/);
  assert.ok(!fs.existsSync(path.join(dataDir, 'demo.env')));
});
