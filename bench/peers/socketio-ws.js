// Socket.IO over WebSockets: a customer's beat is an event on the connection
// that its tab keeps all day, and is acknowledged.
//
// Who has closed the connection is offline. So online() says how many were
// online at once, at most, since customers(): after a run it is they that
// count.

'use strict';

const { rawUpgrade } = require('./peer');
const { SocketIo } = require('./socketio');

class OverWebSocket extends SocketIo {
  async customers(n) {
    this.people = await this.newCustomers(n);
    await this.request('POST', '/online', { body: '' });
    return {
      proto: 'ws',
      upgrade: rawUpgrade(this.url),
      hello: this.people.map((customer) => [['40', '40{"sid"'], [this.come(customer, 1), '431[{"ok":true']]),
      requests: this.people.map(() => '422["customer:heartbeat"]'),
      expect: '432[{"ok":true',
    };
  }

  async dashboards(n, i) {
    const hello = [[this.connectAsAgent, '40{"sid"'], [this.watch(this.people[i], 1), '431[{"ok":true']];
    return {
      proto: 'ws',
      upgrade: rawUpgrade(this.url),
      hello: Array.from({ length: n }, () => hello),
      requests: [],
      expect: this.told(this.people[i]),
    };
  }

  async online() {
    return JSON.parse(await this.request('GET', '/online')).most;
  }
}

function start({ port, dir }) {
  return new OverWebSocket('websocket', { name: 'socketio-ws', label: 'Socket.IO, WebSocket', port, dir }).start();
}

module.exports = { start };
