// Makes the pictures of shop and dashboard in this folder, from the running
// demo: `./dev screenshots`. What they show is real, the minutes too, so it
// takes as long as they say.

'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { startDemo, newTab, until } = require('../tests/lib/demo');
const { startBrowser, newCustomer, fill, visible, within } =
  require('../tests/lib/browser');

const SIZES = { desktop: [1180, 720], phone: [390, 780] };
const MOST = 150 * 1024;        // bytes of a picture
const MINUTES = Number(process.env.MINUTES || 2);

// Who else has a chat open: name, and how the tabs are. The last one leaves.
const OTHERS = [
  ['Grace Hopper', ['visible', 'visible']],
  ['Emmy Noether', ['hidden']],
  ['Alan Turing', ['visible']],
  ['Mary Somerville', ['visible']],
];

let demo;
let browser;
const timers = [];

// Opens a conversation with a session for each tab, and keeps them beating.
// Gives what hides or shows them, and what ends them.
async function arrive([name, tabs]) {
  const id = `demo_${name.split(' ')[1].toLowerCase()}`;
  const sessions = [];

  for (const visibility of tabs)
    sessions.push({ visibility, tabId: newTab(),
      ...await demo.conversation({ id, name }) });
  const beat = () => Promise.all(sessions.map((s) =>
    demo.beat(s, s.tabId, { visibility: s.visibility })));
  await beat();
  timers.push(setInterval(beat, 20000));
  return {
    turn: (visibility) => {
      sessions.forEach((s) => { s.visibility = visibility; });
      return beat();
    },
    leave: () => {
      clearInterval(timers.pop());
      return Promise.all(sessions.map((s) => demo.offline(s, s.tabId)));
    },
  };
}

async function picture(page, name) {
  const file = path.join(__dirname, `${name}.png`);
  const size = SIZES[name.split('-')[1]];

  await page.setViewport({ width: size[0], height: size[1] });
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: file });
  execFileSync('pngquant', ['--ext', '.png', '--force', '--strip', file]);
  const { size: bytes } = fs.statSync(file);
  console.log(`${path.relative(process.cwd(), file)} ${bytes}`);
  if (bytes > MOST)
    throw new Error(`${file}: ${bytes} bytes are too many`);
}

// Without motion, or colours on their way would be taken.
const dark = (page, is) => page.emulateMediaFeatures([
  { name: 'prefers-color-scheme', value: is ? 'dark' : 'light' },
  { name: 'prefers-reduced-motion', value: 'reduce' }]);

async function shots() {
  demo = await startDemo({ set: { leaveGraceMs: 100 } });
  browser = await startBrowser();
  const others = [];
  for (const other of OTHERS)
    others.push(await arrive(other));

  const shop = await newCustomer(browser, demo, 'Ada Lovelace');
  await fill(shop.page, 'input[name=text]', 'Does the arm lamp come in brass?');
  await shop.page.click('.say button');

  const agent = await browser.open(await browser.profile(),
    `${demo.url}/demo/dashboard.html#token=${demo.agentToken}`);
  const row = (id) => `#list [data-conversation="${id}"]`;
  await agent.setViewport({ width: SIZES.desktop[0], height: SIZES.desktop[1] });
  await agent.waitForSelector(row('demo_hopper'));
  await agent.click(`${row('demo_hopper')} .row`);
  await others.at(-1).leave();
  // She looks at another page, and comes back.
  for (const [visibility, status] of [['visible', 'online'], ['hidden', 'away'],
    ['visible', 'online']]) {
    await others[0].turn(visibility);
    await visible(agent, `#who[status=${status}]`);
  }
  if (MINUTES)
    await until(() => agent.$eval('#who', (who, n) =>
      who.shadowRoot.textContent.includes(`${n} minute`), MINUTES),
    { deadline: (MINUTES + 1) * 60000, every: 500, what: 'the minutes pass' });
  await shop.page.focus('input[name=text]');

  await picture(shop.page, 'shop-desktop');
  await picture(shop.page, 'shop-phone');
  await picture(agent, 'dashboard-desktop');
  await dark(agent, true);
  await picture(agent, 'dashboard-desktop-dark');
  await agent.setViewport({ width: SIZES.phone[0], height: SIZES.phone[1] });
  await picture(agent, 'dashboard-phone-dark');
  await dark(agent, false);
  await agent.click('#back');
  await picture(agent, 'dashboard-phone');
}

(async () => {
  try {
    await within(280000, shots(), 'all pictures are made');
  } finally {
    timers.forEach(clearInterval);
    if (browser)
      await browser.end();
    if (demo)
      await demo.stop();
  }
})().catch((err) => {
  console.error(err);
  process.exit(1);
});
