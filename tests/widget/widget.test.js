// The widget's schedule: when the next beat is due.

'use strict';

const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');

const WIDGET = path.resolve(__dirname, '../../widget/porchlight-widget.js');
const { nextDelay } = require(WIDGET);

const DEFAULT = { intervalMs: 30000, leaseMs: 60000, failures: 0 };

const delay = (change, random = 0) =>
  nextDelay({ ...DEFAULT, ...change }, random);

test('a visible tab beats at 80 to 93 % of the interval', () => {
  assert.equal(delay({}, 0), 24000);
  assert.ok(delay({}, 0.9999) < 27901);
  assert.ok(delay({}, 0.9999) > 27890);
});

test('a short lease is beaten twice, whatever the interval', () => {
  assert.ok(delay({ leaseMs: 10000 }, 0.9999) < 5000);
});

// Timers of a hidden tab run once a minute. The one that is set at the start
// of a minute is due within it, so beats come each minute, and one of 150 s
// may be lost: 60 + 60 < 150.
test('a hidden tab beats within a minute and not before 30 s', () => {
  for (const random of [0, 0.5, 0.9999]) {
    const ms = delay({ leaseMs: 150000, hidden: true }, random);
    assert.ok(ms >= 30000 && ms < 60000, String(ms));
  }
});

test('a failed beat is repeated after 1, 2, 4, 8 s, then at the interval', () => {
  const waits = [1, 2, 3, 4, 5, 6].map((failures) => delay({ failures }));
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 24000, 24000]);
});

test('a repetition is never later than the beat would have been', () => {
  assert.equal(delay({ failures: 4, intervalMs: 1000 }), 800);
});

test('Retry-After is obeyed, and spread', () => {
  const wait = { failures: 1, retryAfterMs: 30000 };
  assert.equal(delay(wait, 0), 30000);
  assert.ok(delay(wait, 0.9999) > 35000);
});

test('a Retry-After that is missing or a date falls back to the schedule', () => {
  for (const retryAfterMs of [undefined, 0, NaN, -5])
    assert.equal(delay({ failures: 1, retryAfterMs }), 1000);
});

test('nonsense from the server makes no busy loop and no endless wait', () => {
  assert.equal(delay({ intervalMs: 0 }), 250);
  assert.equal(delay({ intervalMs: -1 }), 250);
  assert.equal(delay({ intervalMs: 1e12, leaseMs: 1e12 }), 3600000);
  assert.equal(delay({ failures: 1, retryAfterMs: 1e12 }), 3600000);
});

test('the script stays below 3 kB gzipped, comments and all', () => {
  const { length } = zlib.gzipSync(fs.readFileSync(WIDGET), { level: 9 });
  assert.ok(length <= 3072, `${length} bytes`);
});
