// Socket.IO, one process as is its default, with one of its two transports:
// what socketio-ws.js and socketio-polling.js have in common.

'use strict';

const path = require('node:path');
const { Peer } = require('./peer');

class SocketIo extends Peer {
  constructor(transport, options) {
    super(options);
    this.transport = transport;
    this.url = `/socket.io/?EIO=4&transport=${transport}`;
  }

  env() {
    return { ...super.env(), NODE_ENV: 'production', TRANSPORT: this.transport };
  }

  async start() {
    this.run(process.execPath, [path.join(__dirname, 'socketio-server.js')]);
    await this.ready('/online');
    return this;
  }

  /** What an agent says first, and what lets it watch a conversation. */
  get connectAsAgent() {
    return `40${JSON.stringify({ token: this.agentToken })}`;
  }

  watch({ conversationId }, id = '') {
    return `42${id}${JSON.stringify(['agent:watch', { conversationId }])}`;
  }

  come(customer, id = '') {
    return `42${id}${JSON.stringify(['customer:online', customer])}`;
  }

  /** What an agent's message of a beat holds. */
  told({ conversationId }) {
    return `42["customer:heartbeat",{"conversationId":"${conversationId}"`;
  }
}

module.exports = { SocketIo };
