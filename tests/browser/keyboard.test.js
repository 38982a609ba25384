// The demo's pages for who has no mouse: the focus stays where he works.

'use strict';

const { test, describe, before, after, afterEach } = require('node:test');
const assert = require('node:assert/strict');
const { startDemo, until } = require('../lib/demo');
const { startBrowser, fill, visible, shopUrl } = require('../lib/browser');

let demo;
let browser;

const focused = (page) => page.evaluate(() => {
  const { activeElement: it } = document;
  return it.name || it.id || it.className || it.tagName;
});

describe('without a mouse', { timeout: 120000 }, () => {
  before(async () => {
    demo = await startDemo({ set: { leaveGraceMs: 100 } });
    browser = await startBrowser();
  });

  after(async () => {
    const noise = browser?.takeNoise();
    await browser?.end();
    await demo?.stop();
    assert.deepEqual(noise, []);
  });

  afterEach(() => browser.closeProfiles());

  test('the shop: the form fails and is sent again; the chat is closed', async () => {
    const page = await browser.open(await browser.profile(), shopUrl(demo));
    await page.focus('.bubble');
    await page.keyboard.press('Enter');
    assert.equal(await focused(page), 'name');
    await fill(page, 'input[name=name]', 'Ada');
    await fill(page, 'input[name=email]', 'ada@example.org');
    // Not before the button that is out of use was painted, and blurred for that.
    await page.evaluate(() => {
      const { fetch } = window;
      const frame = () => new Promise(requestAnimationFrame);
      window.fetch = async () => {
        window.fetch = fetch;
        await frame().then(frame).then(frame);
        throw new TypeError('cut off');
      };
    });
    await page.focus('.first button');
    await page.keyboard.press('Enter');
    await visible(page, '.trouble');
    await page.keyboard.press('Enter');
    await visible(page, '.say');
    await until(async () => await focused(page) === 'text');
    for (const leave of [() => page.keyboard.press('Escape'),
      () => page.focus('.close').then(() => page.keyboard.press('Enter'))]) {
      await leave();
      assert.equal(await focused(page), 'bubble');
      await page.keyboard.press('Enter');
    }
  });

  test('the dashboard: others come and go, and the row keeps the focus', async () => {
    const page = await browser.open(await browser.profile(),
      `${demo.url}/demo/dashboard.html#token=${demo.agentToken}`);
    const row = (id) => `[data-conversation="${id}"] .row`;
    const order = () => page.$$eval('#list [data-conversation]',
      (rows) => rows.map((one) => one.dataset.conversation));
    const here = async (name) => {
      const session = await demo.conversation({ name });
      await demo.online(session, 'tab');
      await visible(page, `[data-conversation="${session.conversationId}"] [status=online]`);
      return session;
    };
    const first = await here('Ada');
    const second = await here('Bea');
    await page.focus(row(second.conversationId));
    await demo.offline(first, 'tab');
    await until(async () => (await order())[0] === second.conversationId);
    assert.equal(await page.evaluate(() => document.activeElement.parentNode.dataset
      .conversation), second.conversationId);
  });

  test('the dashboard on a narrow screen: into a conversation, and back', async () => {
    const page = await browser.open(await browser.profile());
    await page.setViewport({ width: 390, height: 844 });
    await page.goto(`${demo.url}/demo/dashboard.html#token=${demo.agentToken}`);
    await visible(page, '.row');
    await page.focus('[data-conversation=conv_123] .row');
    await page.keyboard.press('Enter');
    assert.equal(await focused(page), 'back');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.parentNode.dataset
      .conversation), 'conv_123');
  });
});
