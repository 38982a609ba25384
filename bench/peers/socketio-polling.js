// Socket.IO over HTTP long-polling, as where a proxy or a host lets no
// WebSocket through: a customer's beat is a POST, answered "ok"; a dashboard
// holds a GET.
//
// A customer's beats ask for no acknowledgement: the POST's "ok" is one, and a
// second would wait for a GET that the customer does not send here. (A real
// one holds a GET too, which costs the server more than is measured.)
//
// The sessions are made here: customers() makes new ones, and ends those of the
// run before, of dashboards too. Nobody answers the server's pings, so that it
// is told to be patient.

'use strict';

const { rawRequest } = require('./peer');
const { SocketIo } = require('./socketio');

const TEXT = { 'Content-Type': 'text/plain;charset=UTF-8' };

class OverPolling extends SocketIo {
  constructor(...args) {
    super(...args);
    this.sids = [];
  }

  at(sid) {
    return `${this.url}&sid=${sid}`;
  }

  say(sid, body) {
    return this.request('POST', this.at(sid), { headers: TEXT, body });
  }

  /** A session that has said `connect`, and then `first`: its id. */
  async newSession(connect, first) {
    const { sid } = JSON.parse((await this.request('GET', this.url)).slice(1));
    await this.say(sid, connect);
    const connected = await this.request('GET', this.at(sid));
    if (!connected.startsWith('40{'))
      throw new Error(`${this.name}: not connected: ${connected}`);
    await this.say(sid, first);
    return sid;
  }

  async newSessions(n, connect, first) {
    const sids = await this.each(n, (i) => this.newSession(connect, first(i)));
    this.sids.push(...sids);
    return sids;
  }

  async endSessions() {
    const old = this.sids;
    this.sids = [];
    await this.each(old.length, (i) => this.say(old[i], '1').catch(() => {})); // it may have ended
  }

  async customers(n) {
    await this.endSessions();
    this.people = await this.newCustomers(n);
    const sids = await this.newSessions(n, '40', (i) => this.come(this.people[i]));
    return {
      proto: 'http',
      requests: sids.map((sid) => rawRequest('POST', this.at(sid), TEXT, '42["customer:heartbeat"]')),
      expect: 'ok',
    };
  }

  async dashboards(n, i) {
    const watch = this.watch(this.people[i]);
    const sids = await this.newSessions(n, this.connectAsAgent, () => watch);
    return {
      proto: 'http',
      requests: sids.map((sid) => rawRequest('GET', this.at(sid))),
      expect: this.told(this.people[i]),
    };
  }

  async online() {
    return JSON.parse(await this.request('GET', '/online')).now;
  }
}

function start({ port, dir }) {
  return new OverPolling('polling', { name: 'socketio-polling', label: 'Socket.IO, long-polling', port, dir }).start();
}

module.exports = { start };
