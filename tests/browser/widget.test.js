// The widget in Chromium, against the real server: a customer who comes, stays,
// goes, is cut off and comes back, in one tab and in several.
//
// Windows are short here. What must not happen is looked up in the stream of
// changes, once what must happen has.

'use strict';

const { test, describe, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const { startDemo, until } = require('../lib/demo');
const { startBrowser, setOffline, fill, visible, shopUrl } =
  require('../lib/browser');

const SET = { timeoutMs: 4000, hiddenTimeoutMs: 6000, heartbeatIntervalMs: 1000,
  minBeatMs: 100, leaveGraceMs: 3000 };

const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

let demo;
let browser;

const widget = (page) => page.evaluate(() => window.Porchlight.status());

/** A customer who is here, and a cursor that stands at now. */
async function customer(options) {
  const { conversationId: id, sessionId } = await demo.conversation();
  const profile = await browser.profile();
  const page = await browser.open(profile,
    `${demo.url}/demo/shop.html?conversation=${id}&session=${sessionId}`, options);
  await demo.becomes(id, 'online');
  await page.waitForFunction(() => window.Porchlight.status().status === 'online');
  return { profile, page, id, cursor: await demo.cursor() };
}

/** Waits until the conversation has had `count` more beats, by the server's clock. */
async function beats(id, count) {
  let { lastHeartbeat: last } = await demo.presence(id);
  for (let i = 0; i < count; i++)
    ({ lastHeartbeat: last } = await until(async () => {
      const presence = await demo.presence(id);
      return presence.lastHeartbeat !== last && presence;
    }, { deadline: 20000, what: `beat ${i + 1} of ${id}` }));
}

describe('the widget in a browser', { timeout: 200000, concurrency: 3 }, () => {
  before(async () => {
    demo = await startDemo({ set: SET });
    browser = await startBrowser();
  });

  after(async () => {
    const noise = browser?.takeNoise();
    await browser?.end();
    await demo?.stop();
    assert.deepEqual(noise, []);
  });

  test('he is here, and his beats keep him here', async () => {
    const { id, cursor } = await customer();
    await beats(id, 10); // of 0.9 s: twice the window
    assert.deepEqual(await demo.movesSince(cursor, id), []);
    assert.equal((await demo.presence(id)).socketsInRoom, 1);
  });

  test('the tab is closed: gone after the grace', async () => {
    const { page, id, cursor } = await customer();
    await page.close();
    await demo.becomes(id, 'offline');
    assert.deepEqual(await demo.movesSince(cursor, id), ['left']);
  });

  test('of two tabs one is closed, then both', async () => {
    const { profile, page, id, cursor } = await customer();
    const second = await browser.open(profile, page.url());
    await demo.hasTabs(id, 2);
    await page.close();
    await demo.hasTabs(id, 1);
    assert.deepEqual(await demo.movesSince(cursor, id), []);
    assert.equal((await demo.presence(id)).status, 'online');
    await second.close();
    await demo.becomes(id, 'offline');
    assert.deepEqual(await demo.movesSince(cursor, id), ['left']);
  });

  test('the network is cut: gone when the window is over; and back at once', async () => {
    const { profile, page, id, cursor } = await customer();
    await setOffline(profile, true);
    const { lastHeartbeat } = await demo.presence(id);
    await demo.becomes(id, 'offline');
    const { events: [gone] } = await demo.poll({ cursor, conversationId: id, timeout: 0 });
    assert.equal(gone.reason, 'timeout');
    assert.ok(Date.parse(gone.timestamp) - Date.parse(lastHeartbeat) >= SET.timeoutMs);
    await page.waitForFunction(() => window.Porchlight.status().status === 'offline');
    assert.equal(await page.$eval('#chat-state', (p) => p.textContent), 'Reconnecting…');

    await setOffline(profile, false);
    await demo.becomes(id, 'online');
    assert.deepEqual(await demo.movesSince(cursor, id), ['timeout', 'online']);
    await page.waitForFunction(() => window.Porchlight.status().status === 'online');
  });

  test('from page to page, back, forward, and anew: nothing happens', async () => {
    const { page, id, cursor } = await customer();
    const steps = [
      ['shop-lamp', () => page.click('.bar nav a[href*="shop-lamp"]')],
      ['shop.html', () => page.click('.brand')],
      ['shop-lamp', () => page.goBack()],
      ['shop.html', () => page.goForward()],
      ['shop.html', () => page.reload()],
      ['shop.html', () => page.reload()],
    ];
    for (const [where, go] of steps) {
      await go();
      await page.waitForFunction((path) => location.pathname.includes(path) &&
        window.Porchlight && window.Porchlight.status().status === 'online', {}, where);
    }
    await demo.hasTabs(id, 1);
    assert.deepEqual(await demo.movesSince(cursor, id), []);
  });

  test('a duplicated tab copies all storage, and is a tab of its own', async () => {
    const { page, id, cursor } = await customer();
    await page.evaluate(() => sessionStorage.setItem('copied', 'yes'));
    const [copy] = await Promise.all([
      new Promise((resolve) => page.once('popup', resolve)),
      page.evaluate(() => { window.open(location.href); }),
    ]);
    await demo.hasTabs(id, 2);
    await copy.waitForFunction(() => window.Porchlight &&
      window.Porchlight.status().status !== 'offline');
    assert.equal(await copy.evaluate(() => sessionStorage.getItem('copied')), 'yes');
    assert.notEqual((await widget(copy)).tabId, (await widget(page)).tabId);
    await copy.close();
    await demo.hasTabs(id, 1);
    assert.deepEqual(await demo.movesSince(cursor, id), []);
  });

  test('the form filled in in one tab is there in the other', async () => {
    const profile = await browser.profile();
    const [one, other] = [await browser.open(profile, shopUrl(demo)),
      await browser.open(profile, shopUrl(demo))];
    await one.click('.bubble');
    await fill(one, 'input[name=name]', 'Sophie');
    await fill(one, 'input[name=email]', 'customer@example.org');
    await one.click('.first button[type=submit]');
    await visible(one, '.say');
    await other.waitForFunction(() => window.Porchlight.status().status === 'online');
    const { conversationId } = await widget(other);
    assert.equal((await widget(one)).conversationId, conversationId);
    await demo.hasTabs(conversationId, 2);
  });

  for (const hours of [3, -3])
    test(`his clock is ${hours} h off: the same`, async () => {
      const { page, id, cursor } = await customer({ init: `(() => {
        const off = ${hours} * 3600000;
        const Real = Date;
        window.Date = class extends Real {
          constructor(...args) { args.length ? super(...args) : super(Real.now() + off); }
          static now() { return Real.now() + off; }
        };
      })()` });
      assert.ok(Math.abs(await page.evaluate(() => Date.now()) - Date.now()) > 3.5e6);
      await beats(id, 4);
      assert.deepEqual(await demo.movesSince(cursor, id), []);
      await page.close();
      await demo.becomes(id, 'offline');
      assert.deepEqual(await demo.movesSince(cursor, id), ['left']);
    });

  test('his clock jumps back while he is cut off: he is told all the same', async () => {
    const { profile, page, id } = await customer();
    await page.evaluate(() => {
      const { now } = Date;
      Date.now = () => now() - 3 * 3600000;
    });
    await setOffline(profile, true);
    await page.waitForFunction(() => window.Porchlight.status().status === 'offline');
    await demo.becomes(id, 'offline');
  });

  test('typing: shows, and wears off', async () => {
    const { page, id } = await customer();
    await page.click('.bubble');
    await fill(page, 'input[name=text]', 'Hello');
    await until(async () => (await demo.presence(id)).typing, { what: 'typing' });
    await until(async () => !(await demo.presence(id)).typing,
      { deadline: 20000, what: 'no longer typing' });
  });

  for (const [scheme, width] of [['light', 1280], ['dark', 390]])
    test(`the shop, ${scheme}, ${width} wide: axe-core holds nothing against it`, async () => {
      const page = await browser.open(await browser.profile());
      const faults = async () => {
        await page.evaluate(AXE);
        const { violations } = await page.evaluate(() => window.axe.run(document));
        return violations.flatMap(({ id, nodes }) =>
          nodes.map(({ failureSummary, html }) => `${id}: ${html}: ${failureSummary}`));
      };
      await page.setViewport({ width, height: 844 });
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
      await page.goto(shopUrl(demo));
      assert.deepEqual(await faults(), []);
      await page.click('.bubble');
      assert.deepEqual(await faults(), []);
      await fill(page, 'input[name=name]', 'Ada');
      await fill(page, 'input[name=email]', 'customer@example.org');
      await page.click('.first button[type=submit]');
      await visible(page, '.say');
      await fill(page, 'input[name=text]', 'Hello');
      await page.click('.say button');
      await visible(page, '.messages .note');
      await visible(page, '#chat-state.live');
      assert.deepEqual(await faults(), []);
      assert.ok(await page.evaluate(() =>
        document.documentElement.scrollWidth <= innerWidth), 'nothing hangs over');
    });
});
