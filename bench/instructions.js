// Counts the instructions of a beat and of a poll, and keeps them: ./dev check
// fails when either has changed by more than a little since.

'use strict';

const { count, kept, keep } = require('../tests/lib/instructions');

async function main() {
  const before = kept();
  const counted = await count();
  for (const name of ['beat', 'poll'])
    console.log(`instructions of a ${name}: ${counted[name]} (${before[name]} before)`);
  keep(counted);
}

main().catch((err) => {
  console.error(err);
  process.exitCode = 1;
});
