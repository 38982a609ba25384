// The dashboard in Debian's Firefox: its locks and channels, its colours.

'use strict';

const { test, describe, before, after } = require('node:test');
const assert = require('node:assert');
const { startDemo, newTab, until } = require('../lib/demo');
const { startBrowser } = require('../lib/browser');

const JOHN = 'conv_123';
const ROW = `#list [data-conversation="${JOHN}"] porchlight-status`;

let demo;
let browser;

describe('the dashboard in Firefox', { timeout: 120000 }, () => {
  before(async () => {
    demo = await startDemo({ set: { leaveGraceMs: 100 } });
    browser = await startBrowser({ name: 'firefox' });
  });

  after(async () => {
    if (browser)
      await browser.end();
    if (demo)
      await demo.stop();
  });

  test('three tabs, one poll, and the one that asks closes', async () => {
    const profile = await browser.profile();
    const url = `${demo.url}/demo/dashboard.html`;
    const session = await demo.conversation({ id: JOHN });
    const tab = newTab();
    const pages = [];
    const show = (status) => Promise.all(pages.map((page) =>
      page.waitForSelector(`${ROW}[status=${status}]`)));
    const asking = async () => {
      const all = await Promise.all(pages.map((page) => page.evaluate(() =>
        !!window.PorchlightAgent.default._poller)));
      return pages.filter((page, i) => all[i]);
    };

    for (const hash of [`#token=${demo.agentToken}`, '', '']) {
      pages.push(await browser.open(profile, url + hash, { tab: true }));
      await show('offline');
    }
    await until(async () => await demo.held() === 1);
    await demo.online(session, tab);
    await show('online');
    const [leader, ...others] = await asking();
    assert.equal(others.length, 0);

    pages.splice(pages.indexOf(leader), 1);
    await leader.close();
    await demo.offline(session, tab);
    await show('offline');
    assert.equal((await asking()).length, 1);
    // Half the dot's colour, half the text's.
    assert.match(await pages[0].$eval(ROW, (row) => getComputedStyle(
      row.shadowRoot.querySelector('.word')).color), /^color\(srgb/);
    assert.deepEqual(browser.takeNoise(), []);
  });
});
