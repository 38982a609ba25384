// PHP-FPM behind nginx, with SQLite by PDO: php/index.php says what it does,
// php/nginx.conf and php/fpm.conf how the two are set up.
//
// A poll keeps a process as long as it waits, so that no more can wait than
// there are: `mostWaiting` of them.

'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { descendantsOf, until } = require('../../tests/lib/demo');
const { OverHttp } = require('./node');
const { WINDOW_MS, fillTemplate, userAndGroup } = require('./peer');

const SOURCE = path.join(__dirname, 'php');
const BEATING = 16; // processes for beats
const MOST_WAITING = 100; // and for polls

class Php extends OverHttp {
  constructor(options) {
    super(options);
    this.mostWaiting = MOST_WAITING;
    this.sockets = fs.mkdtempSync(path.join(os.tmpdir(), 'porchlight-')); // a socket's path must be short
  }

  async start() {
    this.makeDatabase();
    const fpm = this.config('fpm.conf');
    const nginx = this.config('nginx.conf');
    this.fpm = this.run(fpmProgram(), ['--nodaemonize', '--allow-to-run-as-root', '--fpm-config', fpm]);
    this.run('nginx', ['-e', path.join(this.dir, 'nginx.log'), '-c', nginx]);
    await this.ready('/online');
    await until(() => this.programs().length === 1 + BEATING + MOST_WAITING, { what: 'all children are there' });
    return this;
  }

  makeDatabase() {
    const Database = require('better-sqlite3');
    new Database(path.join(this.dir, 'presence.db'))
      .exec(fs.readFileSync(path.join(SOURCE, 'schema.sql'), 'utf8')).close();
  }

  config(name) {
    const to = path.join(this.dir, name);
    const [owner, group] = userAndGroup();
    fillTemplate(path.join(SOURCE, name), to, {
      DIR: this.dir, RUN: this.sockets, SOURCE, PORT: this.port, USER: `${owner} ${group}`, OWNER: owner,
      GROUP: group, BEATING, POLLS: MOST_WAITING, WINDOW: WINDOW_MS, APIKEY: this.apiKey, AGENTTOKEN: this.agentToken,
    });
    return to;
  }

  programs() {
    return [this.fpm.pid, ...descendantsOf(this.fpm.pid).map((p) => p.pid)];
  }

  async dashboards(n, i) {
    if (n > MOST_WAITING)
      throw new Error(`php: ${n} dashboards cannot wait, only ${MOST_WAITING}`);
    return super.dashboards(n, i);
  }

  async stop() {
    try {
      await super.stop();
    } finally {
      fs.rmSync(this.sockets, { recursive: true, force: true });
    }
  }
}

/** php-fpm, which Debian calls by its version. */
function fpmProgram() {
  const found = fs.readdirSync('/usr/sbin').filter((name) => /^php-fpm[0-9.]+$/.test(name)).sort();
  if (found.length === 0)
    throw new Error('there is no php-fpm in /usr/sbin');
  return path.join('/usr/sbin', found.at(-1));
}

function start({ port, dir }) {
  return new Php({ name: 'php', label: 'PHP-FPM, SQLite', port, dir }).start();
}

module.exports = { start };
