// Small plots as SVG: bars(), lines(). Each says by itself what its axes and
// lines are, in the reader's light or dark. The colours are Okabe and Ito's,
// which the colour-blind can tell apart; lines differ in their dashes too.
//
// A series or bar has a `kind`, the name of its colour below.

'use strict';

const WIDTH = 720;
const FONT = 13;
const CHARACTER = 6.8; // of this font, wide: an estimate on the safe side
const LINE = 16; // between two texts, one above the other
const KINDS = {
  // on white, on black, dashes of a line
  ours: ['#0072b2', '#56b4e9', ''],
  ours2: ['#009e73', '#3fcf9f', ''],
  floor: ['#767676', '#9a9a9a', '2 3'],
  floor2: ['#767676', '#9a9a9a', '6 3'],
  peer: ['#d55e00', '#ff8c42', '8 3'],
  peer2: ['#b0578d', '#e39ac5', '8 3 2 3'],
  peer3: ['#a67c00', '#f0c93c', '3 3 8 3'],
};

function style() {
  const colours = (i) => Object.entries(KINDS)
    .map(([name, colour]) => `.${name}{--c:${colour[i]}}`).join('');
  return `<style>svg{--ink:#1f2328;--weak:#59636e;--line:#d8dee4;--page:#fff}${colours(0)}` +
    `@media (prefers-color-scheme:dark){svg{--ink:#f0f6fc;--weak:#9198a1;--line:#30363d;--page:#0d1117}${colours(1)}}` +
    `text{font:${FONT}px system-ui,sans-serif;fill:var(--ink)}.weak{fill:var(--weak)}.title{font-weight:600}` +
    '.page{fill:var(--page)}.grid{stroke:var(--line)}.bar{fill:var(--c)}.rest{fill:var(--c);opacity:.45}' +
    '.curve{stroke:var(--c);fill:none;stroke-width:2}.dot{fill:var(--c)}.name{fill:var(--c)}</style>';
}

const escape = (text) => String(text).replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]);
const round = (n) => Math.round(n * 10) / 10;
const widest = (texts) => Math.max(...texts.map((text) => String(text).length)) * CHARACTER;

function text(x, y, what, { anchor = 'start', kind = '' } = {}) {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}"${kind && ` class="${kind}"`}>${escape(what)}</text>`;
}

function segment(x1, y1, x2, y2) {
  return `<line class="grid" x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"/>`;
}

function page(height, title, parts) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${round(height)}" role="img" ` +
    `aria-label="${escape(title)}">${style()}<rect class="page" width="${WIDTH}" height="${round(height)}"/>\n` +
    `${[text(12, 22, title, { kind: 'title' }), ...parts].join('\n')}\n</svg>\n`;
}

/** 1234567 → "1,234,567"; three digits at least of what is small. */
function figure(n) {
  const shown = Number(n.toPrecision(3));
  const digits = n === 0 || shown >= 100 ? 0 : shown >= 10 ? 1 : shown >= 1 ? 2 : 3;
  return n.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A number as short as an axis wants it. */
const tick = (n) => n.toLocaleString('en-US', { maximumFractionDigits: 4 });

/** From nothing to a round number not below `most`: its four or five steps. */
function steps(most) {
  const unit = 10 ** Math.floor(Math.log10(most));
  const step = [0.2, 0.25, 0.5, 1, 2, 2.5].find((s) => most / (s * unit) <= 5) * unit;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => i * step);
}

/** Powers of ten, with 2 and 5 between them if they are few, from least to most. */
function powers(least, most) {
  const [from, to] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
  const between = to - from <= 3 ? [1, 2, 5] : [1];
  const all = Array.from({ length: to - from + 1 }, (_, i) => between.map((m) => m * 10 ** (from + i))).flat();
  const first = all.filter((n) => n <= least).length - 1;
  const last = all.findIndex((n) => n >= most * 0.999);
  return all.slice(Math.max(0, first), last < 0 ? undefined : last + 1);
}

/**
 * A bar for each row: {label, value, rest, kind}; `rest` is shown behind the
 * value, paler. legend: what the two are.
 */
function bars({ title, unit, rows, legend = [] }) {
  const [top, height, left] = [44 + (legend.length > 0 ? LINE : 0), 22, 12 + widest(rows.map((row) => row.label))];
  const ticks = steps(Math.max(...rows.map((row) => row.value + (row.rest ?? 0))));
  const right = WIDTH - 80;
  const at = (n) => left + 8 + (right - left - 8) * n / ticks.at(-1);
  const bottom = top + rows.length * height;
  const parts = ticks.flatMap((n) => [segment(at(n), top, at(n), bottom + 4),
    text(at(n), bottom + 20, tick(n), { anchor: 'middle', kind: 'weak' })]);
  rows.forEach(({ label, value, rest = 0, kind }, i) => {
    const y = top + i * height + 3;
    const bar = (name, from, to) =>
      `<rect class="${name} ${kind}" x="${round(at(from))}" y="${y}" width="${round(at(to) - at(from))}" height="${height - 6}"/>`;
    parts.push(text(left, y + 12, label, { anchor: 'end' }), bar('bar', 0, value), bar('rest', value, value + rest),
      text(at(value + rest) + 6, y + 12, figure(value + rest)));
  });
  if (legend.length > 0)
    parts.push(text(12, 44, `full: ${legend[0]}; pale: ${legend[1]}`, { kind: 'weak' }));
  parts.push(text((left + right) / 2, bottom + 40, unit, { anchor: 'middle', kind: 'weak' }));
  return page(bottom + 52, title, parts);
}

/** Texts beside their lines' ends, moved apart where they would touch. */
function labels(ends, x) {
  let last = -Infinity;
  return ends.sort((a, b) => a.y - b.y).map(({ y, label, kind }) => {
    last = Math.max(y + 4, last + LINE);
    return text(x, last, label, { kind: `name ${kind}` });
  });
}

/**
 * Lines {label, kind, points: [[x, y], …]} on two logarithmic axes, each
 * {label}. x may have `ticks`: [[x, text], …]; y may begin at `least`.
 */
function lines({ title, x, y, series }) {
  const [top, bottom, left] = [56, 360, 72];
  const right = WIDTH - 24 - widest(series.map((one) => one.label));
  const all = (i) => series.flatMap((one) => one.points.map((point) => point[i]));
  const ofX = x.ticks ?? powers(Math.min(...all(0)), Math.max(...all(0))).map((n) => [n, tick(n)]);
  const ofY = powers(Math.min(...all(1)), Math.max(...all(1)));
  const between = (n, from, to) => Math.log(n / from) / Math.log(to / from);
  const atX = (n) => left + (right - left) * between(n, ofX[0][0], ofX.at(-1)[0]);
  const atY = (n) => bottom - (bottom - top) * between(n, ofY[0], ofY.at(-1));
  const parts = [
    text(12, 42, y.label, { kind: 'weak' }),
    text((left + right) / 2, bottom + 40, x.label, { anchor: 'middle', kind: 'weak' }),
    ...ofX.flatMap(([n, name]) => [segment(atX(n), top, atX(n), bottom + 4),
      text(atX(n), bottom + 20, name, { anchor: 'middle', kind: 'weak' })]),
    ...ofY.flatMap((n) => [segment(left - 4, atY(n), right, atY(n)),
      text(left - 8, atY(n) + 4, tick(n), { anchor: 'end', kind: 'weak' })]),
  ];
  for (const { kind, points } of series) {
    const path = points.map(([px, py]) => `${round(atX(px))} ${round(atY(py))}`).join('L');
    parts.push(`<path class="curve ${kind}" stroke-dasharray="${KINDS[kind][2]}" d="M${path}"/>`);
    if (points.length < 12)
      parts.push(...points.map(([px, py]) => `<circle class="dot ${kind}" cx="${round(atX(px))}" cy="${round(atY(py))}" r="3"/>`));
  }
  parts.push(...labels(series.map(({ label, kind, points }) => ({ label, kind, y: atY(points.at(-1)[1]) })), right + 10));
  return page(bottom + 52, title, parts);
}

module.exports = { bars, lines, figure };
