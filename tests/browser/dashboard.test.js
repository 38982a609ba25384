// The agent's browser against the real server: many tabs and one poll, tabs
// that close, hide and freeze, servers and networks that go and come back.

'use strict';

const { test, describe, before, after, afterEach } = require('node:test');
const assert = require('node:assert');
const net = require('node:net');
const { startDemo, newTab, until, sleep, freePort } = require('../lib/demo');
const { startBrowser, newDoor, visible, step } = require('../lib/browser');

const JOHN = 'conv_123';
const TABS = 20;

let demo;
let browser;
let john;
let agents = [];

const row = (id) => `#list [data-conversation="${id}"] porchlight-status`;
const shows = (page, id, status) =>
  page.waitForSelector(`${row(id)}[status=${status}]`);
const allShow = (pages, id, status) =>
  Promise.all(pages.map((page) => shows(page, id, status)));
const held = (count, deadline = 15000) => until(async () =>
  await demo.held() === count,
{ deadline, every: 50, what: `${count} polls held` });

// A new agent's token. Agents end with their test, and what they hold with
// them: behind most servers a program does not see that a browser closed.
async function newAgent(...options) {
  const name = `Agent ${agents.length}`;
  const added = await demo.command('agent', 'add', '-C', 'Demo Shop',
    ...options, name);

  agents.push(name);
  return /pla_\w+/.exec(added.stdout)[0];
}

async function endAgents() {
  for (const name of agents)
    await demo.command('agent', 'revoke', '-C', 'Demo Shop', name);
  agents = [];
  await held(0);
}

// A dashboard. The first one of a profile signs in.
async function openDesk(profile, { base = demo.url, token, tab } = {}) {
  const hash = token ? `#token=${token}` : '';
  const page = await browser.open(profile,
    `${base}/demo/dashboard.html${hash}`, { tab });

  await page.waitForSelector(`${row(JOHN)}[status^=o]`);   // not "none" yet
  return page;
}

async function newDesk(options) {
  return openDesk(await browser.profile(),
    { token: await newAgent(), ...options });
}

// A customer with one tab, without a browser.
async function newCustomer(id) {
  const session = await demo.conversation({ id });
  let tabId = newTab();

  return {
    id: session.conversationId,
    come: () => demo.online(session, tabId = newTab()),
    leave: () => demo.offline(session, tabId),
  };
}

const asks = (page) => page.evaluate(() =>
  !!window.PorchlightAgent.default._poller);

async function asking(pages) {
  const all = await Promise.all(pages.map(asks));
  return pages.filter((page, i) => all[i]);
}

// All statuses that a row shows from now on.
const note = (page, id) => page.evaluate((selector) => {
  const element = document.querySelector(selector);
  window.noted = [];
  new MutationObserver(() => window.noted.push(element.getAttribute('status')))
    .observe(element, { attributeFilter: ['status'] });
}, row(id));
const noted = (page) => page.evaluate(() => window.noted);

// The requests that a page makes from now on.
function requests(page) {
  const seen = [];
  page.on('request', (request) => /\/api\//.test(request.url()) &&
    seen.push(new URL(request.url())));
  return seen;
}

const lifecycle = async (page, state) =>
  (await page.createCDPSession()).send('Page.setWebLifecycleState', { state });

describe('the dashboard', { timeout: 240000 }, () => {
  before(async () => {
    demo = await startDemo({ set: { leaveGraceMs: 100 } });
    browser = await startBrowser({ args: [
      // A name that the browser does not trust: no Web Locks there.
      '--host-resolver-rules=MAP plain.test 127.0.0.1'] });
    john = await newCustomer(JOHN);
  });

  after(async () => {
    if (browser)
      await browser.end();
    if (demo)
      await demo.stop();
  });

  afterEach(async () => {
    await browser.closeProfiles();
    await endAgents();
    await john.leave();
    assert.deepEqual(browser.takeNoise(), []);
  });

  test(`${TABS} tabs hold one poll between them`, async (t) => {
    const profile = await browser.profile();
    const token = await newAgent();
    const pages = [await openDesk(profile, { token })];

    while (pages.length < TABS)
      pages.push(await openDesk(profile, { tab: true }));
    await step('one poll, and all know', async () => {
      await allShow(pages, JOHN, 'offline');
      await held(1);
      await john.come();
      await allShow(pages, JOHN, 'online');
      await held(1);
    });

    await step('the tab in front asks', async () => {
      await until(async () => {
        const [one, ...more] = await asking(pages);
        return !more.length && one === pages.at(-1);
      }, { every: 100, what: 'the visible tab asks' });
    });

    await step('it closes: another goes on, and nothing is lost', async () => {
      const last = pages.pop();
      await Promise.all(pages.map((page) => note(page, JOHN)));
      const left = john.leave();
      const start = Date.now();
      await last.close();
      const [next] = await until(async () => {
        const found = await asking(pages);
        return found.length === 1 && found;
      }, { every: 10, what: 'another tab asks' });
      t.diagnostic(`handed over within ${Date.now() - start} ms`);
      await left;
      await allShow(pages, JOHN, 'offline');
      await john.come();
      await allShow(pages, JOHN, 'online');
      for (const page of pages)
        assert.deepEqual(await noted(page), ['offline', 'online']);
      assert.ok(next);
      await held(1);
    });

    await step('signed out in one, signed out in all', async () => {
      await pages[3].evaluate(() => document.getElementById('sign-out').click());
      // Not by a selector: one with a pseudo-class is looked for at each
      // frame, and hidden tabs draw none.
      await Promise.all(pages.map((page) => page.waitForFunction(() =>
        !document.getElementById('sign-in').hidden, { polling: 'mutation' })));
      await held(0);
    });

    await step('signed in in one, signed in in all', async () => {
      await pages[5].evaluate((t) =>
        window.PorchlightAgent.default.signIn(t), token);
      await allShow(pages, JOHN, 'online');
      await held(1);
    });
  });

  test('another agent in the same browser shares nothing', async () => {
    const profile = await browser.profile();
    const token = await newAgent('-i', 'sales');
    const page = await openDesk(profile, { token: await newAgent() });

    await john.come();
    await shows(page, JOHN, 'online');
    await held(1);
    // With a token of its own, which the conversation is not for.
    await page.evaluate((t) => {
      window.heard = [];
      window.other = new window.PorchlightAgent({ token: t });
      window.other.watch('conv_123', (view) => window.heard.push(view));
      window.other.all((view) => window.heard.push(view));
    }, token);
    await held(2);
    await john.leave();
    await shows(page, JOHN, 'offline');
    const heard = await page.evaluate(() => {
      window.other.close();
      return window.heard;
    });
    assert.ok(heard.length > 0);
    heard.forEach((view) => assert.ok(view.forbidden || view.status === 'unknown',
      JSON.stringify(view)));
    // What every script of the origin can read tells no token.
    const names = await page.evaluate(async () =>
      (await navigator.locks.query()).held.map((lock) => lock.name));
    assert.match(names.join(), /^porchlight-lock-[0-9a-f]{64}/);
  });

  test('asleep while he leaves: right when it wakes', async () => {
    const page = await newDesk();
    await john.come();
    await shows(page, JOHN, 'online');
    await held(1);
    await note(page, JOHN);
    await lifecycle(page, 'frozen');
    await john.leave();
    await lifecycle(page, 'active');
    await shows(page, JOHN, 'offline');
    assert.deepEqual(await noted(page), ['offline']);
    await held(1);
  });

  test('back from the back/forward cache: right at once', async () => {
    const page = await newDesk();
    await john.come();
    await shows(page, JOHN, 'online');
    await held(1);
    await note(page, JOHN);
    await page.goto(`${demo.url}/`);
    await john.leave();
    await page.goBack();
    await shows(page, JOHN, 'offline');
    assert.deepEqual(await noted(page), ['offline'], 'it was kept');
  });

  test('page after page holds one poll, in its place', async () => {
    const page = await newDesk();
    for (let i = 0; i < 4; i++) {
      await held(1);
      await page.reload();
      await shows(page, JOHN, 'offline');
    }
    await page.goto(`${demo.url}/`);
    await page.goBack();
    await john.come();
    await shows(page, JOHN, 'online');
    await held(1);
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  });

  test('the tab that asks is frozen: another takes over', async () => {
    const profile = await browser.profile();
    const first = await openDesk(profile, { token: await newAgent() });
    const second = await openDesk(profile);
    await held(1);
    const [leader] = await asking([first, second]);
    const other = leader === first ? second : first;
    await lifecycle(leader, 'frozen');
    await john.come();
    await shows(other, JOHN, 'online');
    await lifecycle(leader, 'active');
    await shows(leader, JOHN, 'online');
    await held(1);
  });

  test('programs killed under the open page: no flicker, and on it goes',
    async () => {
      const page = await newDesk();
      await john.come();
      await shows(page, JOHN, 'online');
      await held(1);
      await note(page, JOHN);
      await page.evaluate(() => {
        let lost;
        window.longest = 0;
        window.PorchlightAgent.default.addEventListener('state', ({ detail }) => {
          if (detail.state === 'lost')
            lost = Date.now();
          else
            window.longest = Math.max(window.longest, Date.now() - lost);
        });
      });
      for (const name of ['events.fcgi', 'presence.fcgi'])
        demo.processes(name).forEach((pid) => process.kill(pid, 'SIGKILL'));
      await until(async () => (await demo.api.get('/api/health')).status === 200,
        { deadline: 20000 });
      await john.leave();
      await shows(page, JOHN, 'offline');
      // A break of 5 s has to show, and on a machine that is busy they may
      // take as long to be there again.
      const long = await page.evaluate(() => window.longest >= 4500);
      assert.deepEqual((await noted(page)).filter((status) =>
        !long || status === 'offline'), ['offline']);
    });

  test('the server is gone for long: unknown; back: what happened since',
    async () => {
      const door = await newDoor(demo);
      try {
        const page = await newDesk({ base: door.url });
        await john.come();
        await shows(page, JOHN, 'online');
        await note(page, JOHN);
        const seen = requests(page);
        await door.shut();
        await shows(page, JOHN, 'unknown');
        await visible(page, '#cut');
        await john.leave();
        await demo.becomes(JOHN, 'offline');    // his grace is over
        // 1, 2, 4 s: no storm.
        assert.ok(seen.length <= 8, `${seen.length} requests`);
        await door.open();
        await shows(page, JOHN, 'offline');
        assert.deepEqual(await noted(page), ['unknown', 'offline']);
        await page.waitForSelector('#cut', { hidden: true });
      } finally {
        await door.shut();
      }
    });

  test('the laptop slept: its connections are dead and do not say so',
    async () => {
      const line = await newLine(demo.port);
      try {
        const page = await newDesk({ base: line.url });
        await john.come();
        await shows(page, JOHN, 'online');
        await held(1);
        line.die();
        await john.leave();
        // An hour passes in no time.
        await page.evaluate(() => {
          const now = Date.now;
          Date.now = () => now() + 3600000;
        });
        await shows(page, JOHN, 'offline');
      } finally {
        await line.end();
      }
    });

  test('signing out without a network says that it failed', async () => {
    const page = await newDesk();
    await page.setOfflineMode(true);
    await page.click('#sign-out');
    await visible(page, '#stuck');
    await page.setOfflineMode(false);
    await page.click('#sign-out');
    await visible(page, '#sign-in');
    await held(0);
  });

  test('a token that is revoked: it stops, and says so', async () => {
    const page = await newDesk();
    await shows(page, JOHN, 'offline');
    await held(1);
    const seen = requests(page);
    await endAgents();
    await visible(page, '#sign-in');
    const { length } = seen;
    assert.ok(length <= 2, seen.join('\n'));
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await sleep(300);   // for what must not come
    assert.equal(seen.length, length);
  });

  test('clicking through forty conversations is no storm', async () => {
    const page = await newDesk();
    const ids = [];
    for (let i = 0; i < 40; i++)
      ids.push((await demo.conversation({ id: `click_${i}` })).conversationId);
    const last = await newCustomer('click_39');
    await shows(page, JOHN, 'offline');
    // An answer takes longer than the next click.
    await page.emulateNetworkConditions(
      { offline: false, download: -1, upload: -1, latency: 30 });
    const seen = requests(page);
    const start = performance.now();
    await page.evaluate(async (all) => {
      const agent = new window.PorchlightAgent({ agent: 'clicker' });
      const element = document.createElement('porchlight-status');

      element.agent = agent;
      element.id = 'clicked';
      document.body.append(element);
      for (const id of all) {
        element.setAttribute('conversation', id);
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    }, ids);
    await page.waitForSelector('#clicked[status=offline]');
    const took = performance.now() - start;
    // A look and a poll, twice a second; and what it takes to begin and end.
    assert.ok(seen.length <= 8 + 4 * took / 1000,
      `${seen.length} requests in ${took} ms`);
    await last.come();
    await page.waitForSelector('#clicked[status=online]');
  });

  test('without locks: no more than four of the six connections', async () => {
    const profile = await browser.profile();
    const base = `http://plain.test:${demo.port}`;
    const pages = [await openDesk(profile, { base, token: await newAgent() })];

    assert.equal(await pages[0].evaluate(() => window.isSecureContext), false);
    while (pages.length < 7)
      pages.push(await openDesk(profile, { base }));
    // A fifth that did not hear of the others in time holds one poll, for 20 s.
    await held(4, 30000);
    await john.come();
    await allShow(pages, JOHN, 'online');
  });
});

// A line to the server. When it dies, the connections that wait for an answer
// say nothing more, as after a laptop's sleep; the idle ones are gone.
async function newLine(to) {
  const port = await freePort();
  const sockets = new Set();
  const server = net.createServer((from) => {
    const other = net.connect(to, '127.0.0.1');
    for (const socket of [from, other]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    from.on('data', () => { from.waits = true; });
    other.on('data', () => { from.waits = false; });
    from.on('close', () => other.destroy());
    other.on('close', () => from.destroy());
    from.other = other;
    from.pipe(other).pipe(from);
  });

  await new Promise((resolve, reject) => server.on('error', reject)
    .listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${port}`,
    die: () => sockets.forEach((socket) => {
      if (socket.waits)
        socket.other.unpipe().pause();
      else if (socket.other)
        socket.destroy();
    }),
    end: () => new Promise((resolve) => {
      server.close(resolve);
      sockets.forEach((socket) => socket.destroy());
    }),
  };
}
