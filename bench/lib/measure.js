// What the benches measure by: the load generator (bench/load.c), the CPU time
// and the memory of processes as the kernel counts them, and the figures that
// many runs come down to.
//
// Contenders are compared in rounds: each is measured once, then each again,
// so that whatever else the machine does falls upon all of them. A short look:
// ROUNDS=1 SHARE=0.1 CONTENDERS='lighttpd node' ./dev bench beats.

'use strict';

const { spawn, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { sleep, ROOT } = require('../../tests/lib/demo');
const contenders = require('./contenders');

const BUILD = path.resolve(ROOT, process.env.BUILD || 'build');
const ROUNDS = Number(process.env.ROUNDS || 5);
const SHARE = Number(process.env.SHARE || 1);
const TICKS = 100; // a second, in /proc: the kernel's USER_HZ is fixed
const PERCENTS = [1, 5, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100];
const PAGE = 4096;
const QUIET_MS = 200; // between what was prepared and what is measured

/** So many, or the share of them that a short look takes. */
function count(n, least = 1) {
  return Math.max(least, Math.round(n * SHARE));
}

// --- figures ---

function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median of each member that is a number. */
function medians(list) {
  return Object.fromEntries(Object.keys(list[0])
    .filter((name) => typeof list[0][name] === 'number')
    .map((name) => [name, median(list.map((one) => one[name]))]));
}

/** Of all of a list, as a curve has them: [[percent, value], …]. */
function percentiles(list) {
  const sorted = [...list].sort((a, b) => a - b);
  return PERCENTS.map((percent) => [percent, sorted[Math.max(0, Math.ceil(sorted.length * percent / 100) - 1)]]);
}

/** Several histograms of the load generator as one: [[ms, count], …]. */
function pooled(histograms) {
  const sum = new Map();
  for (const [ms, n] of histograms.flat())
    sum.set(ms, (sum.get(ms) ?? 0) + n);
  return [...sum].sort(([a], [b]) => a - b);
}

// --- processes ---

/**
 * Seconds of CPU that these have had, with their children that have ended and
 * been waited for. Of a tree of processes, all given, this counts each once,
 * and keeps what those had that end.
 */
function cpuSeconds(pids) {
  let ticks = 0;
  for (const pid of pids) {
    const fields = read(`/proc/${pid}/stat`).replace(/^.*\) /s, '').split(' ');
    for (const field of fields.slice(11, 15)) // utime stime cutime cstime
      ticks += Number(field);
  }
  return ticks / TICKS;
}

/** Their memory in bytes: what several share is counted once. */
function memory(pids) {
  let sum = 0;
  for (const pid of pids)
    sum += Number(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1024;
  return sum;
}

/** The kernel's own, of the whole machine: its objects, and what is in sockets. */
function kernelMemory() {
  const objects = Number(/^SUnreclaim:\s+(\d+) kB/m.exec(read('/proc/meminfo'))[1]) * 1024;
  const buffers = Number(/^TCP:.* mem (\d+)/m.exec(read('/proc/net/sockstat'))[1]) * PAGE;
  return objects + buffers;
}

/** Empty if the process has ended. */
function read(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

// --- contenders ---

/** Those of `all` that a short look names. */
function chosen(all) {
  const wanted = process.env.CONTENDERS?.split(' ') ?? all;
  return all.filter((name) => wanted.includes(name));
}

/** Starts those that are chosen. */
async function startAll(all) {
  const started = [];
  for (const name of chosen(all))
    try {
      started.push(await contenders.start(name));
    } catch (err) {
      await stopAll(started);
      err.message = `${name}: ${err.message}`;
      throw err;
    }
  return started;
}

async function stopAll(started) {
  for (const contender of started)
    await contender.stop().catch((err) => console.error(`${contender.name}: ${err.message}`));
}

/** Starts one, calls measureOne(contender), ends it. */
async function withFresh(name, measureOne) {
  const contender = await contenders.start(name);
  try {
    return await measureOne(contender);
  } finally {
    await contender.stop();
  }
}

/**
 * Calls measureOne(each, round) for each contender (or name of one) in ROUNDS
 * rounds, beginning with another each time; gives a Map of what came of it, in
 * order of the rounds.
 */
async function inRounds(all, measureOne) {
  const found = new Map(all.map((each) => [each, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (let i = 0; i < all.length; i++) {
      const each = all[(round + i) % all.length];
      try {
        found.get(each).push(await measureOne(each, round));
      } catch (err) {
        err.message = `${each.name ?? each}: ${err.message}`;
        throw err;
      }
    }
  return found;
}

// --- the load generator ---

let command; // that starts it: made once

function generator() {
  if (command)
    return command;
  execFileSync('flock', [path.join(BUILD, '.dev-lock'), 'make', '-C', BUILD, '-s', 'bench/load'],
    { stdio: 'pipe', timeout: 120000 });
  const program = path.join(BUILD, 'bench', 'load');
  command = os.cpus().length < 2 ? [program] : ['taskset', '-c', '1', program];
  return command;
}

/**
 * Runs a job of bench/load.c. `ready` is called when all is open and waits,
 * before the load begins. Gives its result, good or bad.
 */
async function runJob(job, ready = () => {}) {
  const deadline = job.deadlineMs ?? 60000;
  const [program, ...args] = generator();
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'], timeout: deadline + 30000, killSignal: 'SIGKILL',
  });
  try {
    child.stdin.on('error', () => {}); // it has ended, and says so by itself
    child.stdin.write(JSON.stringify({ ...job, deadlineMs: deadline }));
    const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async () => JSON.parse((await lines.next()).value ?? '{"error":"the load generator ended"}');
    let line = await next();
    if (line.ready) {
      await ready();
      child.stdin.end('\n');
      line = await next();
    }
    return line;
  } finally {
    child.kill('SIGKILL');
  }
}

/** The same; throws if anything went wrong. */
async function load(job, ready) {
  const { error, beats, watch } = await runJob(job, ready);
  if (error)
    throw new Error(error);
  if (beats?.bad > 0)
    throw new Error(`${beats.bad} bad answers: ${beats.firstBad}`);
  if (watch?.again > 0)
    throw new Error(`told ${watch.again} times again`);
  return { beats, watch };
}

/** The same for a contender, with the CPU seconds that the run took: `cpu`, `programsCpu`. */
async function loadOn(contender, job, ready = () => {}) {
  let before;
  const now = () => ({ all: cpuSeconds(contender.pids()), programs: cpuSeconds(contender.programs()) });
  const result = await load(job, async () => {
    await sleep(QUIET_MS);
    await ready();
    before = now();
  });
  const after = now();
  return { ...result, cpu: after.all - before.all, programsCpu: after.programs - before.programs };
}

module.exports = {
  count, median, medians, percentiles, pooled, cpuSeconds, memory, kernelMemory,
  chosen, startAll, stopAll, withFresh, inRounds, runJob, load, loadOn, ROUNDS,
};
