// Strings from outside stay strings: in SQL they are bound, a log line or a
// line of the command's output is one line and speaks to no terminal.
// (Pages: tests/browser/injection.test.js.)

'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test, before, after } = require('node:test');
const { startDemo, newTab } = require('../lib/demo');

let demo;

before(async () => {
  demo = await startDemo({ set: { minBeatMs: 0, leaveGraceMs: 0, log: 'debug', signInFailures: 1000 } });
});
after(() => demo?.stop());

// Line ends of all kinds, escape sequences with one byte and with two.
const HOSTILE = {
  'a new line': 'a\n2025-10-03T10:30:00.000Z presence[1] error: forged',
  'a carriage return': 'a\rforged',
  'an escape sequence': 'a\u001b[2J\u001b]0;forged\u0007',
  'the same in UTF-8': 'a\u009b2J\u009d0;forged\u009c',
  'NEL': 'a\u0085forged',
  'DEL and backspace': 'a\u007f\b\b\b',
};
// Clean text, and yet.
const CLEAN = [
  '\'; DROP TABLE conversation; --', '" OR 1=1 --', 'x\' UNION SELECT secret FROM signing_key --',
  '%s%n%n%n%d', '$(touch /tmp/x)`id`', '%%', '?1', ':id', '\\n\\x1b[2J', '\\', '"', '[]', 'null',
  'a\u2028b', '\u202egnp.exe', '../../etc/passwd', '<script>alert(1)</script>',
];

/** The programs' log lines, whoever keeps them. */
function programLines() {
  return demo.log().split('\n').filter((line) => /(presence|events)\[\d+\]/.test(line));
}

const LINE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (presence|events)\[\d+\] (error|warn|info|debug): /;

test('control characters are refused wherever text is taken', async () => {
  const session = await demo.conversation();
  for (const [what, text] of Object.entries(HOSTILE)) {
    for (const member of ['id', 'name', 'inbox', 'platform'])
      assert.equal((await demo.api.post('/api/conversations', { [member]: text }, demo.asHost)).status, 400,
        `${member}: ${what}`);
    for (const member of ['name', 'email', 'siteKey'])
      assert.equal((await demo.api.post('/api/widget/conversations',
        { siteKey: demo.siteKey, [member]: text })).status, 400, `${member}: ${what}`);
    for (const member of ['conversationId', 'sessionId', 'tabId', 'visibility'])
      assert.equal((await demo.beat(session, newTab(), { [member]: text })).status, 400, `${member}: ${what}`);
    for (const name of ['conversationId', 'client', 'cursor', 'after'])
      assert.equal((await demo.api.get('/api/widget/events', { timeout: 0, [name]: text }, demo.asAgent)).status,
        400, `${name}: ${what}`);
    assert.equal((await demo.api.post('/api/agent/session', { token: text })).status, 400, what);
    const { status } = await demo.api.delete(`/api/conversations/${encodeURIComponent(text)}`, demo.asHost);
    assert.ok([400, 403, 404].includes(status), `DELETE: ${what}: ${status}`); // some servers refuse it themselves
  }
});

test('headers and paths of any bytes make no line of the programs\' log', async () => {
  for (const text of Object.values(HOSTILE)) {
    const value = Buffer.from(text.replace(/[\r\n\0]/g, '\t'), 'utf8').toString('latin1');
    for (const where of ['presence', 'events', encodeURIComponent(text)])
      await demo.raw(Buffer.from(`GET /api/widget/${where}?timeout=0 HTTP/1.0\r\n` +
        ['Host', 'Authorization', 'Cookie', 'Origin', 'User-Agent', 'Referer', 'X-Forwarded-For', 'Forwarded',
          'Sec-Fetch-Site'].map((name) => `${name}: ${value}\r\n`).join('') + '\r\n', 'latin1'), { end: false });
  }
  for (const line of programLines())
    assert.ok(!line.includes('forged'), line);
});

test('clean text is kept as it is, whatever it means elsewhere', async () => {
  for (const [i, text] of CLEAN.entries()) {
    const id = `${text} ${i}`;
    const session = await demo.conversation({ id, name: text, inbox: text });
    assert.equal(session.conversationId, id);
    const cursor = await demo.cursor();
    assert.equal((await demo.online(session, text)).status, 200, text);
    const shown = await demo.presence(id);
    assert.deepEqual([shown.conversationId, shown.name, shown.isOnline], [id, text, true]);
    const { events } = await demo.poll({ cursor, timeout: 0, conversationId: id });
    assert.deepEqual(events.map((e) => e.conversationId), [id]);
    assert.equal((await demo.presence([id, 'conv_123'])).presences.length, 2);
    assert.equal((await demo.offline(session, text)).status, 200, text);
  }
  for (const text of CLEAN) {
    for (const headers of [{ authorization: `Bearer ${text}` }, { cookie: `porchlight=${text}` }]) {
      const value = Object.values(headers)[0];
      if (/^[\x20-\x7e]*$/.test(value)) // the others cannot be sent
        assert.equal((await demo.api.get('/api/widget/presence', {}, headers)).status, 401, value);
    }
    const form = await demo.api.post('/api/widget/conversations', { siteKey: text });
    assert.equal(form.status, 403, text);
  }
  assert.equal((await demo.presence('conv_123')).conversationId, 'conv_123', 'all is still there');
});

test('each line of the log is a line of ours, without a control character', async () => {
  const lines = programLines();
  for (const text of CLEAN)
    assert.ok(lines.some((line) => line.includes(text)), `nothing tells of ${text}`);
  for (const line of lines) {
    assert.match(line, LINE);
    assert.doesNotMatch(line, /[\0-\x1f\x7f-\x9f\ufffd]/);
  }
  // In the file of the programs nothing else stands.
  const file = path.join(demo.dataDir, 'programs.log');
  if (fs.existsSync(file))
    for (const line of fs.readFileSync(file, 'utf8').trimEnd().split('\n'))
      assert.match(line, LINE);
});

test('the command takes and shows lines of text', async () => {
  for (const [what, text] of Object.entries(HOSTILE))
    for (const args of [['company', 'add', text], ['agent', 'add', '-C', 'Demo Shop', text],
      ['agent', 'add', '-C', 'Demo Shop', '-i', text, 'Jane'], ['conversation', 'add', '-C', 'Demo Shop', text],
      ['conversation', 'add', '-C', 'Demo Shop', '-n', text, 'x'],
      ['conversation', 'add', '-C', 'Demo Shop', '-i', text, 'x']])
      assert.notEqual((await demo.command(...args)).code, 0, `${args[0]}: ${what}`);
  for (const what of [['conversation', 'list'], ['agent', 'list'], ['company', 'list'], ['status']]) {
    const { code, stdout } = await demo.command(...what);
    assert.equal(code, 0);
    for (const line of stdout.trimEnd().split('\n'))
      assert.doesNotMatch(line, /[\0-\x1f\x7f-\x9f\ufffd]/, what.join(' '));
  }
});
