// What <porchlight-status> shows and says: each state in words, to the eye and
// to a screen reader, in other languages; and what axe-core has to say of it,
// and of the dashboard's page, in light and in dark.

'use strict';

const { test, describe, before, after, afterEach } = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const { startDemo, newTab } = require('../lib/demo');
const { startBrowser, visible } = require('../lib/browser');

const AXE = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const JOHN = 'conv_123';
const MINUTE = 60000;

let demo;
let browser;
let page;

// A new element whose client is the test's own: show() puts a presence.
async function newElement({ live = false } = {}) {
  await page.emulateMediaFeatures([]);
  await page.evaluate((isLive) => {
    const element = document.createElement('porchlight-status');
    let tell;

    document.querySelectorAll('porchlight-status').forEach((e) => e.remove());
    element.agent = {
      now: () => 1e12,
      watch: (id, callback) => {
        tell = callback;
        return () => {};
      },
    };
    element.setAttribute('conversation', 'conv_123');
    if (isLive)
      element.setAttribute('live', '');
    element.innerHTML = '<span>JD</span><b slot="name">John Doe</b>';
    document.querySelector('main').append(element);
    window.element = element;
    window.show = (presence) => tell({ conversationId: 'conv_123',
      platform: 'WIDGET', supported: true, isOnline: false, devices: 0,
      typing: false, onlineSince: null, lastHeartbeat: null, ...presence });
  }, live);
}

const before1e12 = (ms) => new Date(1e12 - ms).toISOString();

// Shows it and gives what can be read then, bullets of the style and all.
const show = (presence) => page.evaluate((p) => {
  window.show(p);
  return [...window.element.shadowRoot.querySelectorAll('.line > *')]
    .filter((part) => getComputedStyle(part).display !== 'none')
    .map((part) => {
      const { content } = getComputedStyle(part, '::before');
      return (/^"(.+)"$/.exec(content)?.[1] ?? '') + part.textContent;
    }).join('');
}, presence);

const online = (more) =>
  ({ isOnline: true, status: 'online', devices: 1, ...more });

const dot = () => page.evaluate(() => {
  const style = getComputedStyle(window.element.shadowRoot
    .querySelector('.dot'));
  return style.display !== 'none' && { background: style.backgroundColor,
    ring: style.boxShadow.replace(/\(.*\)/, '').trim(),
    animation: style.animationName, transition: style.transitionDuration };
});

// What axe-core holds against the page, as text. Nothing but colours differ in
// dark mode.
async function faults(of, scheme) {
  await of.emulateMediaFeatures([
    { name: 'prefers-color-scheme', value: scheme },
    // Colours on their way would be measured.
    { name: 'prefers-reduced-motion', value: 'reduce' }]);
  if (!await of.evaluate(() => !!window.axe))
    await of.evaluate(AXE);
  const { violations, passes } = await of.evaluate((options) =>
    window.axe.run(document, options),
  scheme === 'dark' ? { runOnly: ['color-contrast'] } : {});
  assert.ok(passes.some((rule) => rule.id === 'color-contrast'));
  return violations.flatMap((rule) => rule.nodes.map((node) =>
    `${scheme}: ${rule.id}: ${node.target.flat()} ${node.failureSummary}`));
}

describe('<porchlight-status>', { timeout: 120000 }, () => {
  before(async () => {
    demo = await startDemo({ set: { leaveGraceMs: 100 } });
    browser = await startBrowser();
    page = await browser.open(await browser.profile(), `${demo.url}/`);
    await page.addScriptTag({ url: `${demo.url}/porchlight-agent.js` });
  });

  after(async () => {
    if (browser)
      await browser.end();
    if (demo)
      await demo.stop();
  });

  afterEach(() => {
    assert.deepEqual(browser.takeNoise(), []);
  });

  test('each state in words', async () => {
    await newElement();
    const states = [
      [online(), 'Chat Widget • Online'],
      [online({ onlineSince: before1e12(59999) }), 'Chat Widget • Online'],
      [online({ onlineSince: before1e12(10 * MINUTE) }),
        'Chat Widget • Online for 10 minutes'],
      [online({ onlineSince: before1e12(61 * MINUTE), devices: 2 }),
        'Chat Widget • Online for 1 hour on 2 devices'],
      [online({ status: 'away', onlineSince: before1e12(2 * MINUTE) }),
        'Chat Widget • Away for 2 minutes'],
      [online({ typing: true, onlineSince: before1e12(2 * MINUTE) }),
        'Chat Widget • Typing…'],
      [{ status: 'offline', lastHeartbeat: before1e12(5 * MINUTE) },
        'Chat Widget • Offline • Last seen 5 minutes ago'],
      [{ status: 'offline', lastHeartbeat: before1e12(100) },
        'Chat Widget • Offline • Last seen just now'],
      [{ status: 'offline' }, 'Chat Widget • Offline'],
      [{ status: 'unknown', isOnline: true, typing: true,
        lastHeartbeat: before1e12(MINUTE) }, 'Chat Widget • Reconnecting…'],
      [{ status: 'none', supported: false, platform: 'FACEBOOK' }, 'Facebook'],
      [{ status: 'none', supported: false, platform: 'TELEGRAM' }, 'TELEGRAM'],
      [{ status: 'none', supported: false, platform: null }, ''],
    ];

    for (const [presence, words] of states) {
      assert.equal(await show(presence), words);
      assert.equal(await page.evaluate(() =>
        window.element.getAttribute('status')), presence.status);
    }
  });

  test('and by shape: full, hollow, grey ring, none', async () => {
    await newElement();
    const shape = async (presence) => {
      await page.emulateMediaFeatures(
        [{ name: 'prefers-reduced-motion', value: 'reduce' }]);
      await show(presence);
      return dot();
    };

    assert.deepEqual(await shape(online()), { background: 'rgb(16, 185, 129)',
      ring: 'none', animation: 'none', transition: '0s' });
    const away = await shape(online({ status: 'away' }));
    assert.equal(away.background, 'rgb(255, 255, 255)');
    assert.match(away.ring, /^rgb/);
    const unknown = await shape({ status: 'unknown' });
    assert.match(unknown.ring, /^rgb/);
    assert.equal(unknown.animation, 'none');
    assert.equal(await shape({ status: 'offline' }), false);
    assert.equal(await shape({ status: 'none' }), false);
  });

  test('it moves, but not for who wants less motion', async () => {
    await newElement();
    await show({ status: 'unknown' });
    assert.equal((await dot()).animation, 'porchlight-wait');
    await page.emulateMediaFeatures(
      [{ name: 'prefers-reduced-motion', value: 'reduce' }]);
    assert.equal((await dot()).animation, 'none');
  });

  test('colours and sizes are the page\'s to choose', async () => {
    await newElement();
    await page.evaluate(() => {
      const { style } = window.element;
      style.setProperty('--porchlight-online', 'rgb(1, 2, 3)');
      style.setProperty('--porchlight-online-text', 'rgb(4, 5, 6)');
      style.setProperty('--porchlight-dot', '20px');
    });
    await show(online());
    assert.deepEqual(await page.evaluate(() => {
      const find = (part) => getComputedStyle(window.element.shadowRoot
        .querySelector(part));
      return [find('.word').color, find('.dot').width];
    }), ['rgb(4, 5, 6)', '20px']);
    await page.waitForFunction(() => getComputedStyle(window.element.shadowRoot
      .querySelector('.dot')).backgroundColor === 'rgb(1, 2, 3)');
  });

  test('words in another language, times in the page\'s', async () => {
    await newElement();
    await show(online({ onlineSince: before1e12(10 * MINUTE),
      devices: 3 }));
    await page.evaluate(() => {
      document.documentElement.lang = 'de';
      window.PorchlightStatus.strings = { online: 'Online', since: 'seit {time}',
        seen: 'Zuletzt {time}', devices: 'auf {count} Geräten',
        WIDGET: 'Webchat' };
    });
    const line = () => page.evaluate(() => window.element.shadowRoot
      .querySelector('.line').textContent);
    assert.equal(await line(), 'Webchat • Online seit 10 Minuten auf 3 Geräten');
    assert.equal(await show(
      { status: 'offline', lastHeartbeat: before1e12(5 * MINUTE) }),
    'Webchat • Offline • Zuletzt vor 5 Minuten');
  });

  test('a language that is none: it says what it has to say', async () => {
    const said = [];
    for (const lang of ['en_US', 'C.UTF-8', '']) {
      await newElement();
      await page.evaluate((l) => { document.querySelector('main').lang = l; }, lang);
      said.push(await show(online({ onlineSince: before1e12(10 * MINUTE) })));
    }
    await page.evaluate(() => document.querySelector('main').removeAttribute('lang'));
    assert.equal(said[0], 'Webchat • Online seit 10 minutes');
    // In that of the browser.
    said.forEach((words) => assert.match(words, /^Webchat • Online seit 10 /));
  });

  test('a change of status is said, minutes that pass are not', async () => {
    await newElement({ live: true });
    const said = () => page.evaluate(() => {
      const element = window.element.shadowRoot.querySelector('[role=status]');
      return element && element.textContent;
    });

    await show(online());
    assert.equal(await said(), '');
    await show({ status: 'offline', lastHeartbeat: before1e12(0) });
    assert.equal(await said(), 'Offline');
    await page.evaluate(() => {
      window.spoken = 0;
      new MutationObserver(() => window.spoken++).observe(
        window.element.shadowRoot.querySelector('[role=status]'),
        { childList: true, subtree: true, characterData: true });
    });
    await show({ status: 'offline', lastHeartbeat: before1e12(MINUTE) });
    assert.equal(await page.evaluate(() => window.spoken), 0);
    await show(online());
    assert.equal(await said(), 'Online');
    await page.evaluate(() => window.element.removeAttribute('live'));
    assert.equal(await said(), null);
  });

  test('axe-core finds nothing: the element in each state', async () => {
    await newElement({ live: true });
    for (const scheme of ['light', 'dark'])
      for (const presence of [online({ onlineSince: before1e12(9 * MINUTE) }),
        online({ status: 'away' }), { status: 'offline' },
        { status: 'unknown' }]) {
        await show(presence);
        assert.deepEqual(await faults(page, scheme), [], presence.status);
      }
  });

  test('axe-core finds nothing: the dashboard', async () => {
    const session = await demo.conversation({ id: JOHN });
    await demo.online(session, newTab());
    const away = await demo.conversation({ id: 'away', name: 'Ada' });
    await demo.online(away, newTab(), { visibility: 'hidden' });
    const left = await demo.conversation({ id: 'left', name: 'Joan' });
    const tab = newTab();
    await demo.online(left, tab);

    const desk = await browser.open(await browser.profile(),
      `${demo.url}/demo/dashboard.html#token=${demo.agentToken}`);
    const shows = (id, status) => desk.waitForSelector(
      `#list [data-conversation=${id}] porchlight-status[status=${status}]`);
    await shows('left', 'online');
    await demo.offline(left, tab);
    await Promise.all([shows('left', 'offline'), shows(JOHN, 'online'),
      shows('away', 'away')]);

    await desk.setViewport({ width: 1180, height: 720 });
    for (const id of [JOHN, 'away', 'left', 'conv_facebook']) {
      await desk.evaluate((i) => document.querySelector(
        `#list [data-conversation=${i}] .row`).click(), id);
      await desk.waitForSelector(`#who[conversation=${id}][status]`);
      for (const scheme of ['light', 'dark'])
        assert.deepEqual(await faults(desk, scheme), [], id);
    }
    await desk.setViewport({ width: 390, height: 780 });
    assert.deepEqual(await faults(desk, 'light'), []);
    await desk.click('#back');
    assert.deepEqual(await faults(desk, 'light'), []);
    await desk.evaluate(() => document.getElementById('sign-out').click());
    await visible(desk, '#sign-in');
    for (const scheme of ['light', 'dark'])
      assert.deepEqual(await faults(desk, scheme), []);
  });

  test('the widget\'s log, in words, for who asks for it', async () => {
    const desk = await browser.open(await browser.profile(),
      `${demo.url}/demo/dashboard.html#token=${demo.agentToken}`);
    const session = await demo.conversation({ id: 'logged' });
    const tab = newTab();

    // Online or offline is the server's word; before it, there is "none".
    await desk.waitForSelector(`#list [data-conversation="${JOHN}"] [status^=o]`);
    await desk.evaluate(() => localStorage.setItem('widget_debug', 'true'));
    await demo.online(session, tab);
    await desk.waitForSelector('[data-conversation=logged] [status=online]');
    await demo.offline(session, tab);
    await desk.waitForSelector('[data-conversation=logged] [status=offline]');
    // Who was here before may fall silent meanwhile.
    const lines = browser.takeNoise().filter((line) => !/^(💓|⏰)/u.test(line));
    assert.deepEqual(lines, ['🟢 Customer came online: logged',
      '🔴 Customer went offline: logged']);
  });
});
