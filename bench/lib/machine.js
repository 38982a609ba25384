// The machine that it is measured on, and the versions of what is measured:
// [[what, which], …], as the machine itself says.

'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ROOT } = require('../../tests/lib/demo');

const BUILD = path.resolve(ROOT, process.env.BUILD || 'build');

/** What a command says on stdout or stderr, by that pattern; '' if it is not there. */
function said(pattern, command, ...args) {
  try {
    const text = execFileSync('sh', ['-c', `exec "$@" 2>&1`, 'sh', command, ...args],
      { encoding: 'utf8', timeout: 10000, env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } });
    return pattern.exec(text)?.[1] ?? '';
  } catch {
    return '';
  }
}

const packaged = (name) => said(/^(?:\d+:)?([^+-]+)/, 'dpkg-query', '-W', '-f', '${Version}', name);
const linked = (name) => said(/^(\S+)/, 'pkg-config', '--modversion', name);

function ofNpm(name) {
  const file = path.join(ROOT, 'bench', 'node_modules', name, 'package.json');
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')).version : '';
}

function cpu() {
  const [{ model }] = os.cpus();
  const virtual = said(/^Hypervisor vendor: +(.*)$/m, 'lscpu');
  return `${model}, ${os.cpus().length} cores${virtual && `, virtual (${virtual})`}`;
}

function machine() {
  return [
    ['measured', new Date().toISOString().slice(0, 10)],
    ['CPU', cpu()],
    ['memory', `${Math.round(os.totalmem() / 2 ** 30)} GB`],
    ['system', `${said(/^PRETTY_NAME="(.*)"$/m, 'cat', '/etc/os-release')}, Linux ${/^[\d.]+/.exec(os.release())[0]}`],
    ['file system', said(/^(?:.*\n)?(\S+)/, 'findmnt', '-no', 'FSTYPE', '-T', BUILD)],
    ['compiler', `gcc ${said(/^(\S+)/, 'gcc', '-dumpfullversion')}`],
    ['lighttpd', said(/lighttpd\/(\S+)/, 'lighttpd', '-v')],
    ['nginx', said(/nginx\/(\S+)/, 'nginx', '-v')],
    ['Apache', said(/Apache\/(\S+)/, 'apache2', '-v')],
    ['mod_fcgid', packaged('libapache2-mod-fcgid')],
    ['SQLite', linked('sqlite3')],
    ['libfcgi', linked('fcgi')],
    ['Node', process.versions.node],
    ['Socket.IO', ofNpm('socket.io')],
    ['better-sqlite3', ofNpm('better-sqlite3')],
    ['PHP', said(/^PHP (\S+)/, 'php', '-v') || packaged('php-fpm')],
    ['nchan', packaged('libnginx-mod-nchan')],
  ].filter(([, which]) => which);
}

module.exports = { machine };
