// What monitoring is told, and who may ask.

'use strict';

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { startDemo, newTab, until } = require('../lib/demo');

const SAMPLE = /^(porchlight_[a-z_]+)(\{[a-z]+="[^"\\\n]*"(?:,[a-z]+="[^"\\\n]*")*\})? (\d+(?:\.\d+)?)$/;

let demo;

before(async () => {
  demo = await startDemo({ set: { minBeatMs: 0, trustedProxies: '127.0.0.9' } });
});
after(() => demo?.stop());

const ask = (headers = {}) => demo.api.get('/api/metrics', {}, headers);

/** What it says now: a Map of "name{labels}" to number. */
async function metrics() {
  const answer = await ask();
  assert.equal(answer.status, 200, answer.text);
  const samples = answer.text.trimEnd().split('\n').filter((line) => !line.startsWith('#'));
  return new Map(samples.map((line) => {
    const [, name, labels = '', value] = SAMPLE.exec(line) ?? assert.fail(`no sample: ${line}`);
    return [name + labels, Number(value)];
  }));
}

const answered = (program, code) => `porchlight_answers_total{program="${program}",code="${code}"}`;

test('is text that Prometheus reads: a head for each metric, and no sample twice', async () => {
  const answer = await ask();
  assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  assert.ok(answer.text.endsWith('\n'));
  const lines = answer.text.trimEnd().split('\n');
  const seen = new Set();
  let type;
  for (const line of lines) {
    assert.ok(!seen.has(line), line);
    seen.add(line);
    if (line.startsWith('# TYPE '))
      type = /^# TYPE (porchlight_[a-z_]+) (?:counter|gauge|histogram)$/.exec(line)[1];
    else if (!line.startsWith('# HELP '))
      assert.ok(SAMPLE.exec(line)[1].replace(/_(?:bucket|sum|count)$/, '') === type, line);
  }
});

test('counts answers, writes and changes, of all processes together', async () => {
  const before = await metrics();
  const customer = await demo.conversation();
  const beat = JSON.stringify({ ...customer, tabId: newTab() });
  await demo.send('POST', '/api/widget/online', beat);
  await demo.send('POST', '/api/widget/heartbeat', '{');
  assert.equal((await demo.api.get('/api/widget/events', { timeout: 0 })).status, 401);
  const now = await metrics();
  const more = (name) => now.get(name) - before.get(name);
  assert.ok(more(answered('presence', 200)) >= 2); // the beat, and the metrics before
  assert.equal(more(answered('presence', 201)), 1);
  assert.equal(more(answered('presence', 400)), 1);
  assert.equal(more(answered('events', 401)), 1);
  assert.ok(more('porchlight_changes_total') >= 1);
  assert.ok(more('porchlight_write_seconds_count') >= 2);
  assert.equal(now.get('porchlight_write_seconds_bucket{le="+Inf"}'), now.get('porchlight_write_seconds_count'));
  assert.ok(now.get('porchlight_write_seconds_sum') > 0);
});

test('knows who is here, who waits, and how big it is', async () => {
  const before = (await metrics()).get('porchlight_conversations_online');
  const customer = await demo.conversation();
  const tab = { ...customer, tabId: newTab() };
  await demo.send('POST', '/api/widget/online', JSON.stringify(tab));
  const waits = demo.api.get('/api/widget/events', { conversationId: customer.conversationId, timeout: 20 },
    { authorization: `Bearer ${demo.agentToken}` });
  await until(async () => (await metrics()).get('porchlight_polls') === 1, { what: 'a poll is held' });
  const now = await metrics();
  assert.equal(now.get('porchlight_conversations_online'), before + 1);
  assert.ok(now.get('porchlight_polls_max') > 1);
  assert.ok(now.get('porchlight_database_bytes') > 1024);
  assert.ok(now.get('porchlight_log_bytes') > 0);
  assert.ok([...now.keys()].some((name) => /^porchlight_build_info\{version="[^"]+",sqlite="3\.[^"]+"\}$/.test(name)));
  await demo.send('POST', '/api/widget/heartbeat', JSON.stringify(tab));
  assert.equal((await waits).status, 200);
  await until(async () => (await metrics()).get('porchlight_polls') === 0, { what: 'none is' });
});

test('is for loopback alone, and not for whom an unknown proxy speaks', async () => {
  for (const headers of [{ 'x-forwarded-for': '127.0.0.1' }, { 'x-forwarded-for': '198.51.100.7' },
    { forwarded: 'for=127.0.0.1' }]) {
    const answer = await ask(headers);
    assert.equal(answer.status, 403, JSON.stringify(headers));
    assert.ok(!answer.text.includes('porchlight_'));
  }
  const post = await demo.send('POST', '/api/metrics', '{}');
  assert.equal(post.status, 405);
  assert.equal(post.headers.allow, 'GET, HEAD, OPTIONS');
});

test('is for whom the config says', async (t) => {
  const other = await startDemo({ set: { metricsFrom: '198.51.100.0/24', trustedProxies: '127.0.0.1' } });
  t.after(() => other.stop());
  const from = async (address) =>
    (await other.api.get('/api/metrics', {}, address ? { 'x-forwarded-for': address } : {})).status;
  assert.equal(await from(), 403);
  assert.equal(await from('198.51.100.7'), 200);
  assert.equal(await from('198.51.101.7'), 403);
  // The client passes by what the proxy says, under a name of which some servers make the same variable.
  for (const headers of [{ 'x-forwarded-for': '198.51.101.7', x_forwarded_for: '198.51.100.7' },
    { x_forwarded_for: '198.51.100.7', 'x-forwarded-for': '198.51.101.7' }])
    assert.equal((await other.api.get('/api/metrics', {}, headers)).status, 403, JSON.stringify(headers));
});
