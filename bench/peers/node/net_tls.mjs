// bench/net_tls.cpp in Node: the server of the suite `net_tls` on node:tls.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:tls';

const mode = process.argv[2];
const data = Buffer.alloc(64 << 10, 'x');

function send(socket) {
  while (socket.write(data));
}

function talk(socket) {
  socket.on('error', () => {});
  if (mode === 'receive') socket.on('data', () => {});
  else if (mode === 'send') {
    socket.on('drain', () => send(socket));
    send(socket);
  } else socket.end();
}

const files = { cert: readFileSync('cert.pem'), key: readFileSync('key.pem') };
const server = createServer({ ...files, noDelay: true }, talk);
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  console.log(`127.0.0.1:${server.address().port}`);
});
