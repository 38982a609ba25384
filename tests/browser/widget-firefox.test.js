// The widget in Firefox: that another engine than Chromium does the same.

'use strict';

const { test, describe, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { startDemo } = require('../lib/demo');
const { startBrowser, newSite } = require('../lib/browser');

const SET = { timeoutMs: 5000, hiddenTimeoutMs: 8000, heartbeatIntervalMs: 1000,
  minBeatMs: 100, leaveGraceMs: 2000 };

let demo;
let site;
let browser;

async function customer(init) {
  const { conversationId: id, sessionId } = await demo.conversation();
  const path = `/${id}`;
  site.pages[path] = { html: `<!doctype html><title>A page</title>
    <script src="/porchlight-widget.js" data-conversation-id="${id}"
      data-session-id="${sessionId}" async></script>` };
  const profile = await browser.profile();
  const page = await browser.open(profile, site.url + path, { init });
  await demo.becomes(id, 'online');
  await here(page);
  return { profile, page, id, cursor: await demo.cursor() };
}

const here = (page) => page.waitForFunction(() => window.Porchlight &&
  window.Porchlight.status().status === 'online');

describe('the widget in Firefox', { timeout: 180000, concurrency: 2 }, () => {
  before(async () => {
    demo = await startDemo({ set: SET });
    site = await newSite(demo, { '/empty': { html: '<!doctype html><title>Empty</title>' } });
    browser = await startBrowser({ name: 'firefox' });
  });

  after(async () => {
    const noise = browser?.takeNoise();
    await browser?.end();
    await site?.close();
    await demo?.stop();
    assert.deepEqual(noise, []);
  });

  test('here, away while hidden, here; two tabs, one closed, both', async () => {
    const { profile, page, id, cursor } = await customer();
    const second = await browser.open(profile, page.url(), { tab: true });
    await demo.hasTabs(id, 2);
    await second.close();
    await demo.hasTabs(id, 1);
    await page.bringToFront();
    await demo.becomes(id, 'online');
    const empty = await browser.open(profile, `${site.url}/empty`, { tab: true });
    await demo.becomes(id, 'away');
    await empty.close();
    await page.bringToFront();
    await demo.becomes(id, 'online');
    assert.deepEqual(await demo.movesSince(cursor, id), []);
    await page.close();
    await demo.becomes(id, 'offline');
    assert.deepEqual(await demo.movesSince(cursor, id), ['left']);
  });

  test('anew: nothing happens; away and back: left, and here', async () => {
    const { page, id, cursor } = await customer();
    await page.reload();
    await here(page);
    await demo.hasTabs(id, 1);
    assert.deepEqual(await demo.movesSince(cursor, id), []);
    await page.evaluate(() => { window.kept = true; });
    await page.goto(`${site.url}/empty`);
    await demo.becomes(id, 'offline');
    await page.evaluate(() => { history.back(); });
    await demo.becomes(id, 'online');
    assert.deepEqual(await demo.movesSince(cursor, id), ['left', 'online']);
    assert.equal(await page.evaluate(() => window.kept), true, 'it was in the cache');
  });

  for (const [name, init] of [
    ['fetch', 'delete Navigator.prototype.sendBeacon; delete window.XMLHttpRequest;'],
    ['XMLHttpRequest', 'delete Navigator.prototype.sendBeacon; delete window.fetch;'],
  ])
    test(`it beats and leaves by ${name} alone`, async () => {
      const { page, id, cursor } = await customer(init);
      await page.goto(`${site.url}/empty`);
      await demo.becomes(id, 'offline');
      assert.deepEqual(await demo.movesSince(cursor, id), ['left']);
    });
});
