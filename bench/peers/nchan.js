// nchan, the publish-and-subscribe module of nginx: a customer's beat is
// published to its conversation's channel, and a dashboard subscribes to that
// by a WebSocket. nchan.conf says how it is set up.
//
// It is no presence: nobody is checked, nobody is known to be online, nobody
// goes offline, and nothing is stored but the last messages, in memory. It is
// here because it is about the least that carrying a beat to a dashboard can
// cost.

'use strict';

const path = require('node:path');
const { Peer, rawRequest, rawUpgrade, fillTemplate, userAndGroup, newId } = require('./peer');

class Nchan extends Peer {
  async start() {
    const config = path.join(this.dir, 'nchan.conf');
    fillTemplate(path.join(__dirname, 'nchan.conf'), config,
      { DIR: this.dir, PORT: this.port, USER: userAndGroup().join(' ') });
    this.run('nginx', ['-e', path.join(this.dir, 'nginx.log'), '-c', config]);
    await this.ready('/ready');
    return this;
  }

  async customers(n) {
    this.people = Array.from({ length: n }, () => `conv_${newId()}`);
    const body = (conversationId) => JSON.stringify({ event: 'customer:heartbeat', conversationId });
    const where = (conversationId) => `/beat?conversation=${conversationId}`;
    await this.each(n, (i) => this.request('POST', where(this.people[i]), { body: body(this.people[i]) }));
    return {
      proto: 'http',
      requests: this.people.map((conversationId) =>
        rawRequest('POST', where(conversationId), { 'Content-Type': 'text/plain' }, body(conversationId))),
      expect: 'queued messages',
    };
  }

  async dashboards(n, i) {
    return {
      proto: 'ws',
      upgrade: rawUpgrade(`/watch?conversation=${this.people[i]}`),
      hello: Array.from({ length: n }, () => []),
      requests: [],
      expect: `"customer:heartbeat","conversationId":"${this.people[i]}"`,
    };
  }

  async online() {
    return null;
  }
}

function start({ port, dir }) {
  return new Nchan({ name: 'nchan', label: 'nchan (no presence, no store)', port, dir }).start();
}

module.exports = { start };
