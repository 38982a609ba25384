// The main job, in a real browser against the real server: a customer's page
// beats, and the agent's page shows the dot come and go.
//
// Windows are short here, so that "after the window" is three seconds. Nothing
// sleeps: each step waits for what must come, and what must not come is looked
// up in the stream of changes once that is over.

'use strict';

const { test, describe, before, after, afterEach } = require('node:test');
const assert = require('node:assert');
const net = require('node:net');
const { chromium } = require('playwright-core');
const { startDemo, until, freePort } = require('../lib/demo');

const CHROMIUM = process.env.CHROMIUM || '/usr/bin/chromium';
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
  '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];
const SET = { timeoutMs: 3000, heartbeatIntervalMs: 1000, minBeatMs: 100,
  leaveGraceMs: 1500 };
const WAIT = { timeout: 20000 };
const JOHN = 'conv_123';

let demo;
let browser;
let noise = [];

// What the pages themselves must not do: throw, or write to the console. The
// browser's own lines about failed requests are not theirs.
function listen(page) {
  page.on('pageerror', (err) => noise.push(String(err)));
  page.on('console', (message) => {
    if (!/^Failed to load resource/.test(message.text()))
      noise.push(message.text());
  });
  return page;
}

async function openPage(context, address) {
  const page = listen(await context.newPage());
  await page.goto(address);
  return page;
}

const shopUrl = () => `${demo.url}/demo/shop.html?site=${demo.siteKey}`;

// A customer of a browser profile of his own, who has filled in the form.
async function newCustomer(name) {
  const context = await browser.newContext();
  const page = await openPage(context, shopUrl());

  await page.click('.bubble');
  await page.fill('input[name=name]', name);
  await page.fill('input[name=email]', 'customer@example.org');
  await page.click('.first button[type=submit]');
  await page.waitForSelector('.say:not([hidden])', WAIT);
  const { conversationId } = await page.evaluate(() =>
    window.Porchlight.status());
  return { context, page, conversationId };
}

// The agent's page, with a note of all statuses that each row ever showed.
async function newAgent(base = demo.url) {
  const context = await browser.newContext();
  const page = await openPage(context,
    `${base}/demo/dashboard.html#token=${demo.agentToken}`);

  await page.waitForSelector(row(JOHN), WAIT);
  await page.evaluate(() => {
    window.shown = {};
    new MutationObserver((changes) => changes.forEach((change) => {
      const id = change.target.getAttribute('conversation');
      (window.shown[id] = window.shown[id] || [])
        .push(change.target.getAttribute('status'));
    })).observe(document.getElementById('list'),
      { subtree: true, attributeFilter: ['status'] });
  });
  return { context, page };
}

const row = (id) => `#list [data-conversation="${id}"] porchlight-status`;

const shows = (page, id, status) =>
  page.waitForSelector(`${row(id)}[status=${status}]`, WAIT);

// What a person sees of a <porchlight-status>: its words and its dot.
const look = (page, selector) => page.$eval(selector, (element) => {
  const visible = (part) => getComputedStyle(part).display !== 'none';
  const find = (part) => element.shadowRoot.querySelector(`.${part}`);
  const dot = getComputedStyle(find('dot'));
  return {
    text: ['platform', 'word'].map(find).filter(visible)
      .map((part) => part.textContent).join(''),
    color: getComputedStyle(find('word')).color,
    circle: getComputedStyle(find('word'), '::before').display !== 'none',
    dot: visible(find('dot')) && {
      size: dot.width, color: dot.backgroundColor,
      border: `${dot.borderTopWidth} ${dot.borderTopColor}`,
    },
  };
});

// Not a subtest: in some versions of Node the hooks run around those, too.
async function step(name, run) {
  try {
    await run();
  } catch (err) {
    err.message = `${name}: ${err.message}`;
    throw err;
  }
}

// Waits until the server counts that many tabs of the conversation.
const tabs = (conversationId, count) => until(async () =>
  (await demo.presence(conversationId)).socketsInRoom === count,
{ deadline: 15000, what: `${count} tabs of ${conversationId}` });

async function movesSince(cursor, conversationId) {
  const { events } = await demo.poll({ cursor, conversationId, timeout: 0 });
  return events.map((event) => event.event)
    .filter((name) => name !== 'customer:heartbeat');
}

// A door between the browser and the server that can be shut.
async function newDoor() {
  const port = await freePort();
  const sockets = new Set();
  let server;
  const join = (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  };

  const door = {
    url: `http://127.0.0.1:${port}`,
    open: () => new Promise((resolve) => {
      server = net.createServer((from) => {
        const to = net.connect(demo.port, '127.0.0.1');
        [from, to].forEach(join);
        from.pipe(to).pipe(from);
        from.on('close', () => to.destroy());
        to.on('close', () => from.destroy());
      }).listen(port, '127.0.0.1', resolve);
    }),
    shut: () => new Promise((resolve) => {
      server.close(resolve);
      sockets.forEach((socket) => socket.destroy());
    }),
  };
  await door.open();
  return door;
}

describe('presence in the browser', { timeout: 240000 }, () => {
  before(async () => {
    demo = await startDemo({ set: SET });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  });

  after(async () => {
    if (browser)
      await browser.close();
    if (demo)
      await demo.stop();
  });

  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    assert.deepEqual(noise, []);
    noise = [];
  });

  test('form, dot, two tabs, both closed, back, network cut, back', async () => {
    const agent = await newAgent();
    const { context, page, conversationId: id } =
      await newCustomer('Ada Lovelace');

    await step('the form filled in: the dot is there', async () => {
      await shows(agent.page, id, 'online');
      assert.equal(await agent.page.textContent(`${row(id)} .name`),
        'Ada Lovelace');
      assert.deepEqual(await look(agent.page, row(id)), {
        text: 'Chat Widget • Online',
        color: 'rgb(16, 185, 129)',
        circle: true,
        dot: { size: '12px', color: 'rgb(16, 185, 129)',
          border: '2px rgb(255, 255, 255)' },
      });
    });

    await step('of two tabs one is closed: the dot stays', async () => {
      const second = await openPage(context, shopUrl());
      await tabs(id, 2);
      const cursor = await demo.cursor();
      await second.close();
      await tabs(id, 1);
      assert.deepEqual(await movesSince(cursor, id), []);
      assert.equal((await demo.presence(id)).status, 'online');
    });

    await step('both are closed: the dot goes', async () => {
      await page.close();
      await shows(agent.page, id, 'offline');
      const { text, color, circle, dot } = await look(agent.page, row(id));
      assert.equal(text, 'Chat Widget • Offline');
      assert.equal(color, 'rgb(156, 163, 175)');
      assert.equal(circle, false);
      assert.equal(dot, false);
    });

    let again;
    await step('he comes back, without a form', async () => {
      again = await openPage(context, shopUrl());
      await shows(agent.page, id, 'online');
    });

    await step('his network is cut: gone after the window', async () => {
      const cursor = await demo.cursor();
      await context.setOffline(true);
      const { lastHeartbeat } = await demo.presence(id);
      await shows(agent.page, id, 'offline');
      const { events } = await demo.poll(
        { cursor, conversationId: id, timeout: 0 });
      const gone = events.find((event) => event.event === 'customer:offline');
      assert.equal(gone.reason, 'timeout');
      assert.ok(Date.parse(gone.timestamp) - Date.parse(lastHeartbeat) >=
        SET.timeoutMs, `${gone.timestamp}, last beat ${lastHeartbeat}`);
      await again.waitForFunction(() =>
        window.Porchlight.status().status === 'offline', null, WAIT);
    });

    await step('it is mended: he is here again', async () => {
      await context.setOffline(false);
      await shows(agent.page, id, 'online');
    });
  });

  test('from page to page there is no going and coming', async () => {
    const agent = await newAgent();
    const { page, conversationId: id } = await newCustomer('Grace Hopper');
    await shows(agent.page, id, 'online');
    const cursor = await demo.cursor();

    for (const link of ['.bar nav a[href*="shop-lamp"]', '.brand']) {
      await page.click(link);
      await page.waitForFunction(() => window.Porchlight &&
        window.Porchlight.status().status === 'online', null, WAIT);
    }
    // The tabs that left are over once only the newest is counted.
    await tabs(id, 1);
    assert.deepEqual(await movesSince(cursor, id), []);
    assert.deepEqual(await agent.page.evaluate((i) => window.shown[i], id)
      .then((all) => all.filter((status) => status === 'offline')), []);
  });

  test('a hidden tab is away, and online when looked at', async () => {
    const agent = await newAgent();
    const { page, conversationId: id } = await newCustomer('Mary Somerville');
    const hide = (hidden) => page.evaluate((is) => {
      Object.defineProperties(document, {
        hidden: { value: is, configurable: true },
        visibilityState:
          { value: is ? 'hidden' : 'visible', configurable: true },
      });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);

    await shows(agent.page, id, 'online');
    await hide(true);
    await shows(agent.page, id, 'away');
    const { text, dot } = await look(agent.page, row(id));
    assert.equal(text, 'Chat Widget • Away');
    assert.notEqual(dot, false);
    await hide(false);
    await shows(agent.page, id, 'online');
  });

  test('a chat with a form of its own connects by itself', async () => {
    const agent = await newAgent();
    const { sessionId } = await demo.conversation({ id: JOHN });
    const context = await browser.newContext();

    await shows(agent.page, JOHN, 'offline');
    await openPage(context, `${demo.url}/demo/shop.html?conversation=${JOHN}` +
      `&session=${sessionId}`);
    await shows(agent.page, JOHN, 'online');
    await agent.page.click(`#list [data-conversation="${JOHN}"] .row`);
    await agent.page.waitForSelector('#who[status=online]', WAIT);
    assert.equal(await agent.page.textContent('#who-name'), 'John Doe');
    assert.equal((await look(agent.page, '#who')).text,
      'Chat Widget • Online');
  });

  test('typing shows, and wears off', async () => {
    const agent = await newAgent();
    const { page, conversationId: id } = await newCustomer('Emmy Noether');
    const word = (text) => agent.page.waitForFunction(([selector, wanted]) =>
      document.querySelector(selector).shadowRoot.textContent
        .includes(wanted), [row(id), text], WAIT);

    await shows(agent.page, id, 'online');
    await page.fill('input[name=text]', 'Hel');
    await word('Typing…');
    await word('Online');
  });

  for (const [id, name] of [['conv_facebook', 'Facebook'],
    ['conv_instagram', 'Instagram']])
    test(`a conversation on ${name} has no status at all`, async () => {
      const agent = await newAgent();
      await agent.page.waitForFunction((selector) =>
        document.querySelector(selector).shadowRoot.textContent, row(id), WAIT);
      const { text, dot } = await look(agent.page, row(id));
      assert.equal(text, name);
      assert.equal(dot, false);
    });

  test('the server is gone: unknown, never offline; then right again', async () => {
    const door = await newDoor();
    try {
      const agent = await newAgent(door.url);
      const { conversationId: id } = await newCustomer('Ida Rhodes');

      await shows(agent.page, id, 'online');
      await door.shut();
      await shows(agent.page, id, 'unknown');
      await shows(agent.page, JOHN, 'unknown');
      assert.equal((await look(agent.page, row(id))).text,
        'Chat Widget • Reconnecting…');
      assert.equal((await look(agent.page, row('conv_facebook'))).text,
        'Facebook');
      await door.open();
      await shows(agent.page, id, 'online');
      assert.deepEqual(
        (await agent.page.evaluate((i) => window.shown[i], id))
          .filter((status) => status === 'offline'), []);
    } finally {
      await door.shut();
    }
  });

  test('a conversation that is deleted: the form again, others stay', async () => {
    const agent = await newAgent();
    const one = await newCustomer('Sophie Germain');
    const other = await newCustomer('Hedy Lamarr');

    await shows(agent.page, one.conversationId, 'online');
    await shows(agent.page, other.conversationId, 'online');
    const answer = await demo.api.delete(
      `/api/conversations/${one.conversationId}`, demo.asHost);
    assert.ok(answer.status < 300, String(answer.status));
    await one.page.waitForSelector('.first:not([hidden])', WAIT);
    assert.equal(await one.page.evaluate(() =>
      window.Porchlight.status().conversationId), null);
    assert.equal((await demo.presence(other.conversationId)).status, 'online');
    await shows(agent.page, other.conversationId, 'online');
  });

  test('a token that is no good: the form to sign in', async () => {
    const context = await browser.newContext();
    const page = await openPage(context,
      `${demo.url}/demo/dashboard.html#token=wrong`);

    await page.waitForSelector('#sign-in:not([hidden])', WAIT);
    assert.equal(await page.evaluate(() => location.hash), '');
    await page.fill('#token', demo.agentToken);
    await page.click('#sign-in button');
    await page.waitForSelector(`${row('conv_facebook')}[status=none]`,
      { ...WAIT, state: 'visible' });
  });
});
