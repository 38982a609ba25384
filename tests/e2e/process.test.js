// The processes and their files: what the programs have given up, who may
// read what they write, and what they tell of the secrets they are given.

'use strict';

const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { startDemo, newTab, until, ROOT, SERVER } = require('../lib/demo');

const SANITIZED = /asan/.test(process.env.BUILD ?? ''); // see lib/sandbox.c

function statusOf(pid) {
  return Object.fromEntries(fs.readFileSync(`/proc/${pid}/status`, 'utf8')
    .split('\n').map((line) => line.split(/:\s+/)));
}

let demo;

before(async () => {
  demo = await startDemo({ set: { minBeatMs: 0, log: 'debug' } });
  assert.equal((await demo.pollAnswer({ timeout: 0 })).status, 200); // both are there
});
after(() => demo?.stop());

test('both programs run in the sandbox', { skip: SANITIZED && 'not with a sanitizer' }, async (t) => {
  const pids = demo.programs();
  assert.ok(demo.isCgi || pids.length >= 2);
  for (const pid of pids)
    assert.equal(statusOf(pid).NoNewPrivs, '1');
  // What the kernel has is taken, and told; the log is the only word of
  // Landlock, and all that is left of plain CGI's.
  const log = demo.log();
  const mayFilter = statusOf('self').Seccomp !== undefined;
  for (const program of ['presence', 'events']) {
    assert.match(log, new RegExp(`${program}\\[\\d+\\] debug: sandbox: (Landlock \\d|no Landlock)`));
    assert.match(log, new RegExp(`${program}\\[\\d+\\] debug: sandbox: (seccomp|no filter)`));
  }
  if (mayFilter && !/no filter/.test(log))
    for (const pid of pids)
      assert.equal(statusOf(pid).Seccomp, '2');
  else
    t.diagnostic('no filter of system calls here');
  if (/no Landlock/.test(log))
    t.diagnostic('no Landlock here');
});

test('sandbox = off leaves them as they are, for a debugger', { skip: SERVER !== 'lighttpd' }, async (t) => {
  const off = await startDemo({ set: { sandbox: 'off', log: 'debug' } });
  t.after(() => off.stop());
  const us = statusOf('self');
  assert.equal(off.programs().length, 2);
  for (const pid of off.programs()) {
    assert.equal(statusOf(pid).NoNewPrivs, us.NoNewPrivs);
    assert.equal(statusOf(pid).Seccomp, us.Seccomp);
  }
  assert.doesNotMatch(off.log(), /sandbox: /);
});

test('all files of the database are for their owner alone', async () => {
  const folder = path.dirname(demo.db);
  const name = path.basename(demo.db);
  await demo.online(await demo.conversation(), newTab());
  const files = fs.readdirSync(folder).filter((f) => f.startsWith(name));
  for (const suffix of ['', '-lock', '-bell', '-shared'])
    assert.ok(files.includes(name + suffix), suffix);
  for (const file of files)
    assert.equal(fs.statSync(path.join(folder, file)).mode & 0o777, 0o600, file);
  assert.equal(fs.statSync(folder).mode & 0o777, 0o700);
});

test('neither log nor process list tell a secret', async () => {
  const session = await demo.conversation({ name: 'Ada' });
  const wrong = 'pla_0123456789012345678901234567890123456789';
  await demo.online(session, newTab());
  await demo.tell('heartbeat', { ...session, sessionId: 'not-mine-secret' }, newTab());
  await demo.presence(session.conversationId);
  await demo.pollAnswer({ timeout: 0, token: wrong });
  const signedIn = await demo.api.post('/api/agent/session', { token: demo.agentToken });
  const cookie = /=([^;]+)/.exec(signedIn.headers['set-cookie'][0])[1];
  await demo.api.post('/api/agent/session', '{"token": "half-a-secret');
  const secrets = [demo.agentToken, demo.apiKey, session.sessionId, wrong, cookie, 'not-mine-secret',
    'half-a-secret'];
  const told = [demo.log(), ...demo.programs().flatMap((pid) =>
    [fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8'), fs.readFileSync(`/proc/${pid}/environ`, 'utf8')])];
  for (const secret of secrets)
    for (const text of told)
      assert.ok(!text.includes(secret), `${secret} in ${text.slice(0, 200)}`);
});

test('a database that all can read is not served, until that is mended', async () => {
  const health = async () => (await demo.api.get('/api/health').catch(() => ({}))).status;
  fs.chmodSync(demo.db, 0o644);
  assert.equal((await demo.command('status')).code, 0, 'its folder is closed');
  fs.chmodSync(demo.dataDir, 0o755);
  fs.chmodSync(path.dirname(demo.db), 0o755);
  for (const pid of demo.programs())
    process.kill(pid, 'SIGTERM');
  const refused = /error: .* is open to every user of this machine \(mode 0644\): chmod o= /;
  await until(async () => await health() === 503 && refused.test(demo.log()),
    { what: 'a new process refuses it' });
  const { code, stderr } = await demo.command('status');
  assert.equal(code, 1);
  assert.match(stderr, /chmod o= /);
  fs.chmodSync(demo.db, 0o600);
  await until(async () => await health() === 200, { what: 'it is served again' });
});

test('watch goes on after another process had the store for long', {
  skip: SERVER !== 'lighttpd',
}, async (t) => {
  const watched = await startDemo({ set: { leaveGraceMs: 100 } });
  t.after(() => watched.stop());
  const program = path.join(ROOT, watched.build, 'cgi-bin', 'porchlight');
  const watch = spawn('script', ['-qec', `'${program}' -c '${watched.config}' watch`, '/dev/null']);
  t.after(() => watch.kill());
  let seen = '';
  watch.stdout.on('data', (data) => { seen += data; });
  const tab = newTab();
  const session = await watched.conversation();
  await watched.online(session, tab);
  await until(() => /\n1 online at/.test(seen), { what: 'he is seen' });
  await watched.tell('offline', session, tab);
  execFileSync('flock', [`${watched.db}-lock`, 'sleep', '3']); // longer than it waits
  seen = '';
  await until(() => /\n0 online at/.test(seen) || watch.exitCode !== null, { what: 'he is gone' });
  assert.equal(watch.exitCode, null, seen);
});

// As INSTALL.txt has it: FTP opens the file that is there and writes over it.
test('the bundle is updated by uploads while its programs run', {
  skip: SERVER !== 'bundle' && 'for the bundle',
}, async (t) => {
  const updated = await startDemo();
  t.after(() => updated.stop());
  const folder = path.join(updated.dataDir, 'host/home/shop/public_html/porchlight');
  const session = await updated.conversation();
  await updated.online(session, newTab());
  await updated.pollAnswer({ timeout: 0 });
  const before = updated.programs();
  assert.equal(before.length, 2);

  const names = ['presence.fcgi', 'events.fcgi'];
  const [, told] = /^An update:(.*)/ms.exec(fs.readFileSync(path.join(folder, 'INSTALL.txt'), 'utf8'));
  for (const name of names) {
    const file = path.join(folder, name);
    const bytes = fs.readFileSync(file);
    if (new RegExp(`delete .*${name}`, 's').test(told))
      fs.rmSync(file);
    fs.writeFileSync(file, bytes);
    fs.chmodSync(file, 0o755);
  }
  assert.equal((await updated.presence(session.conversationId)).status, 'online');
  assert.equal((await updated.pollAnswer({ timeout: 0 })).status, 200);
  const after = updated.programs().filter((pid) => !before.includes(pid));
  assert.equal(after.length, 2, 'the new ones serve');
});
