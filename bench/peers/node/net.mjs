// bench/net.cpp in Node: the server of the suite `net`.

import { createServer } from 'node:net';

const mode = process.argv[2] ?? 'echo';

function talk(socket) {
  socket.on('error', () => {});
  socket.setNoDelay(true);
  if (mode === 'close') socket.end();
  else if (mode === 'discard') socket.on('data', () => {});
  // pipe() is slower for small messages, and this has its back-pressure as well.
  else {
    socket.on('data', (data) => { if (!socket.write(data)) socket.pause(); });
    socket.on('drain', () => socket.resume());
  }
}

const server = createServer(talk).listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  console.log(`127.0.0.1:${server.address().port}`);
});
