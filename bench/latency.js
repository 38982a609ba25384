// How long from a customer's beat to the dashboard that waits for it: both
// programs, the doorbell between them and lighttpd, on loopback.
//
// One dashboard holds a poll for the conversation; the clock runs from the
// moment the beat is sent until the poll's answer is there. Once alone, once
// with 99 other dashboards waiting for other things.

'use strict';

const { startDemo, newTab, sleep } = require('../tests/lib/demo');

const COUNT = 500;
const WARM_UP = 50;

async function measure(demo, others) {
  const session = await demo.conversation();
  const elsewhere = await demo.conversation();
  const tab = newTab();
  let over = false;
  const crowd = Array.from({ length: others }, async (_, i) => {
    while (!over)
      await demo.poll({ timeout: 5, client: `other${i}`, conversationId: elsewhere.conversationId });
  });

  await demo.beat(session, tab);
  let { cursor } = await demo.presence(session.conversationId);
  const times = [];
  for (let i = 0; i < WARM_UP + COUNT; i++) {
    const held = demo.poll({ timeout: 20, conversationId: session.conversationId, cursor })
      .then((json) => ({ json, at: process.hrtime.bigint() }));
    await sleep(10); // the poll is held by now
    const sent = process.hrtime.bigint();
    const beat = demo.beat(session, tab);
    const { json, at } = await held;
    await beat;
    cursor = json.cursor;
    if (json.events.length !== 1)
      throw new Error(`expected one event: ${JSON.stringify(json)}`);
    if (i >= WARM_UP)
      times.push(Number(at - sent) / 1e6);
  }
  over = true;
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.floor(times.length * share)].toFixed(2).padStart(6);
  console.log(`beat to dashboard, ${String(others + 1).padStart(3)} waiting, n=${COUNT}:` +
    `  p50 ${at(0.5)} ms  p99 ${at(0.99)} ms  max ${at(0.999)} ms`);
  await Promise.all(crowd);
}

async function main() {
  const demo = await startDemo({ set: { minBeatMs: 0 } });
  try {
    await measure(demo, 0);
    await measure(demo, 99);
  } finally {
    await demo.stop();
  }
}

main().catch((err) => {
  console.error(err);
  process.exitCode = 1;
});
