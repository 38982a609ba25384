// What browsers do to pages that nobody looks at: they slow their timers,
// freeze them, keep them in the back/forward cache, and end them. The timers
// of hidden pages are slowed down here as in real life; windows are short.

'use strict';

const { test, describe, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { startDemo, until } = require('../lib/demo');
const { startBrowser, newSite } = require('../lib/browser');

const SET = { timeoutMs: 4000, hiddenTimeoutMs: 5000, heartbeatIntervalMs: 1000,
  minBeatMs: 100, leaveGraceMs: 1000 };
// Five minutes of a hidden tab, with 150 s made 5 s.
const LONG = 10000;

let demo;
let site;
let browser;

/**
 * A customer on a page of the site that has nothing but the widget: its id, and
 * a cursor that stands at now. attributes: more of them for the tag.
 */
async function customer({ attributes = '', init } = {}) {
  const { conversationId: id, sessionId } = await demo.conversation();
  const path = `/${id}`;
  site.pages[path] = { html: `<!doctype html><title>A page</title>
    <script src="/porchlight-widget.js" data-conversation-id="${id}"
      data-session-id="${sessionId}" ${attributes} async></script>` };
  const profile = await browser.profile();
  const page = await browser.open(profile, site.url + path, { init });
  await demo.becomes(id, 'online');
  await told(page, 'online');
  return { profile, page, id, cursor: await demo.cursor() };
}

const told = (page, status) => page.waitForFunction((wanted) =>
  window.Porchlight && window.Porchlight.status().status === wanted, {}, status);

const hide = ({ profile }) => browser.open(profile, 'about:blank', { tab: true });

describe('a page that nobody looks at', { timeout: 200000, concurrency: 3 }, () => {
  before(async () => {
    demo = await startDemo({ set: SET });
    site = await newSite(demo, { '/empty': { html: '<!doctype html><title>Empty</title>' } });
    browser = await startBrowser({ throttled: true,
      args: ['--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1'] });
  });

  after(async () => {
    const noise = browser?.takeNoise();
    await browser?.end();
    await site?.close();
    await demo?.stop();
    assert.deepEqual(noise, []);
  });

  const ticking = `window.ticks = [];
    setInterval(() => ticks.push(performance.now()), 100);`;
  // Timers that are set while the page is hidden never go off.
  const dead = `const real = setTimeout;
    window.setTimeout = (run, ms) => document.hidden ? 0 : real(run, ms);`;

  for (const [name, options] of [
    ['away, and away it stays', { init: ticking }],
    ['the same without a worker', { init: ticking, attributes: 'data-worker="false"' }],
    ['the same where its timers never go off', { init: dead }],
  ])
    test(`hidden for long: ${name}`, async () => {
      const { page, profile, id, cursor } = await customer(options);
      const other = await hide({ profile });
      await demo.becomes(id, 'away');
      const start = Date.now();
      const seen = new Set();
      await until(async () => {
        seen.add((await demo.presence(id)).status);
        return Date.now() - start > LONG;
      }, { deadline: LONG + 10000, every: 200 });
      assert.deepEqual([...seen], ['away']);
      assert.deepEqual(await demo.movesSince(cursor, id), []);
      if (options.init === ticking) {
        const ticks = await page.evaluate((ms) => window.ticks
          .filter((at) => at > performance.now() - ms).length, LONG);
        assert.ok(ticks < 15, `its timers are slow: ${ticks} of 100`);
      }
      await other.close();
      await page.bringToFront();
      await demo.becomes(id, 'online');
      assert.deepEqual(await demo.movesSince(cursor, id), []);
    });

  test('without the worker, a page whose timers never go off is lost', async () => {
    const here = await customer({ init: dead, attributes: 'data-worker="false"' });
    await hide(here);
    await demo.becomes(here.id, 'offline');
    assert.deepEqual(await demo.movesSince(here.cursor, here.id), ['timeout']);
  });

  test('into the back/forward cache it leaves, out of it it is here', async () => {
    const { page, id, cursor } = await customer();
    await page.evaluate(() => { window.kept = true; });
    const { tabId } = await page.evaluate(() => window.Porchlight.status());
    await page.goto(`${site.url}/empty`);
    await demo.becomes(id, 'offline');
    await page.goBack();
    await demo.becomes(id, 'online');
    await told(page, 'online');
    assert.equal(await page.evaluate(() => window.kept), true, 'it was in the cache');
    assert.equal((await page.evaluate(() => window.Porchlight.status())).tabId, tabId);
    assert.deepEqual(await demo.movesSince(cursor, id), ['left', 'online']);
    assert.equal((await demo.presence(id)).socketsInRoom, 1);
  });

  test('once it was hidden, too', async () => {
    const { profile, page, id } = await customer();
    const other = await hide({ profile });
    await demo.becomes(id, 'away');
    await other.close();
    await page.bringToFront();
    await demo.becomes(id, 'online');
    await page.evaluate(() => { window.kept = true; });
    await page.goto(`${site.url}/empty`);
    await demo.becomes(id, 'offline');
    await page.goBack();
    await demo.becomes(id, 'online');
    assert.equal(await page.evaluate(() => window.kept), true, 'it was in the cache');
  });

  test('frozen it leaves, resumed it is here', async () => {
    const { profile, page, id, cursor } = await customer();
    const cdp = await page.createCDPSession();
    const other = await hide({ profile });
    await demo.becomes(id, 'away');
    await cdp.send('Page.setWebLifecycleState', { state: 'frozen' });
    await demo.becomes(id, 'offline');
    await cdp.send('Page.setWebLifecycleState', { state: 'active' });
    await demo.becomes(id, 'away');
    await other.close();
    await page.bringToFront();
    await demo.becomes(id, 'online');
    assert.deepEqual(await demo.movesSince(cursor, id), ['left', 'online']);
  });

  const without = (...names) => names.map((name) => name === 'sendBeacon'
    ? 'delete Navigator.prototype.sendBeacon;' : `delete window.${name};`).join('');
  const leavings = [
    ['a beacon', without('fetch', 'XMLHttpRequest')],
    ['fetch', without('sendBeacon', 'XMLHttpRequest')],
    ['XMLHttpRequest', without('sendBeacon', 'fetch')],
    ['fetch, when beacons are blocked', 'Navigator.prototype.sendBeacon = () => false;'],
  ];
  for (const [name, init] of leavings)
    test(`it leaves by ${name}`, async () => {
      const beacon = name === 'a beacon'; // beats need an answer, which it has not
      const { page, id, cursor } = await customer(beacon ? {} : { init });
      if (beacon)
        await page.evaluate(init);
      if (name === 'XMLHttpRequest') // a page that goes away may end it
        await page.evaluate(() => window.Porchlight.destroy());
      else
        await page.goto(`${site.url}/empty`);
      await demo.becomes(id, 'offline');
      assert.deepEqual(await demo.movesSince(cursor, id), ['left']);
    });

  test('a page rendered in advance is nobody\'s, until it is looked at', async () => {
    const { conversationId: id, sessionId } = await demo.conversation();
    site.pages['/links'] = { html: `<!doctype html><a href="/ahead">Ahead</a>
      <script type="speculationrules">{"prerender":
        [{"urls": ["/ahead"], "eagerness": "immediate"}]}</script>` };
    site.pages['/ahead'] = { html: `<!doctype html><title>Ahead</title>
      <script src="/porchlight-widget.js" data-conversation-id="${id}"
        data-session-id="${sessionId}"></script>
      <script>(async () => {
        for (let i = 0; i < 5; i++)
          await fetch('/api/health');
        await fetch('/seen');
      })();</script>` };
    let loaded = false; // asked for when a beat of the widget would be there
    Object.defineProperty(site.pages, '/seen', { get() {
      loaded = true;
      return { html: '' };
    } });
    const page = await browser.open(await browser.profile(), `${site.url}/links`);
    await until(() => loaded, { deadline: 20000, what: 'it is rendered in advance' });
    assert.equal((await demo.presence(id)).lastHeartbeat, null);
    await page.evaluate(() => document.querySelector('a').click());
    await demo.becomes(id, 'online');
  });
});
