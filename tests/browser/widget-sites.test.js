// The widget on strangers' sites: other origins, frames, files, strict
// policies, storage that is forbidden; and a server that goes and comes back.

'use strict';

const { test, describe, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { startDemo, until } = require('../lib/demo');
const { startBrowser, newSite, newDoor, newCompany } = require('../lib/browser');

const SET = { timeoutMs: 5000, hiddenTimeoutMs: 8000, heartbeatIntervalMs: 1000,
  minBeatMs: 100, leaveGraceMs: 3000, beatsPerMinute: 150 };

let demo;
let site;
let shop; // a company that has all the sites
let browser;

const page = (body, headers = {}) =>
  ({ html: `<!doctype html><title>A page</title>${body}`, headers });

const tag = (attributes, from = demo.url) =>
  `<script src="${from}/porchlight-widget.js" ${attributes}></script>`;

// In each document: notes of the widget's events, and of what a policy forbids.
const NOTES = `(() => {
  window.told = [];
  for (const name of ['online', 'offline', 'error'])
    document.addEventListener('porchlight:' + name, (e) =>
      told.push(name + ' ' + (e.detail.reason || e.detail.error || e.detail.status)));
  addEventListener('securitypolicyviolation', (e) => told.push('forbidden: ' + e.blockedURI));
})()`;

const told = (frame) => frame.evaluate(() => window.told);

const tells = (frame, what) => frame.waitForFunction((wanted) =>
  window.told.includes(wanted), {}, what);

async function open(url) {
  const profile = await browser.profile();
  return { profile, page: await browser.open(profile, url, { init: NOTES }) };
}

/** Fills in the first form; gives the conversation, which is online then. */
async function start(frame, company = shop) {
  await frame.waitForFunction(() => window.Porchlight);
  assert.equal(await frame.evaluate(() => window.Porchlight.start({ name: 'Ada' })), true);
  await tells(frame, 'online online');
  const { conversationId } = await frame.evaluate(() => window.Porchlight.status());
  await demo.becomes(conversationId, 'online', company);
  return conversationId;
}

async function frameOf(top) {
  const handle = await top.waitForSelector('iframe');
  return handle.contentFrame();
}

describe('on sites of others', { timeout: 200000, concurrency: 3 }, () => {
  before(async () => {
    demo = await startDemo({ set: SET });
    site = await newSite(demo);
    shop = await newCompany(demo, 'A shop', site.url, site.otherUrl, 'null');
    browser = await startBrowser();
  });

  after(async () => {
    const noise = browser?.takeNoise();
    await browser?.end();
    await site?.close();
    await demo?.stop();
    // Of the site that is not the company's; Chromium's line, not ours.
    assert.deepEqual(noise?.filter((line) => !/blocked by CORS policy/.test(line)), []);
  });

  test('another origin: form, beats, leaving, and a policy that lets in only that', async () => {
    site.pages['/other'] = page(tag(`data-site-key="${shop.siteKey}" async`), {
      'content-security-policy':
        `default-src 'none'; script-src ${demo.url}; connect-src ${demo.url}` });
    const { profile, page: p } = await open(`${site.url}/other`);
    const id = await start(p);
    const hiding = await browser.open(profile, 'about:blank', { tab: true });
    await demo.becomes(id, 'away', shop);
    await hiding.close();
    await p.bringToFront();
    await demo.becomes(id, 'online', shop);
    assert.deepEqual(await told(p), ['online online']);
    await p.close();
    await demo.becomes(id, 'offline', shop);
  });

  test('its own origin under the strictest policy, the worker too', async () => {
    site.pages['/strict'] = page(tag(`data-site-key="${demo.siteKey}" async`, ''), {
      'content-security-policy':
        "default-src 'none'; script-src 'self'; connect-src 'self'" });
    const { profile, page: p } = await open(`${site.url}/strict`);
    const id = await start(p, {});
    await browser.open(profile, 'about:blank', { tab: true });
    await demo.becomes(id, 'away');
    // The page says so itself, and does not wait for its worker's script.
    await until(() => p.workers().length === 1, { deadline: 20000, what: 'the worker' });
    assert.deepEqual(await told(p), ['online online']);
  });

  test('a policy of nonces and trusted types, without the worker', async () => {
    site.pages['/nonce'] = page(
      tag(`data-site-key="${demo.siteKey}" data-worker="false" nonce="abc"`, ''), {
        'content-security-policy': "default-src 'none'; script-src 'nonce-abc'; " +
          "connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'" });
    const { profile, page: p } = await open(`${site.url}/nonce`);
    const id = await start(p, {});
    await browser.open(profile, 'about:blank', { tab: true });
    await demo.becomes(id, 'away');
    assert.deepEqual(await told(p), ['online online']);
  });

  test('in a frame of a third party, where storage is the frame\'s own', async () => {
    site.pages['/frame'] = page(tag(`data-site-key="${shop.siteKey}"`));
    site.pages['/top'] = page(`<iframe src="${site.url}/frame"></iframe>`);
    const { page: top } = await open(`${site.otherUrl}/top`);
    const id = await start(await frameOf(top));
    const cursor = await demo.cursor(shop);
    await top.reload();
    const again = await frameOf(top);
    await tells(again, 'online online');
    assert.equal((await again.evaluate(() => window.Porchlight.status())).conversationId, id);
    assert.deepEqual(await demo.movesSince(cursor, id, shop), []);
    await top.close();
    await demo.becomes(id, 'offline', shop);
  });

  test('in a frame where storage is forbidden: memory does', async () => {
    site.pages['/locked'] = page(tag(`data-site-key="${shop.siteKey}"`));
    site.pages['/around'] = page(
      `<iframe sandbox="allow-scripts" src="${site.url}/locked"></iframe>`);
    const { page: top } = await open(`${site.otherUrl}/around`);
    const frame = await frameOf(top);
    const id = await start(frame);
    assert.equal(await frame.evaluate(() => {
      try {
        return typeof window.localStorage;
      } catch (e) {
        return e.name;
      }
    }), 'SecurityError');
    const { lastHeartbeat } = await demo.presence(id, shop);
    await until(async () => (await demo.presence(id, shop)).lastHeartbeat !== lastHeartbeat,
      { deadline: 20000, what: 'another beat' });
    assert.deepEqual(await told(frame), ['online online']);
    await top.close();
    await demo.becomes(id, 'offline', shop);
  });

  test('a page that was opened as a file', async (t) => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'porchlight-'));
    t.after(() => fs.rmSync(dir, { recursive: true }));
    const file = path.join(dir, 'page.html');
    fs.writeFileSync(file, page(tag(`data-site-key="${shop.siteKey}"`)).html);
    const { page: p } = await open(pathToFileURL(file).href);
    const id = await start(p);
    await p.close();
    await demo.becomes(id, 'offline', shop);
  });

  test('a site that is not the company\'s: it beats, though it reads no answer', async () => {
    const { conversationId: id, sessionId } = await demo.conversation();
    site.pages['/unknown'] = page(
      tag(`data-conversation-id="${id}" data-session-id="${sessionId}"`));
    const { page: p } = await open(`${site.otherUrl}/unknown`);
    await demo.becomes(id, 'online');
    await tells(p, 'error network');
    await p.close();
    await demo.becomes(id, 'offline');
  });

  test('too often: another origin is told for how long to wait', async () => {
    const session = await demo.conversation(shop);
    site.pages['/often'] = page(tag(`data-conversation-id="${session.conversationId}"
      data-session-id="${session.sessionId}"`));
    const { page: p } = await open(`${site.url}/often`);
    await tells(p, 'online online');
    // Another tab of his uses up what the session may send.
    let waiting = true;
    const greedy = (async () => {
      while (waiting)
        await demo.beat(session, 'another-tab');
    })();
    try {
      await p.waitForFunction(() => window.Porchlight.status().retryAfterMs >= 1000,
        { polling: 50 });
    } finally {
      waiting = false;
      await greedy;
    }
    assert.ok((await told(p)).includes('error rate_limited'));
    await p.waitForFunction(() => window.Porchlight.status().failures === 0);
  });

  test('the conversation is deleted: another origin is told so', async () => {
    const { conversationId: id, sessionId } = await demo.conversation(shop);
    site.pages['/deleted'] = page(
      tag(`data-conversation-id="${id}" data-session-id="${sessionId}"`));
    const { page: p } = await open(`${site.url}/deleted`);
    await tells(p, 'online online');
    const answer = await demo.api.delete(`/api/conversations/${id}`,
      { authorization: `Bearer ${shop.apiKey}` });
    assert.ok(answer.status < 300, answer.text);
    await tells(p, 'error forbidden');
    assert.deepEqual(await told(p), ['online online', 'offline left', 'error forbidden']);
    const { seq } = await p.evaluate(() => window.Porchlight.status());
    await p.evaluate(() => window.dispatchEvent(new Event('online')));
    assert.equal((await p.evaluate(() => window.Porchlight.status())).seq, seq);
  });
});

describe('the server goes, and comes back', { timeout: 120000 }, () => {
  let server;
  let own;

  before(async () => {
    server = await startDemo({ set: SET });
    own = await startBrowser();
  });

  after(async () => {
    await own?.end();
    await server?.stop();
  });

  test('pages stay quiet, tell it in words to who asks, and are here again', async (t) => {
    const where = { port: server.port };
    const door = await newDoor(where);
    t.after(() => door.shut());
    const { conversationId: id, sessionId } = await server.conversation();
    const pages = [];
    for (const init of [NOTES, `${NOTES};localStorage.widget_debug = 'true';`])
      pages.push(await own.open(await own.profile(),
        `${door.url}/demo/shop.html?conversation=${id}&session=${sessionId}`, { init }));
    for (const p of pages)
      await tells(p, 'online online');
    await until(() => own.noise.includes(`💓 Customer heartbeat: ${id}`),
      { deadline: 20000, what: 'a line about a beat' });

    await door.shut();
    for (const p of pages)
      await tells(p, 'offline lost');

    // Its programs are new ones when it comes back, over the same data.
    const { dataDir } = server;
    await server.stop({ keepData: true });
    server = Object.assign(await startDemo({ dataDir }), { ownsDir: true });
    where.port = server.port;
    await door.open();
    await server.hasTabs(id, 2);
    for (const p of pages)
      await p.waitForFunction(() => window.told[window.told.length - 1] === 'online online');

    const lines = own.takeNoise();
    const words = [`🟢 Customer came online: ${id}`, `💓 Customer heartbeat: ${id}`,
      `⚠️ network ${id}`, `⏰ Customer heartbeat timeout: ${id}`];
    assert.deepEqual([...new Set(lines)].sort(), [...words].sort());
    const counted = (line) => lines.filter((one) => one === line).length;
    assert.equal(counted(words[0]), 2, 'one page alone was asked to');
    assert.equal(counted(words[3]), 1);
  });
});
