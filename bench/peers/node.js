// Node with better-sqlite3, one process, no web server before it:
// node-server.js says what it does.

'use strict';

const path = require('node:path');
const { Peer, rawRequest, newId } = require('./peer');

/** Whoever speaks Porchlight's HTTP contract: php.js too. */
class OverHttp extends Peer {
  async customers(n) {
    this.people = (await this.newCustomers(n)).map((customer) => ({ ...customer, tabId: newId() }));
    await this.each(n, (i) => this.request('POST', '/api/widget/heartbeat', { body: JSON.stringify(this.people[i]) }));
    return {
      proto: 'http',
      requests: this.people.map((customer) =>
        rawRequest('POST', '/api/widget/heartbeat', { 'Content-Type': 'text/plain' }, JSON.stringify(customer))),
      expect: '"ok":true',
    };
  }

  async dashboards(n, i) {
    const { conversationId } = this.people[i];
    const headers = { authorization: `Bearer ${this.agentToken}` };
    const { cursor } = JSON.parse(
      await this.request('GET', `/api/widget/presence?conversationId=${conversationId}`, { headers }));
    const request = rawRequest('GET',
      `/api/widget/events?conversationId=${conversationId}&timeout=55&cursor=@CURSOR@`, headers);
    return {
      proto: 'http',
      requests: Array.from({ length: n }, () => request),
      expect: '"event":"customer:heartbeat"',
      cursor,
    };
  }
}

class Node extends OverHttp {
  env() {
    return { ...super.env(), NODE_ENV: 'production' };
  }
}

async function start({ port, dir }) {
  const node = new Node({ name: 'node', label: 'Node, better-sqlite3', port, dir });
  node.run(process.execPath, [path.join(__dirname, 'node-server.js')]);
  await node.ready('/online');
  return node;
}

module.exports = { start, OverHttp };
