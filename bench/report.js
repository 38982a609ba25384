// docs/performance.md out of what the benches saved: their results go to
// docs/performance/*.json, with the plots; the tables of the page are written
// anew between their marks, and the words around them are left alone.

'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { bars, lines, figure } = require('./lib/plot');
const { goals } = require('./lib/goals');
const { machine } = require('./lib/machine');
const { FOUND } = require('./lib/report');
const instructions = require('../tests/lib/instructions');
const { ROOT } = require('../tests/lib/demo');

const BENCHES = ['beats', 'latency', 'fanout', 'tabs', 'expiry', 'writers'];
const PAGE = path.join(ROOT, 'docs', 'performance.md');
const KEPT = path.join(ROOT, 'docs', 'performance');
const SHOWN = 'lighttpd'; // the server of ours that plots show beside the others
const BUSY = { waiting: 1000, rate: 2000 }; // the case of the latency's plot

// What is asked of a crowd of tabs, as its CPU is called.
const ASKED = { beat: 'a beat', one: 'presence of one', many: 'of 200 at once', page: 'first 100 online' };

// A contender's colour in the plots.
const KINDS = {
  lighttpd: 'ours', nginx: 'ours', proxy_fcgi: 'ours', mod_fcgid: 'ours',
  'floor-lighttpd': 'floor', 'floor-nginx': 'floor', 'loop-lighttpd': 'floor', 'loop-nginx': 'floor',
  'socketio-ws': 'peer', 'socketio-polling': 'peer2', nchan: 'peer3', node: 'peer', php: 'peer',
};

const thousands = (n) => n.toLocaleString('en-US');
const kilobytes = (n) => figure(n / 1000);

// --- tables ---

/** Markdown: columns {title: row → text}; numbers stand on the right. */
function table(columns, rows) {
  const titles = Object.keys(columns);
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(titles), line(titles.map((_, i) => (i ? '---:' : '---'))),
    ...rows.map((row) => line(Object.values(columns).map((text) => text(row))))].join('\n');
}

/** One column of what a row has under that name. */
const column = (name, write = figure) => (row) => (row[name] === undefined ? '' : write(row[name]));

function caseTitle({ waiting, rate }) {
  return `${thousands(waiting)} wait${rate ? `, ${thousands(rate)} beats/s` : ', idle'}`;
}

/** A line for each contender, with a column for each case: [title, row → text]. */
function byContender(rows, title, casesOf) {
  const groups = new Map();
  for (const row of rows)
    groups.set(row.label, [...(groups.get(row.label) ?? []), row]);
  const cases = casesOf([...groups.values()].sort((a, b) => b.length - a.length)[0]);
  const columns = cases.map(([name, text], i) => [name, (own) => (own[i] ? text(own[i]) : '')]);
  return table({ [title]: (own) => own[0].label, ...Object.fromEntries(columns) }, [...groups.values()]);
}

/** Those whose memory was measured, the lightest first. */
const weighed = (rows) => rows.filter((row) => row.memory !== undefined).sort((a, b) => a.memory - b.memory);

const TABLES = {
  goals: (results) => table({
    measure: (goal) => goal.measure,
    goal: (goal) => goal.goal,
    measured: (goal) => goal.measured ?? 'not yet',
    reached: ({ reached }) => ({ true: 'yes', false: '**no**' }[reached] ?? ''),
  }, goals(results)),
  machine: () => ['| | |', '| --- | --- |', ...machine().map(([what, which]) => `| ${what} | ${which} |`)].join('\n'),
  beats: ({ beats }) => beats && table({
    '1,000 beats': column('label', String),
    'CPU, ms': column('cpu'),
    'of it the programs': column('programsCpu'),
    'beats/s': column('rate', (n) => thousands(Math.round(n))),
    'p50, ms': column('p50'),
    'p99, ms': column('p99'),
    'p99.9, ms': column('p999'),
  }, beats.rows),
  instructions: () => table({
    instructions: ({ what }) => what,
    counted: ({ n }) => thousands(n),
  }, [
    { what: 'a beat, in presence.fcgi', n: instructions.kept().beat },
    { what: 'a poll that is asked, held, and told, in events.fcgi', n: instructions.kept().poll },
  ]),
  latency: ({ latency }) => latency && byContender(latency.rows, 'p50 / p99 in ms', (rows) =>
    rows.map((row) => [caseTitle(row), (one) => `${figure(one.p50)} / ${figure(one.p99)}`])),
  fanout: ({ fanout }) => fanout && byContender(fanout.rows, 'one change to all', (rows) =>
    rows.map((row) => [`the last of ${thousands(row.waiting)}, ms`, (one) => figure(one.last)])),
  memory: ({ fanout }) => fanout && table({
    [`of ${thousands(weighed(fanout.rows)[0].waiting)} that wait`]: column('label', String),
    'each, kB': column('memory', kilobytes),
    'of it the programs': column('programsMemory', kilobytes),
    'and in the kernel, both ends': column('kernelMemory', kilobytes),
  }, weighed(fanout.rows)),
  tabs: ({ tabs }) => tabs && table({
    'tabs online': column('tabs', thousands),
    ...Object.fromEntries(Object.entries(ASKED).map(([name, title]) => [`${title}, µs`, column(`${name}Cpu`)])),
    'memory, MB': column('memory', (n) => figure(n / 1e6)),
    'disk a tab, bytes': column('diskPerTab', (n) => thousands(Math.round(n))),
  }, tabs.rows),
  expiry: ({ expiry }) => expiry && table({
    'fell silent': column('customers', thousands),
    'beats/s beside': column('rate', thousands),
    missing: column('lost', thousands),
    'told twice': column('twice', thousands),
    'wrongly dated': column('wrong', thousands),
    'late p50, ms': column('p50'),
    'p99, ms': column('p99'),
    'latest, ms': column('latest'),
    'a beat p99, ms': column('beat'),
  }, expiry.rows),
  writers: ({ writers }) => writers && table({
    'processes that write': column('processes', thousands),
    'wait p50, ms': column('p50'),
    'p99.9, ms': column('p999'),
    'longest, ms': column('max'),
    'refused as busy': column('busy', thousands),
  }, writers.rows),
};

/** The page with its tables anew: of benches that have not run, they stay. */
function filled(text, results) {
  return text.replace(/(<!-- table: (\w+) -->\n)[^]*?(<!-- end -->)/g, (whole, begin, name, end) => {
    const rows = TABLES[name](results);
    return rows ? `${begin}\n${rows}\n\n${end}` : whole;
  });
}

// --- plots ---

function beatPlots({ rows }) {
  const kind = ({ contender }) => KINDS[contender];
  return {
    'beats-cpu': bars({
      title: 'CPU of 1,000 beats', unit: 'milliseconds of CPU',
      legend: ['the programs', 'the web server before them'],
      rows: [...rows].sort((a, b) => a.cpu - b.cpu).map((row) => ({
        label: row.label, kind: kind(row), value: row.programsCpu, rest: row.cpu - row.programsCpu,
      })),
    }),
    'beats-rate': bars({
      title: 'Beats a second, the server on one core', unit: 'beats a second',
      rows: [...rows].sort((a, b) => b.rate - a.rate).map((row) => ({ label: row.label, kind: kind(row), value: row.rate })),
    }),
  };
}

/** Percentiles so that 99 and 99.9 have as much room as 90: by how rare. */
function latencyPlot({ rows }) {
  const shown = [SHOWN, `loop-${SHOWN}`, 'socketio-ws', 'socketio-polling', 'nchan'];
  const series = rows.filter((row) => row.waiting === BUSY.waiting && row.rate === BUSY.rate && shown.includes(row.contender))
    .map((row) => ({
      label: row.label, kind: KINDS[row.contender],
      points: row.percentiles.filter(([percent]) => percent >= 50 && percent <= 99.9)
        .map(([percent, ms]) => [100 / (100 - percent), ms]),
    }));
  return {
    latency: lines({
      title: `Beat sent → dashboard has it: ${thousands(BUSY.waiting)} wait, others beat ${thousands(BUSY.rate)} times a second`,
      x: { label: 'percentile', ticks: [50, 90, 99, 99.9].map((percent) => [100 / (100 - percent), String(percent)]) },
      y: { label: 'milliseconds' }, series,
    }),
  };
}

function growthPlot({ rows }) {
  const kinds = ['ours', 'ours2', 'peer', 'peer2'];
  return {
    tabs: lines({
      title: 'CPU of a beat and of the dashboard’s questions, the more tabs are online',
      x: { label: 'tabs online', ticks: rows.map(({ tabs }) => [tabs, thousands(tabs)]) },
      y: { label: 'microseconds of the program' },
      series: Object.entries(ASKED).map(([name, label], i) => ({
        label, kind: kinds[i], points: rows.map((row) => [row.tabs, row[`${name}Cpu`]]),
      })),
    }),
  };
}

function fanoutPlots({ rows }) {
  const shown = [SHOWN, 'nginx', `loop-${SHOWN}`, 'socketio-ws', 'nchan'];
  const kinds = { ...KINDS, nginx: 'ours2' };
  const series = shown.map((name) => rows.filter((row) => row.contender === name)).filter((own) => own.length > 0)
    .map((own) => ({
      label: own[0].label, kind: kinds[own[0].contender],
      points: [...own].sort((a, b) => a.waiting - b.waiting).map((row) => [row.waiting, row.last]),
    }));
  const heavy = weighed(rows);
  return {
    fanout: lines({
      title: 'One change → the last of all dashboards that wait has it',
      x: { label: 'dashboards that wait', ticks: series[0].points.map(([n]) => [n, thousands(n)]) },
      y: { label: 'milliseconds' }, series,
    }),
    memory: bars({
      title: `Memory of a dashboard that waits, of ${thousands(heavy[0].waiting)}`, unit: 'kilobytes',
      legend: ['the programs', 'the web server before them'],
      rows: heavy.map((row) => ({
        label: row.label, kind: KINDS[row.contender],
        value: row.programsMemory / 1000, rest: (row.memory - row.programsMemory) / 1000,
      })),
    }),
  };
}

const PLOTS = { beats: beatPlots, latency: latencyPlot, tabs: growthPlot, fanout: fanoutPlots };

// --- all of it ---

/** What each bench saved last, kept beside the page from now on. */
function collect() {
  const results = {};
  fs.mkdirSync(KEPT, { recursive: true });
  for (const name of BENCHES) {
    const kept = path.join(KEPT, `${name}.json`);
    if (fs.existsSync(path.join(FOUND, `${name}.json`)))
      fs.copyFileSync(path.join(FOUND, `${name}.json`), kept);
    if (fs.existsSync(kept))
      results[name] = JSON.parse(fs.readFileSync(kept, 'utf8'));
  }
  return results;
}

function main() {
  const results = collect();
  for (const [name, plot] of Object.entries(PLOTS))
    if (results[name])
      for (const [file, svg] of Object.entries(plot(results[name])))
        fs.writeFileSync(path.join(KEPT, `${file}.svg`), svg);
  fs.writeFileSync(PAGE, filled(fs.readFileSync(PAGE, 'utf8'), results));
  for (const { measure, goal, measured = 'not yet', reached } of goals(results))
    console.log(`${({ true: 'yes', false: 'NO' }[reached] ?? '').padEnd(4)}${measure}: ${measured} (${goal})`);
}

main();
