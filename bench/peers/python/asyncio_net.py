"""bench/net.cpp on asyncio, and with loop=uvloop on uvloop: the server of the suite `net`."""

import asyncio
import sys

mode = sys.argv[-1]


class Server(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        if mode == "close":
            transport.close()

    def data_received(self, data):
        if mode == "echo":
            self.transport.write(data)

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


async def main():
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, backlog=4096)
    print("%s:%d" % server.sockets[0].getsockname(), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if "loop=uvloop" in sys.argv:
        import uvloop

        uvloop.install()
    asyncio.run(main())
