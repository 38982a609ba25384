// The main job, in a real browser against the real server: a customer's page
// beats, and the agent's page shows the dot come and go.
//
// Windows are short here, so that "after the window" is three seconds. Nothing
// sleeps: each step waits for what must come, and what must not come is looked
// up in the stream of changes once that is over.

'use strict';

const { test, describe, before, after, afterEach } = require('node:test');
const assert = require('node:assert');
const { startDemo, until } = require('../lib/demo');
const { startBrowser, setOffline, fill, visible, shopUrl, newCustomer, newDoor,
  step } = require('../lib/browser');

const SET = { timeoutMs: 5000, heartbeatIntervalMs: 1000, minBeatMs: 100,
  leaveGraceMs: 1500 };
const JOHN = 'conv_123';

let demo;
let browser;

// The agent's page, with a note of all statuses that each row ever showed.
async function newAgent(base = demo.url) {
  const profile = await browser.profile();
  const page = await browser.open(profile,
    `${base}/demo/dashboard.html#token=${demo.agentToken}`);

  await visible(page, row(JOHN));
  await page.evaluate(() => {
    window.shown = {};
    new MutationObserver((changes) => changes.forEach((change) => {
      const id = change.target.getAttribute('conversation');
      (window.shown[id] = window.shown[id] || [])
        .push(change.target.getAttribute('status'));
    })).observe(document.getElementById('list'),
      { subtree: true, attributeFilter: ['status'] });
  });
  return { profile, page };
}

const row = (id) => `#list [data-conversation="${id}"] porchlight-status`;

const textOf = (page, selector) =>
  page.$eval(selector, (element) => element.textContent);

const shows = (page, id, status) =>
  visible(page, `${row(id)}[status=${status}]`);

// What a person sees of a <porchlight-status>: its words and its dot.
const look = (page, selector) => page.$eval(selector, (element) => {
  const visible = (part) => getComputedStyle(part).display !== 'none';
  const find = (part) => element.shadowRoot.querySelector(`.${part}`);
  const dot = getComputedStyle(find('dot'));
  const before = getComputedStyle(find('word'), '::before');
  return {
    text: ['platform', 'word'].map(find).filter(visible)
      .map((part) => part.textContent).join(''),
    circle: before.display !== 'none' && before.backgroundColor,
    dot: visible(find('dot')) && {
      size: dot.width, color: dot.backgroundColor,
      border: `${dot.borderTopWidth} ${dot.borderTopColor}`,
    },
  };
});

// Waits until the server counts that many tabs of the conversation.
const tabs = (conversationId, count) => until(async () =>
  (await demo.presence(conversationId)).socketsInRoom === count,
{ deadline: 15000, what: `${count} tabs of ${conversationId}` });

async function movesSince(cursor, conversationId) {
  const { events } = await demo.poll({ cursor, conversationId, timeout: 0 });
  return events.map((event) => event.event)
    .filter((name) => name !== 'customer:heartbeat');
}

describe('presence in the browser', { timeout: 240000 }, () => {
  before(async () => {
    demo = await startDemo({ set: SET });
    browser = await startBrowser();
  });

  after(async () => {
    if (browser)
      await browser.end();
    if (demo)
      await demo.stop();
  });

  afterEach(async () => {
    await browser.closeProfiles();
    assert.deepEqual(browser.takeNoise(), []);
  });

  test('form, dot, two tabs, both closed, back, network cut, back', async () => {
    const agent = await newAgent();
    const { profile, page, conversationId: id } =
      await newCustomer(browser, demo, 'Ada Lovelace');

    await step('the form filled in: the dot is there', async () => {
      await shows(agent.page, id, 'online');
      assert.equal(await textOf(agent.page, `${row(id)} .name`),
        'Ada Lovelace');
      assert.deepEqual(await look(agent.page, row(id)), {
        text: 'Chat Widget • Online',
        circle: 'rgb(16, 185, 129)',
        dot: { size: '12px', color: 'rgb(16, 185, 129)',
          border: '2px rgb(255, 255, 255)' },
      });
    });

    await step('of two tabs one is closed: the dot stays', async () => {
      const second = await browser.open(profile, shopUrl(demo));
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
      const { text, circle, dot } = await look(agent.page, row(id));
      assert.equal(text, 'Chat Widget • Offline');
      assert.equal(circle, false);
      assert.equal(dot, false);
    });

    let again;
    await step('he comes back, without a form', async () => {
      again = await browser.open(profile, shopUrl(demo));
      await shows(agent.page, id, 'online');
    });

    await step('his network is cut: gone after the window', async () => {
      const cursor = await demo.cursor();
      await setOffline(profile, true);
      const { lastHeartbeat } = await demo.presence(id);
      await shows(agent.page, id, 'offline');
      const { events } = await demo.poll(
        { cursor, conversationId: id, timeout: 0 });
      const gone = events.find((event) => event.event === 'customer:offline');
      assert.equal(gone.reason, 'timeout');
      assert.ok(Date.parse(gone.timestamp) - Date.parse(lastHeartbeat) >=
        SET.timeoutMs, `${gone.timestamp}, last beat ${lastHeartbeat}`);
      await again.waitForFunction(() =>
        window.Porchlight.status().status === 'offline');
    });

    await step('it is mended: he is here again', async () => {
      await setOffline(profile, false);
      await shows(agent.page, id, 'online');
    });
  });

  test('from page to page there is no going and coming', async () => {
    const agent = await newAgent();
    const { page, conversationId: id } =
      await newCustomer(browser, demo, 'Grace Hopper');
    await shows(agent.page, id, 'online');
    const cursor = await demo.cursor();

    for (const [link, path] of [['.bar nav a[href*="shop-lamp"]', 'shop-lamp'],
      ['.brand', 'shop.html']]) {
      await page.click(link);
      await page.waitForFunction((where) => location.pathname.includes(where) &&
        window.Porchlight && window.Porchlight.status().status === 'online',
      {}, path);
    }
    // The tabs that left are over once only the newest is counted.
    await tabs(id, 1);
    assert.deepEqual(await movesSince(cursor, id), []);
    assert.deepEqual(await agent.page.evaluate((i) => window.shown[i], id)
      .then((all) => all.filter((status) => status === 'offline')), []);
  });

  test('a hidden tab is away, and online when looked at', async () => {
    const agent = await newAgent();
    const { page, conversationId: id } =
      await newCustomer(browser, demo, 'Mary Somerville');
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
    const profile = await browser.profile();

    await shows(agent.page, JOHN, 'offline');
    await browser.open(profile, `${demo.url}/demo/shop.html` +
      `?conversation=${JOHN}&session=${sessionId}`);
    await shows(agent.page, JOHN, 'online');
    await agent.page.click(`#list [data-conversation="${JOHN}"] .row`);
    await visible(agent.page, '#who[status=online]');
    assert.equal(await textOf(agent.page, '#who-name'), 'John Doe');
    assert.equal((await look(agent.page, '#who')).text,
      'Chat Widget • Online');
  });

  test('typing shows, and wears off', async () => {
    const agent = await newAgent();
    const { page, conversationId: id } =
      await newCustomer(browser, demo, 'Emmy Noether');
    const word = (wanted) => agent.page.waitForFunction((selector, it) =>
      document.querySelector(selector).shadowRoot.textContent.includes(it),
    {}, row(id), wanted);

    await shows(agent.page, id, 'online');
    await fill(page, 'input[name=text]', 'Hel');
    await word('Typing…');
    await word('Online');
  });

  for (const [id, name] of [['conv_facebook', 'Facebook'],
    ['conv_instagram', 'Instagram']])
    test(`a conversation on ${name} has no status at all`, async () => {
      const agent = await newAgent();
      await agent.page.waitForFunction((selector) =>
        document.querySelector(selector).shadowRoot.textContent, {}, row(id));
      const { text, dot } = await look(agent.page, row(id));
      assert.equal(text, name);
      assert.equal(dot, false);
    });

  test('the server is gone: unknown, never offline; then right again', async () => {
    const door = await newDoor(demo);
    try {
      const agent = await newAgent(door.url);
      const { conversationId: id } =
        await newCustomer(browser, demo, 'Ida Rhodes');

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
    const one = await newCustomer(browser, demo, 'Sophie Germain');
    const other = await newCustomer(browser, demo, 'Hedy Lamarr');

    await shows(agent.page, one.conversationId, 'online');
    await shows(agent.page, other.conversationId, 'online');
    const answer = await demo.api.delete(
      `/api/conversations/${one.conversationId}`, demo.asHost);
    assert.ok(answer.status < 300, String(answer.status));
    await visible(one.page, '.first');
    assert.equal(await one.page.evaluate(() =>
      window.Porchlight.status().conversationId), undefined);
    assert.equal((await demo.presence(other.conversationId)).status, 'online');
    await shows(agent.page, other.conversationId, 'online');
  });

  test('a token that is no good: the form to sign in', async () => {
    const profile = await browser.profile();
    const page = await browser.open(profile,
      `${demo.url}/demo/dashboard.html#token=wrong`);

    await visible(page, '#sign-in');
    assert.equal(await page.evaluate(() => location.hash), '');
    await fill(page, '#token', demo.agentToken);
    await page.click('#sign-in button');
    await visible(page, `${row('conv_facebook')}[status=none]`);
  });
});
