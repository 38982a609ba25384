// FastCGI as a web server speaks it: records to send, and to read.

'use strict';

const BEGIN = 1, ABORT = 2, END = 3, PARAMS = 4, STDIN = 5, STDOUT = 6;
const GET_VALUES = 9, GET_VALUES_RESULT = 10, UNKNOWN_TYPE = 11;

function record(type, id, content = '') {
  const data = Buffer.from(content);
  const head = Buffer.from([1, type, id >> 8, id & 255, data.length >> 8, data.length & 255, 0, 0]);
  return Buffer.concat([head, data]);
}

function length(n) {
  const long = Buffer.alloc(4);
  long.writeUInt32BE((n | 0x80000000) >>> 0);
  return n < 128 ? Buffer.from([n]) : long;
}

function pairs(env) {
  return Buffer.concat(Object.entries(env).flatMap(([name, value]) =>
    [length(name.length), length(value.length), Buffer.from(name), Buffer.from(value)]));
}

function begin(id, { keep = false, role = 1 } = {}) {
  return record(BEGIN, id, [0, role, keep ? 1 : 0, 0, 0, 0, 0, 0]);
}

function request(id, env, { keep, body } = {}) {
  return Buffer.concat([
    begin(id, { keep }), record(PARAMS, id, pairs(env)), record(PARAMS, id),
    ...(body ? [record(STDIN, id, body)] : []), record(STDIN, id)]);
}

/** The whole records at the beginning of what was received. */
function records(bytes) {
  const found = [];
  for (let at = 0; bytes.length - at >= 8;) {
    const size = bytes.readUInt16BE(at + 4);
    if (bytes.length - at < 8 + size)
      break;
    found.push({
      type: bytes[at + 1],
      id: bytes.readUInt16BE(at + 2),
      content: bytes.subarray(at + 8, at + 8 + size),
    });
    at += 8 + size + bytes[at + 6];
  }
  return found;
}

module.exports = {
  BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, GET_VALUES, GET_VALUES_RESULT, UNKNOWN_TYPE,
  record, pairs, begin, request, records,
};
