// What a beat and a poll cost is kept in numbers that do not depend on how busy
// the machine is: no change makes them dearer unseen, or cheaper without the
// next one being held to that.

'use strict';

const assert = require('node:assert/strict');
const { test, before } = require('node:test');
const { count, build, kept } = require('../lib/instructions');

const MOST = 0.05;
let counted;

const other = () => build() !== kept().build && `counted for ${kept().build}, this is ${build()}`;

before(async () => {
  if (!other())
    counted = await count();
});

for (const name of ['beat', 'poll'])
  test(`a ${name} takes as many instructions as it did`, { skip: other() }, () => {
    const then = kept()[name];
    const now = counted[name];
    assert.ok(Math.abs(now / then - 1) <= MOST,
      `${now} instructions, ${then} were kept: ${(100 * now / then - 100).toFixed(1)} %. ` +
      'If that is meant, ./dev bench instructions keeps the new count, for the same commit.');
  });
