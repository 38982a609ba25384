// The pictures that README.md shows are there, and small.

'use strict';

const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.resolve(__dirname, '../..');
const MOST = 150 * 1024;
const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

test('each picture of the README is a PNG of at most 150 kB', () => {
  const readme = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
  const files = [...readme.matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)]
    .map((found) => found[1]);

  assert.ok(files.length >= 4);
  for (const file of files) {
    const picture = fs.readFileSync(path.join(ROOT, file));
    assert.ok(picture.length <= MOST, `${file}: ${picture.length} bytes`);
    assert.deepEqual(picture.subarray(0, 8), PNG, file);
  }
});
