// A dashboard that follows the stream by its cursor, as api.md tells clients
// to: the next poll goes out with the cursor of the last answer, and a poll
// that failed is sent again with the cursor it had.

'use strict';

const { newTab, sleep, until } = require('./demo');

class Reader {
  /**
   * query: what every poll asks for (conversationId, timeout, heartbeats …).
   * pause: ms between polls, for a reader that does not wait (timeout 0).
   */
  constructor(demo, { pause = 0, cursor, ...query } = {}) {
    this.demo = demo;
    this.pause = pause;
    this.cursor = cursor;
    this.query = { timeout: 5, client: newTab(), ...query };
    this.events = [];
    this.resets = 0;
    this.failures = 0;
    this.busy = 0; // times that it was refused to wait
    this.waitAgainAt = 0;
    this.stopping = false;
  }

  /** Starts following from now, or from the cursor it was given. */
  async start() {
    this.cursor ??= await this.demo.cursor();
    this.running = this.run();
    return this;
  }

  async run() {
    while (!this.stopping && !this.demo.stopped) {
      await this.once();
      if (this.pause > 0)
        await sleep(this.pause);
    }
  }

  async once() {
    let answer;
    try {
      const rush = Date.now() < this.waitAgainAt;
      if (rush && this.asked)
        await this.pause5();
      this.asked = rush;
      answer = await this.demo.pollAnswer({
        ...this.query, cursor: this.cursor, ...(rush && { timeout: 0 }),
      });
    } catch {
      answer = { status: 0 }; // the connection broke
    }
    if (answer.json?.error === 'busy') {
      // No room to wait: ask every 5 s, and try to wait again after a minute.
      this.busy++;
      this.waitAgainAt = Date.now() + 60000;
      return;
    }
    if (answer.status !== 200) {
      this.failures++;
      this.lastFailure = answer;
      await sleep(200 + 300 * Math.random()); // as a client backs off
      return;
    }
    this.events.push(...answer.json.events);
    this.cursor = answer.json.cursor;
    if (answer.json.reset)
      this.resets++;
  }

  /** 5 s, or until it is to stop. */
  async pause5() {
    for (let i = 0; i < 100 && !this.stopping && !this.demo.stopped; i++)
      await sleep(50);
  }

  /** Events of a kind: 'online', 'offline', 'heartbeat'. */
  of(kind) {
    return this.events.filter((e) => e.event === `customer:${kind}`);
  }

  /** Waits for an event that fits; gives it. */
  see(fits, options) {
    return until(() => this.events.find(fits), { what: `an event with ${fits}`, ...options });
  }

  /** Ends it; a newer poll of the same client ends the one that is held. */
  async stop() {
    this.stopping = true;
    await this.demo.pollAnswer({ ...this.query, timeout: 0 }).catch(() => {});
    await this.running;
  }
}

module.exports = { Reader };
