// The widget in Firefox: that another engine than Chromium does the same.

'use strict';

const { test, describe, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { startDemo, until } = require('../lib/demo');
const { startBrowser, newSite, newCompany } = require('../lib/browser');

const SET = { timeoutMs: 5000, hiddenTimeoutMs: 8000, heartbeatIntervalMs: 1000,
  minBeatMs: 100, leaveGraceMs: 2000 };

let demo;
let site;
let shop;
let browser;

/** A customer who is here. from: where his page has the widget from. */
async function customer(init, from = '') {
  const { conversationId: id, sessionId } = await demo.conversation(shop);
  const path = `/${id}`;
  site.pages[path] = { html: `<!doctype html><title>A page</title>
    <script src="${from}/porchlight-widget.js" data-conversation-id="${id}"
      data-session-id="${sessionId}" async></script>` };
  const profile = await browser.profile();
  const page = await browser.open(profile, site.url + path, { init });
  await demo.becomes(id, 'online', shop);
  await here(page);
  return { profile, page, id, cursor: await demo.cursor(shop) };
}

const here = (page) => page.waitForFunction(() => window.Porchlight &&
  window.Porchlight.status().status === 'online');

// One after the other: a new tab opens in whatever window was used last.
describe('the widget in Firefox', { timeout: 180000 }, () => {
  before(async () => {
    demo = await startDemo({ set: SET });
    site = await newSite(demo, { '/empty': { html: '<!doctype html><title>Empty</title>' } });
    shop = await newCompany(demo, 'A shop', site.url);
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
    await demo.hasTabs(id, 2, shop);
    await second.close();
    await demo.hasTabs(id, 1, shop);
    await page.bringToFront();
    await demo.becomes(id, 'online', shop);
    const empty = await browser.open(profile, `${site.url}/empty`, { tab: true });
    await demo.becomes(id, 'away', shop);
    await empty.close();
    await page.bringToFront();
    await demo.becomes(id, 'online', shop);
    assert.deepEqual(await demo.movesSince(cursor, id, shop), []);
    await page.close();
    // By its beacon or by silence: driven from outside, Firefox may end the
    // page's process before the beacon is out.
    await demo.becomes(id, 'offline', shop);
  });

  test('anew: nothing happens; away and back: left, and here', async () => {
    const { page, id, cursor } = await customer();
    await page.reload();
    await here(page);
    await demo.hasTabs(id, 1, shop);
    assert.deepEqual(await demo.movesSince(cursor, id, shop), []);
    await page.evaluate(() => { window.kept = true; });
    await page.goto(`${site.url}/empty`);
    await demo.becomes(id, 'offline', shop);
    await page.evaluate(() => { history.back(); });
    await demo.becomes(id, 'online', shop);
    assert.deepEqual(await demo.movesSince(cursor, id, shop), ['left', 'online']);
    assert.equal(await page.evaluate(() => window.kept), true, 'it was in the cache');
  });

  // It blurs the field after pagehide.
  test('gone while he typed: his typing ends, and he does not come back', async () => {
    const { page, id, cursor } = await customer();
    await page.evaluate(() => {
      const field = document.body.appendChild(document.createElement('input'));
      field.oninput = () => window.Porchlight.typing();
      field.onblur = () => window.Porchlight.typing(false);
      field.focus();
    });
    await page.keyboard.type('Hello');
    await until(async () => (await demo.presence(id, shop)).typing);
    await page.goto(`${site.url}/empty`);
    await demo.becomes(id, 'offline', shop);
    assert.deepEqual(await demo.movesSince(cursor, id, shop), ['left']);
  });

  // Nothing is logged, which is looked at in the end: not even about a worker
  // that may not be.
  test('of another origin: hidden it is away', async () => {
    const { profile, id } = await customer('', site.otherUrl);
    await browser.open(profile, `${site.url}/empty`, { tab: true });
    await demo.becomes(id, 'away', shop);
  });

  for (const [name, init] of [
    ['fetch', 'delete Navigator.prototype.sendBeacon; delete window.XMLHttpRequest;'],
    ['XMLHttpRequest', 'delete Navigator.prototype.sendBeacon; delete window.fetch;'],
  ])
    test(`it beats and leaves by ${name} alone`, async () => {
      const { page, id, cursor } = await customer(init);
      await page.evaluate(() => window.Porchlight.destroy());
      await demo.becomes(id, 'offline', shop);
      assert.deepEqual(await demo.movesSince(cursor, id, shop), ['left']);
    });
});
