// porchlight doctor: all well behind every server; and each thing that can be
// wrong on a machine made really wrong. (What cannot be, a clock for one, is
// told to the checks in tests/unit/test_doctor.c.)

'use strict';

const assert = require('node:assert/strict');
const { execFile, execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { startDemo, until, descendantsOf, ROOT } = require('../lib/demo');

const BUILD = process.env.BUILD || 'build';
const PROGRAM = path.join(ROOT, BUILD, 'cgi-bin', 'porchlight');
const IS_ROOT = process.getuid() === 0;
const HOLD_MS = 1000;

/** For what is the same behind all servers. */
const once = process.env.SERVER ? { skip: 'the same behind all servers' } : {};
const asRoot = once.skip || IS_ROOT ? once : { skip: 'for root' };

let demo;

before(async () => {
  demo = await startDemo({ set: { pollTimeoutMs: HOLD_MS } });
});
after(() => demo?.stop());

/** "FAIL  disk  3 MiB" → {verdict, name, text}. */
function parse(stdout) {
  return stdout.split('\n').map((line) => /^(ok|warn|FAIL) +(\S+) +(.*)$/.exec(line))
    .filter(Boolean).map(([, verdict, name, text]) => ({ verdict, name, text }));
}

/** Runs the doctor: {code, stdout, lines, find}. */
function run(args, options = {}) {
  return new Promise((resolve) => {
    execFile(options.program ?? PROGRAM, args, { timeout: 60000, ...options }, (err, stdout, stderr) => {
      const lines = parse(stdout);
      resolve({
        code: err ? err.code ?? 1 : 0, stdout, stderr, lines,
        find: (verdict, name) => lines.find((l) => l.verdict === verdict && l.name === name)?.text,
      });
    });
  });
}

const examine = (of, ...args) => run(['-c', of.config, 'doctor', ...args]);

/** That was found, and the doctor's exit status tells of it. */
function wrong(found, name, words) {
  assert.match(found.find('FAIL', name) ?? '', words, found.stdout + found.stderr);
  assert.equal(found.code, 1);
}

/**
 * What the doctor sees at a URL that is served, when nothing else is in the
 * way: a machine that is busy with other tests may stand still for a second,
 * and that is wrong too.
 */
async function visit(of, is, url = of.url) {
  let found;
  try {
    await until(async () => {
      found = await examine(of, '--url', url);
      return is(found);
    }, { deadline: 60000 });
  } catch {
    // What was seen last is told by whoever asked.
  }
  return found;
}

/** The same, of a server with which nothing is wrong. */
async function visitWell(of, url = of.url) {
  const found = await visit(of, ({ code }) => code === 0, url);
  assert.equal(found.code, 0, found.stdout + found.stderr);
  return found;
}

function tempDir(t) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'porchlight-doctor-'));
  t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A database of its own, without a server: its folder, config and files. */
function install(dir, ...settings) {
  const config = path.join(dir, 'porchlight.conf');
  const db = path.join(dir, 'porchlight.db');
  fs.writeFileSync(config, [`database = ${db}`, ...settings, ''].join('\n'), { mode: 0o644 });
  execFileSync(PROGRAM, ['-c', config, 'init'], { stdio: 'ignore' });
  return { dir, config, db };
}

/** A folder that is mounted for this test; undefined, and the test skipped,
 *  where that may not be. */
function mount(t, command, ...args) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'porchlight-doctor-'));
  try {
    execFileSync(command, [...args, dir], { stdio: 'ignore' });
  } catch {
    fs.rmdirSync(dir);
    t.skip(`${command} does not work here`);
    return undefined;
  }
  t.after(() => {
    execFileSync('umount', ['--lazy', dir]);
    fs.rmdirSync(dir);
  });
  return dir;
}

// --- all is well ---

const NAMES = {
  lighttpd: /lighttpd/, mod_fcgid: /Apache mod_fcgid/, proxy_fcgi: /Apache mod_proxy_fcgi/,
  nginx: /nginx/, cgi: /Apache.*plain CGI/, lighttpd_cgi: /lighttpd.*plain CGI/, bundle: /mod_fcgid/,
};

test('all is well, nobody notices, and nothing is left behind', async () => {
  const cursor = await demo.cursor();
  const found = await visitWell(demo);
  for (const name of ['database', 'store', 'disk', 'clock', 'poll-hold', 'limits', 'web-root',
    'url-health', 'url-clock', 'url-beat', 'url-agent', 'url-hold', 'authorization'])
    assert.ok(found.find('ok', name), `${name}\n${found.stdout}`);
  // A machine that is busy with other tests may be slow to wake.
  assert.match(found.lines.find((l) => l.name === 'url-wake').text, /is seen by a waiting dashboard/);
  const servers = found.lines.filter((l) => l.name === 'server');
  assert.equal(servers.length, 2);
  for (const { verdict, text } of servers) {
    assert.equal(verdict, 'ok');
    assert.match(text, NAMES[demo.server]);
  }
  assert.equal((await demo.command('company', 'list')).stdout.trim().split('\n').length, 2);
  const { stdout } = await demo.command('status');
  assert.match(stdout, /^companies +1$/m);
  assert.match(stdout, /^agents +1$/m);
  assert.match(stdout, /^conversations +3$/m);
  assert.match(stdout, /^changes +0$/m);
  assert.deepEqual((await demo.poll({ cursor, timeout: 0 })).events, []);
});

test('the bundle has a doctor of its own, on a host that has nothing', {
  skip: process.env.SERVER !== 'bundle' && 'for the bundle',
}, async () => {
  const host = path.join(demo.dataDir, 'host');
  const inside = (...args) => run(['--userspec=33:33', host,
    '/home/shop/public_html/porchlight/porchlight', 'doctor', ...args], { program: 'chroot' });
  const found = await inside();
  assert.equal(found.code, 0, found.stdout + found.stderr);
  assert.match(found.find('ok', 'owner'), /^shop, and you are shop$/);
  assert.ok(found.find('ok', 'web-root'));
  assert.match(found.find('warn', 'sqlite') ?? 'the bundle', /the bundle/);
  wrong(await inside('--url', demo.url), 'url-health', /there is no curl/);

  // The host forbids CGIPassAuth: what the doctor names instead really works.
  const htaccess = path.join(host, 'home/shop/public_html/porchlight/.htaccess');
  const text = fs.readFileSync(htaccess, 'utf8').replace(/^CGIPassAuth On$/m, '');
  fs.writeFileSync(htaccess, text);
  const bad = (await examine(demo, '--url', demo.url)).find('FAIL', 'url-agent');
  const [rule] = /RewriteRule [^"]*\]/.exec(bad);
  fs.writeFileSync(htaccess, text.replace('RewriteEngine On', `RewriteEngine On\n${rule}`));
  const mended = await visitWell(demo);
  assert.ok(mended.find('ok', 'url-agent'));
});

// --- from outside ---

test('a URL that is none, of nothing, of somebody else', once, async (t) => {
  wrong(await examine(demo, '--url', 'shop.example'), 'url', /expected one like https/);
  wrong(await examine(demo, '--url', 'http://127.0.0.1:1'), 'url-health', /onnect/);
  wrong(await examine(demo, '--url', `${demo.url}/nowhere`), 'url-health', /404/);
  const other = install(tempDir(t));
  wrong(await examine(other, '--url', demo.url), 'url-beat', /another database/);
  assert.equal((await examine(demo, '--URL')).code, 2);
  assert.equal((await examine(demo, 'now')).code, 2);
});

test('without curl it says so', once, async () => {
  wrong(await run(['-c', demo.config, 'doctor', '--url', demo.url], { env: { PATH: '/nowhere' } }),
    'url-health', /there is no curl/);
});

test('no secret stands in the process list, and Ctrl-C leaves nothing behind', once, async (t) => {
  const config = path.join(tempDir(t), 'patient.conf'); // at work for longer
  fs.writeFileSync(config, `database = ${demo.db}\npollTimeoutMs = 20000\n`);
  const child = spawn(PROGRAM, ['-c', config, 'doctor', '--url', demo.url], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  const shown = await until(() => {
    const curl = descendantsOf(child.pid).find((p) => p.comm === 'curl');
    try {
      return curl && fs.readFileSync(`/proc/${curl.pid}/cmdline`, 'latin1');
    } catch {
      return undefined; // it has its answer already
    }
  }, { what: 'it asks' });
  assert.equal(shown, 'curl\0-q\0-K\0-\0');
  await until(async () => /porchlight-doctor-/.test((await demo.command('company', 'list')).stdout),
    { what: 'its company is there' });
  child.kill('SIGINT');
  await until(() => child.exitCode !== null, { deadline: 30000, what: 'it ends' });
  assert.equal(child.exitCode, 1);
  assert.doesNotMatch((await demo.command('company', 'list')).stdout, /porchlight-doctor-/);
});

/** What stands before the server: it may change what it hands back. */
async function proxy(t, change) {
  const server = http.createServer((req, res) => {
    const onward = http.request(demo.url + req.url, { method: req.method, headers: req.headers }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', async () => {
        await change(req, answer);
        res.writeHead(answer.statusCode, answer.headers);
        res.end(Buffer.concat(chunks));
      });
    });
    onward.on('error', () => res.destroy());
    req.pipe(onward);
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => { server.closeAllConnections(); server.close(); });
  return `http://127.0.0.1:${server.address().port}`;
}

test('answers that are held back, and a clock an hour off', once, async (t) => {
  const url = await proxy(t, async (req, answer) => {
    answer.headers.date = new Date(Date.now() - 3600000).toUTCString();
    if (req.url.startsWith('/api/widget/events') && !req.url.includes('timeout=0'))
      await new Promise((resolve) => { setTimeout(resolve, 2100); });
  });
  const found = await visit(demo, ({ find }) => find('FAIL', 'url-wake'), url);
  wrong(found, 'url-hold', /came back after \d+ ms: something holds answers back/);
  wrong(found, 'url-wake', /Turn buffering off/);
  wrong(found, 'url-clock', /3600 s away|3599 s away|3601 s away/);
});

test('a redirect is followed, and told of', once, async (t) => {
  const server = http.createServer((req, res) => {
    res.writeHead(301, { location: demo.url + req.url });
    res.end();
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => server.close());
  const found = await visitWell(demo, `http://127.0.0.1:${server.address().port}/`);
  assert.match(found.find('warn', 'url'), new RegExp(`leads to ${demo.url}:`));
});

// --- web servers with another config than ours ---

/** A tree like this one, but for what `change` makes of one file of it. */
function tree(t, file, change) {
  const root = tempDir(t);
  const own = ['widget', file.split('/')[0]];
  for (const name of fs.readdirSync(ROOT).filter((n) => !own.includes(n)))
    fs.symlinkSync(path.join(ROOT, name), path.join(root, name));
  for (const name of own)
    fs.cpSync(path.join(ROOT, name), path.join(root, name), { recursive: true });
  fs.chmodSync(root, 0o755);
  const text = fs.readFileSync(path.join(root, file), 'utf8');
  const changed = change(text, root);
  assert.notEqual(changed, text);
  fs.writeFileSync(path.join(root, file), changed);
  return root;
}

test('nginx: no patience, no files, and the database among the pages', once, async (t) => {
  const root = tree(t, 'nginx-conf/porchlight.conf',
    (text) => text.replace('fastcgi_read_timeout 70s', 'fastcgi_read_timeout 1s'));
  const dataDir = path.join(root, 'widget', 'data');
  fs.mkdirSync(dataDir);
  const bad = await startDemo({
    server: 'nginx', root, dataDir, set: { pollTimeoutMs: 2500 },
    via: ['prlimit', '--nofile=200:200'],
  });
  t.after(() => bad.stop());
  await bad.poll({ timeout: 0 });
  let found = await examine(bad);
  wrong(found, 'limits', /up to 300 polls may wait, but events.fcgi may open 200 files.*maxWaiters to 136/);
  wrong(found, 'web-root', /every visitor can load it/);
  found = await visit(bad, ({ find }) => find('FAIL', 'url-hold'));
  wrong(found, 'url-hold', /should be held for 2500 ms was cut off after \d+ ms .*504.*fastcgi_read_timeout/);
  wrong(found, 'url-database', /every visitor can load the database from .*\/data\/demo.db/);
});

test('Apache: the Authorization is kept back, and the named remedy mends it', once, async (t) => {
  let remedy = '';
  const make = async () => {
    const root = tree(t, 'apache-conf/porchlight-fcgid.conf', (text, dir) => `${text.replace(/^ *CGIPassAuth On$/m, '')}
      ${remedy}
      <Directory "${dir}/widget/data">
        Require all denied
      </Directory>`);
    const dataDir = path.join(root, 'widget', 'data');
    fs.mkdirSync(dataDir);
    return startDemo({ server: 'mod_fcgid', root, dataDir, set: { pollTimeoutMs: HOLD_MS } });
  };
  const bad = await make();
  t.after(() => bad.stop());
  let found = await examine(bad);
  assert.equal(found.find('FAIL', 'authorization'), undefined, 'nobody has asked yet');
  for (let i = 0; i < 3; i++)
    assert.equal((await bad.pollAnswer({ timeout: 0 })).status, 401);
  wrong(await examine(bad), 'authorization', /CGIPassAuth On.*FcgidPassHeader Authorization/);
  found = await examine(bad, '--url', bad.url);
  wrong(found, 'url-agent', /CGIPassAuth On.*FcgidPassHeader Authorization/);
  assert.equal(found.find('FAIL', 'url-beat'), undefined);

  remedy = 'FcgidPassHeader Authorization';
  const mended = await make();
  t.after(() => mended.stop());
  found = await visitWell(mended);
  assert.ok(found.find('ok', 'url-agent'));
  assert.ok(found.find('ok', 'authorization'));
  // Refused by one line of the config: not wrong, but not well either.
  assert.match(found.find('warn', 'url-database'), /not given away today/);
});

test('dashboards that sign in by cookie are nothing wrong, though each asks without one first', once, async (t) => {
  const fine = await startDemo();
  t.after(() => fine.stop());
  for (let i = 0; i < 3; i++)
    assert.equal((await fine.api.get('/api/widget/events', { timeout: 0 }, {})).status, 401);
  const { headers } = await fine.api.post('/api/agent/session', { token: fine.agentToken });
  const cookie = headers['set-cookie'][0].split(';')[0];
  assert.equal((await fine.api.get('/api/widget/events', { timeout: 0 }, { cookie })).status, 200);
  const found = await examine(fine);
  assert.match(found.find('warn', 'authorization') ?? '', /by cookie/, found.stdout);
  assert.equal(found.code, 0, found.stdout);
});

// --- files ---

test('a database that others may read, or is not there, or is damaged', once, async (t) => {
  const { dir, config, db } = install(tempDir(t));
  const look = (...args) => run(['-c', config, 'doctor', ...args]);
  let found = await look('-i');
  assert.equal(found.code, 0, found.stdout);
  assert.match(found.find('ok', 'integrity'), /whole/);
  assert.match(found.find('warn', 'server'), /has not served a request/);

  fs.chmodSync(dir, 0o755);
  fs.chmodSync(db, 0o644);
  wrong(await look(), 'readers', /mode 644.*chmod go=/);
  fs.chmodSync(db, 0o600);
  fs.chmodSync(config, 0o666);
  assert.match((await look()).stderr, /chmod o-w/); // no command takes such settings
  fs.chmodSync(config, 0o644);

  const bytes = fs.readFileSync(db);
  fs.writeFileSync(db, Buffer.concat([bytes.subarray(0, 3 * 4096), Buffer.alloc(4096, 'x'), bytes.subarray(4 * 4096)]));
  wrong(await look('-i'), 'integrity', /damaged/);
  fs.rmSync(db);
  wrong(await look(), 'database', /porchlight init/);
  fs.writeFileSync(config, 'databse = /x\n');
  found = await look();
  assert.equal(found.code, 1);
  assert.match(found.stderr, /databse/);
});

test('files of somebody else, and somebody else who looks', asRoot, async (t) => {
  const { dir, config, db } = install(tempDir(t));
  const look = (options) => run(['-c', config, 'doctor'], options);
  fs.chownSync(db, 33, 33);
  fs.chmodSync(dir, 0o755);
  wrong(await look(), 'owner', /-lock belongs to root, the database to www-data.*chown www-data/);
  fs.chownSync(`${db}-lock`, 33, 33);
  wrong(await look(), 'folder', /may not be written by www-data/);
  fs.chownSync(dir, 33, 33);
  const found = await look();
  assert.equal(found.code, 0, found.stdout);
  assert.match(found.find('ok', 'owner'), /^www-data, and you are root$/);
  for (const name of fs.readdirSync(dir).filter((n) => n.startsWith('porchlight.db')))
    assert.equal(fs.statSync(path.join(dir, name)).uid, 33, `${name} is still its owner's`);
  try {
    execFileSync(PROGRAM, ['-V'], { uid: 65534, stdio: 'ignore' });
  } catch {
    t.skip('nobody may run what was built here');
    return;
  }
  wrong(await look({ uid: 65534 }), 'database', /belongs to www-data, and you are nobody/);
});

test('a disk that is nearly full, one that is, and one without inodes', asRoot, async (t) => {
  const dir = mount(t, 'mount', '-t', 'tmpfs', '-o', 'size=4m,mode=700', 'tmpfs');
  if (!dir)
    return;
  const { config } = install(dir);
  wrong(await run(['-c', config, 'doctor']), 'disk', /^3 MiB free: wrong below 16/);
  try {
    fs.writeFileSync(path.join(dir, 'fill'), Buffer.alloc(5 << 20));
  } catch (err) {
    assert.equal(err.code, 'ENOSPC');
  }
  const found = await run(['-c', config, 'doctor']);
  wrong(found, 'folder', /No space left/);
  wrong(found, 'store', /cannot be read or written/);

  const few = mount(t, 'mount', '-t', 'tmpfs', '-o', 'size=512m,nr_inodes=14,mode=700', 'tmpfs');
  wrong(await run(['-c', install(few).config, 'doctor']), 'disk', /more files only/);
});

test('on a network file system all works, and is told of', asRoot, async (t) => {
  const dir = mount(t, 'bindfs', tempDir(t));
  if (!dir)
    return;
  const far = await startDemo({ dataDir: dir, set: { pollTimeoutMs: HOLD_MS } });
  t.after(() => far.stop());
  const found = await visitWell(far);
  assert.match(found.find('warn', 'file-system'), /lies on FUSE.*rollback journal/);
  assert.match(found.find('ok', 'sqlite') ?? 'rollback journal', /rollback journal|SQLite/);
  assert.ok(!fs.existsSync(`${far.db}-wal`));
  assert.equal(far.log().match(/lies on FUSE: a rollback journal/g)?.length, 2, 'once for each program');

  // A poll sees what another process writes, by bell or by tick.
  const held = far.poll({ timeout: 20 });
  await until(async () => await far.held() === 1, { what: 'the poll is held' });
  await far.online(await far.conversation(), 'tab-of-a-test-1');
  assert.equal((await held).events[0].event, 'customer:online');
});
