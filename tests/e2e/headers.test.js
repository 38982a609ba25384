// The headers that tell a browser what it must not do: of the API's answers,
// whatever they are, of the demo's pages, and of the scripts. They come from
// the programs and from the configs that are shipped, once each, behind every
// server.

'use strict';

const assert = require('node:assert/strict');
const { test, before, after } = require('node:test');
const { startDemo, newTab } = require('../lib/demo');

let demo;

before(async () => {
  demo = await startDemo({ set: { minBeatMs: 0 } });
});
after(() => demo?.stop());

function has(answer, wanted, what) {
  for (const [name, value] of Object.entries(wanted))
    if (value instanceof RegExp)
      assert.match(answer.headers[name] ?? '', value, `${what}: ${name}`);
    else
      assert.equal(answer.headers[name], value, `${what}: ${name}`); // two would be "a, a"
}

const OF_API = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'vary': /\borigin\b/i,
};

test('every answer of the API is an inert page that nobody keeps', async () => {
  const session = await demo.conversation();
  const { get, post } = demo.api;
  const answers = {
    200: () => get('/api/widget/presence', {}, demo.asAgent),
    '200 of a beat': () => demo.beat(session, newTab()),
    '200 of a poll': () => demo.pollAnswer({ timeout: 0 }),
    '200 of health': () => get('/api/health'),
    201: () => post('/api/conversations', {}, demo.asHost),
    400: () => post('/api/widget/online', '{'),
    401: () => get('/api/widget/presence'),
    '401 of a poll': () => get('/api/widget/events'),
    403: () => demo.beat({ ...session, sessionId: 'another' }, newTab()),
    404: () => get('/api/nothing'),
    405: () => demo.api.delete('/api/health'),
    413: () => post('/api/widget/online', 'x'.repeat(9000)),
    415: () => demo.send('POST', '/api/widget/online', '{}', { 'content-type': 'text/html' }),
    204: () => demo.request({ method: 'OPTIONS', path: '/api/widget/online',
      headers: { 'origin': 'https://elsewhere.example', 'access-control-request-method': 'POST' } }),
  };
  for (const [what, ask] of Object.entries(answers)) {
    const answer = await ask();
    if (what !== '204') // whether a preflight of others is answered so is for another test
      assert.equal(String(answer.status), what.slice(0, 3), answer.text);
    has(answer, OF_API, what);
  }
});

const POLICY = ["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'",
  "connect-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"].join('; ');

test('the pages come with a strict policy', async () => {
  const pages = ['demo/shop.html', 'demo/shop-lamp.html', 'demo/dashboard.html', 'demo/dashboard.js',
    'demo/base.css', 'demo/icon.svg'];
  if (demo.prefix === '') // the bundle has no page of that kind
    pages.push('', 'index.html');
  for (const page of pages) {
    const answer = await demo.api.get(`/${page}`);
    assert.equal(answer.status, 200, page);
    has(answer, {
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
      'content-type': /^(text\/(html|javascript|css)|image\/svg\+xml)/,
    }, page);
  }
});

test('the scripts may be kept for a while, and are scripts', async () => {
  for (const script of ['/porchlight-widget.js', '/porchlight-agent.js']) {
    const answer = await demo.api.get(script);
    assert.equal(answer.status, 200, script);
    has(answer, {
      'content-type': /^text\/javascript/,
      'cache-control': /max-age=\d+/,
      'x-content-type-options': 'nosniff',
    }, script);
  }
});
