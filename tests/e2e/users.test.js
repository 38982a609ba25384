// Agents whom the web server knows (REMOTE_USER), with each server's own
// authentication, set up as the comments of the shipped configs say.

'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { startDemo } = require('../lib/demo');

const SERVER = process.env.SERVER || 'lighttpd';

/** The lines that the config of that server has in its comments. */
function fromComments(file, passwords) {
  const text = fs.readFileSync(path.join(__dirname, '..', '..', file), 'utf8');
  const lines = text.slice(text.indexOf('# Agents by an authentication'))
    .split('\n\n')[0].split('\n').filter((line) => line.startsWith('#   '));
  assert.ok(lines.length > 4, `${file} says how`);
  return lines.map((line) => line.slice(4)).join('\n')
    .replace(/"\/[^"]*agents\.htpasswd"/, `"${passwords}"`);
}

/** Files of a password, as htpasswd -s writes them. */
const line = (name, password) =>
  `${name}:{SHA}${crypto.createHash('sha1').update(password).digest('base64')}\n`;

const CONFIGS = {
  lighttpd: 'lighttpd-conf/porchlight.conf',
  lighttpd_cgi: 'lighttpd-conf/porchlight-cgi.conf',
  mod_fcgid: 'apache-conf/porchlight-fcgid.conf',
  proxy_fcgi: 'apache-conf/porchlight-proxy.conf',
  cgi: 'apache-conf/porchlight-cgi.conf',
};
// nginx wants its lines inside a location, the bundle in an .htaccess.
const skip = CONFIGS[SERVER] ? false : 'its lines go elsewhere';

const MODULES = ['auth_basic', 'authn_core', 'authn_file', 'authz_user'].map((name) =>
  `LoadModule ${name}_module \${MODULES}/mod_${name}.so\n`).join('');

test('whom the web server lets in is an agent, and nobody else', { skip }, async (t) => {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'porchlight-'));
  t.after(() => fs.rmSync(dataDir, { recursive: true, force: true }));
  const passwords = path.join(dataDir, 'agents.htpasswd');
  fs.writeFileSync(passwords, line('zoe', 'secret') + line('leaver', 'secret'));
  fs.writeFileSync(path.join(dataDir, 'extra.conf'),
    (SERVER.startsWith('lighttpd') ? '' : MODULES) + fromComments(CONFIGS[SERVER], passwords));
  const demo = await startDemo({ dataDir, set: { remoteUserCompany: 'Demo Shop' } });
  t.after(() => demo.stop());

  const basic = (name, password) =>
    ({ authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` });
  const ask = async (headers) => Promise.all([
    demo.api.get('/api/widget/presence', {}, headers),
    demo.api.get('/api/widget/events', { timeout: 0 }, headers),
  ]).then((answers) => answers.map((a) => a.status));
  assert.deepEqual(await ask(basic('zoe', 'secret')), [200, 200]);
  assert.deepEqual(await ask(basic('zoe', 'wrong')), [401, 401]);
  assert.deepEqual(await ask(basic('nobody', 'secret')), [401, 401]);
  assert.deepEqual(await ask({}), [401, 401]);
  assert.deepEqual(await ask({ 'remote-user': 'zoe' }), [401, 401]);

  // The customers are asked for nothing.
  const form = await demo.api.post('/api/widget/conversations', { siteKey: demo.siteKey });
  assert.equal(form.status, 201);
  assert.equal((await demo.online(form.json, 'a-tab')).status, 200);
  assert.equal((await demo.api.get('/api/health')).status, 200);

  for (const verb of ['add', 'revoke']) {
    const { code, stderr } = await demo.command('agent', verb, '-C', 'Demo Shop', 'leaver');
    assert.equal(code, 0, stderr);
  }
  assert.deepEqual(await ask(basic('leaver', 'secret')), [401, 401], 'revoked here');
});
