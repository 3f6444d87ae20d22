// bench/net_http.cpp in Node: the server of the suite `net_http` on node:http.

import { createServer } from 'node:http';

const body = 'Hello, World!';
const headers = { 'Content-Type': 'text/plain', 'Content-Length': body.length };

const server = createServer((_, response) => response.writeHead(200, headers).end(body));
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  console.log(`127.0.0.1:${server.address().port}`);
});
