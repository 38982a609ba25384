// A real browser for a test: headless, without a default of the driver's that
// would change what a page meets (timers, visibility, the back/forward cache).
//
// puppeteer-core drives it, as that leaves hidden pages hidden, sees pages come
// back from the back/forward cache, and drives Debian's Firefox too. Nothing
// can hang: each command to the browser, each wait and each end has a deadline,
// and whoever holds the process beyond OVERDUE_MS all the same is shot.

'use strict';

const http = require('node:http');
const net = require('node:net');
const puppeteer = require('puppeteer-core');
const { until, freePort, parseEnv } = require('./demo');

const PROGRAMS = {
  chrome: process.env.CHROMIUM || '/usr/bin/chromium',
  firefox: process.env.FIREFOX || '/usr/bin/firefox-esr',
};
const WAIT_MS = 20000;
const OVERDUE_MS = 300000;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--window-size=1280,900'];
const KEPT_FROM_THE_DRIVER = ['--disable-back-forward-cache'];
// These make hidden pages as lively as visible ones: good for a test's speed,
// bad for a test of hidden pages.
const LIVELY = ['--disable-background-timer-throttling',
  '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows'];

/**
 * Starts a browser of this test file's own.
 *
 *   name       chrome (default) or firefox
 *   args       more switches
 *   throttled  true: hidden pages are slowed down as in real life
 */
async function startBrowser({ name = 'chrome', args = [], throttled = false } = {}) {
  // Unref'd: only a process that something else holds lives to see it.
  setTimeout(() => {
    console.error(`still not over after ${OVERDUE_MS} ms`);
    process.exit(1);
  }, OVERDUE_MS).unref();

  const chrome = name === 'chrome';
  return new Browser(await puppeteer.launch({
    browser: name,
    executablePath: PROGRAMS[name],
    headless: true,
    args: chrome ? [...FLAGS, ...args] : args,
    ignoreDefaultArgs: chrome &&
      [...KEPT_FROM_THE_DRIVER, ...(throttled ? LIVELY : [])],
    defaultViewport: null,
    timeout: 60000,
    protocolTimeout: 30000,
  }));
}

/** Made by startBrowser(). */
class Browser {
  constructor(driver) {
    this.driver = driver;
    this.noise = [];
  }

  /** A profile of its own: no cookie, no storage, no cache is shared. */
  profile(options) {
    return this.driver.createBrowserContext(options);
  }

  /**
   * Opens an address (none: a blank page) in a window of its own, so that it
   * is visible; as a tab, which hides the tab that was in front, if `tab`.
   * `init` runs in each document of the page before its own scripts do.
   */
  async open(profile, address, { tab = false, init } = {}) {
    const page = this.listen(await profile.newPage(tab ? {} : { type: 'window' }));
    if (init)
      await page.evaluateOnNewDocument(init);
    if (address)
      await page.goto(address);
    return page;
  }

  // What pages must not do: throw, or write to the console. The browser's own
  // lines about failed requests are not theirs.
  listen(page) {
    page.setDefaultTimeout(WAIT_MS);
    page.on('pageerror', (err) => this.noise.push(String(err)));
    page.on('console', (message) => {
      if (!/^Failed to load resource/.test(message.text()))
        this.noise.push(message.text());
    });
    return page;
  }

  /** What the pages have thrown and logged since the last call. */
  takeNoise() {
    const { noise } = this;
    this.noise = [];
    return noise;
  }

  /** Closes all profiles with their pages. */
  async closeProfiles() {
    const own = this.driver.browserContexts()
      .filter((profile) => profile !== this.driver.defaultBrowserContext());
    await Promise.all(own.map((profile) => profile.close()));
  }

  /** Ends the browser, the hard way if need be. */
  async end() {
    const child = this.driver.process();
    const ended = () => child.exitCode !== null || child.signalCode !== null;
    try {
      await within(15000, this.driver.close(), 'the browser closes');
    } finally {
      if (!ended())
        child.kill('SIGKILL');
      await until(ended, { what: 'the browser is dead' });
    }
  }
}

/** The promise's value; throws if it is not there in that time. */
function within(ms, promise, what) {
  let timer;
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Takes all open pages of a profile off the network, or puts them back. */
async function setOffline(profile, is) {
  for (const page of await profile.pages())
    await page.setOfflineMode(is);
}

/** Puts a text into a field, as one does who types it, but at once. */
function fill(page, selector, text) {
  return page.locator(selector).fill(text);
}

/** Waits until something matches, and is not hidden. */
function visible(page, selector) {
  return page.waitForSelector(selector, { visible: true });
}

/** The demo's shop, as the shop's own link has it. */
function shopUrl(demo, base = demo.url) {
  return `${base}/demo/shop.html?site=${demo.siteKey}`;
}

/** A customer with a new profile, who has filled in the shop's form. */
async function newCustomer(browser, demo, name, base) {
  const profile = await browser.profile();
  const page = await browser.open(profile, shopUrl(demo, base));

  await page.click('.bubble');
  await fill(page, 'input[name=name]', name);
  await fill(page, 'input[name=email]', 'customer@example.org');
  await page.click('.first button[type=submit]');
  await visible(page, '.say');
  const { conversationId } = await page.evaluate(() =>
    window.Porchlight.status());
  return { profile, page, conversationId };
}

/**
 * A door between browser and server, on a port of its own, that can be shut.
 * It leads to demo.port as that is when somebody enters.
 */
async function newDoor(demo) {
  const port = await freePort();
  const sockets = new Set();
  let server;
  const join = (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  };

  const door = {
    url: `http://127.0.0.1:${port}${demo.prefix ?? ''}`,
    open: () => new Promise((resolve, reject) => {
      server = net.createServer((from) => {
        const to = net.connect(demo.port, '127.0.0.1');
        [from, to].forEach(join);
        from.pipe(to).pipe(from);
        from.on('close', () => to.destroy());
        to.on('close', () => from.destroy());
      }).on('error', reject).listen(port, '127.0.0.1', resolve);
    }),
    shut: () => new Promise((resolve) => {
      server.close(resolve);
      sockets.forEach((socket) => socket.destroy());
    }),
  };
  await door.open();
  return door;
}

/**
 * A site of somebody's: pages of its own, and the demo behind all other paths,
 * as a web server has it that serves both. pages: {path: {html, headers}}.
 */
async function newSite(demo, pages = {}) {
  const server = http.createServer((req, res) => {
    const page = pages[req.url.replace(/\?.*/, '')];
    if (page) {
      res.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...page.headers });
      res.end(page.html);
      return;
    }
    const { url: path, method, headers } = req;
    const onward = http.request(
      { host: '127.0.0.1', port: demo.port, path, method, headers }, (answer) => {
        res.writeHead(answer.statusCode, answer.headers);
        answer.pipe(res);
      });
    onward.on('error', () => res.destroy());
    res.on('close', () => onward.destroy());
    req.pipe(onward);
  });
  await new Promise((resolve, reject) =>
    server.on('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return {
    pages,
    url: `http://127.0.0.1:${port}`,
    otherUrl: `http://localhost:${port}`, // another site to the browser
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

/** A company of its own, whose pages have those origins: {siteKey, apiKey, token}. */
async function newCompany(demo, name, ...origins) {
  const run = async (...args) => {
    const { code, stdout, stderr } = await demo.command(...args);
    if (code !== 0)
      throw new Error(`${args.join(' ')}: ${stderr}`);
    return parseEnv(stdout);
  };
  const made = await run('company', 'add', ...origins.flatMap((one) => ['-o', one]), name);
  const agent = await run('agent', 'add', '-C', name, 'Agent');
  return { siteKey: made.SITE_KEY, apiKey: made.API_KEY, token: agent.AGENT_TOKEN };
}

/** Runs a part of a test, and puts its name before what it throws. */
async function step(name, run) {
  try {
    await run();
  } catch (err) {
    err.message = `${name}: ${err.message}`;
    throw err;
  }
}

module.exports = { startBrowser, setOffline, fill, visible, within, shopUrl,
  newCustomer, newDoor, newSite, newCompany, step, WAIT_MS };
