// Stored and reflected scripts: names, ids and addresses that would be markup
// if a page took them for it. In a real browser, on the demo's own pages.

'use strict';

const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { startDemo, newTab, until } = require('../lib/demo');
const { startBrowser, visible, fill, shopUrl } = require('../lib/browser');

const HOSTILE = [
  '<img src=x onerror=window.pwned=1>',
  '<script>window.pwned=1</script>',
  '"><svg onload=window.pwned=1>',
  '\' onfocus=window.pwned=1 autofocus x=\'',
  '</title></style></textarea><iframe srcdoc="<script>parent.pwned=1</script>">',
  'javascript:window.pwned=1',
  '{{constructor.constructor("window.pwned=1")()}}${window.pwned=1}',
  '&lt;img src=x onerror=window.pwned=1&gt;',
  '"]; window.pwned=1; //',
];

let demo;
let browser;

before(async () => {
  demo = await startDemo({ set: { minBeatMs: 0, formsPerMinute: 1000 } });
  browser = await startBrowser();
});
after(async () => {
  await browser?.end();
  await demo?.stop();
});

/** Nothing ran, and nothing of it became markup, in shadow trees neither. */
async function isHarmless(page, what) {
  const found = await page.evaluate(() => {
    const roots = [document];
    for (const root of roots)
      for (const element of root.querySelectorAll('*'))
        if (element.shadowRoot)
          roots.push(element.shadowRoot);
    return {
      pwned: 'pwned' in window,
      markup: roots.flatMap((root) => Array.from(root.querySelectorAll(
        'img[src="x"], svg[onload], iframe, script:not([src]), [onerror], [onfocus], [href^="javascript:"]'),
      (element) => element.outerHTML)),
    };
  });
  assert.deepEqual(found, { pwned: false, markup: [] }, what);
}

const rowOf = (page, id) => page.evaluateHandle((wanted) =>
  Array.from(document.querySelectorAll('#list [data-conversation]'))
    .find((item) => item.dataset.conversation === wanted) ?? null, id);

test('the dashboard shows hostile names and ids as the text they are', async () => {
  for (const text of HOSTILE) {
    const session = await demo.conversation({ id: text, name: text, inbox: text });
    await demo.online(session, newTab());
  }
  const page = await browser.open(await browser.profile(),
    `${demo.url}/demo/dashboard.html#token=${demo.agentToken}`);
  for (const text of HOSTILE) {
    const row = await until(async () => (await rowOf(page, text)).asElement(), { deadline: 20000, what: `a row of ${text}` });
    await until(() => row.evaluate((item, name) => item.querySelector('.name').textContent === name, text),
      { deadline: 20000, what: `the name ${text}` });
    await row.evaluate((item) => item.querySelector('button').click());
    assert.equal(await page.$eval('#who-name', (name) => name.textContent), text);
    await isHarmless(page, text);
  }
  await until(() => page.$eval('#who', (who) => who.getAttribute('status') === 'online'),
    { deadline: 20000, what: 'the head of the last one shows that he is here' });
  await isHarmless(page, 'all of them');
});

test('the shop\'s form and chat take and show them as text', async () => {
  for (const text of HOSTILE.slice(0, 2)) {
    const page = await browser.open(await browser.profile(), shopUrl(demo));
    await page.click('.bubble');
    await fill(page, 'input[name=name]', text);
    await fill(page, 'input[name=email]', 'a@example.org');
    await page.click('.first button[type=submit]');
    await visible(page, '.say');
    await fill(page, '.say input', text);
    await page.click('.say button');
    await until(() => page.$$eval('.messages li', (lines, line) => lines.some((l) => l.textContent === line), text),
      { deadline: 20000, what: 'the message is there' });
    await isHarmless(page, text);
    const { conversationId } = await page.evaluate(() => window.Porchlight.status());
    assert.equal((await demo.presence(conversationId)).name, text);
    await page.close();
  }
});

test('addresses that carry them do nothing', async () => {
  const profile = await browser.profile();
  const page = await browser.open(profile);
  for (const text of HOSTILE.slice(0, 4)) {
    const value = encodeURIComponent(text);
    for (const address of [`shop.html?site=${value}&conversation=${value}&session=${value}#${value}`,
      `dashboard.html?${value}#token=${value}`]) {
      await page.goto(`${demo.url}/demo/${address}`);
      await page.waitForSelector('.bubble, #sign-in, #desk');
      await isHarmless(page, address);
    }
  }
});

test('an answer of the API is no page', async () => {
  const page = await browser.open(await browser.profile());
  for (const text of HOSTILE.slice(0, 3))
    for (const where of [`/api/${encodeURIComponent(text)}`,
      `/api/widget/presence?conversationId=${encodeURIComponent(text)}`]) {
      const answer = await page.goto(demo.url + where);
      assert.match(answer.headers()['content-type'], /^application\/json/);
      assert.equal(answer.headers()['x-content-type-options'], 'nosniff');
      await isHarmless(page, where);
    }
});
