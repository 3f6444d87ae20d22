"""bench/net.cpp on gevent: the server of the suite `net`, a greenlet for each connection."""

import sys

from gevent.server import StreamServer


def echo(connection, _):
    while data := connection.recv(64 << 10):
        connection.sendall(data)


def discard(connection, _):
    while connection.recv(64 << 10):
        pass


def close(connection, _):
    connection.close()


def main():
    handlers = {"echo": echo, "discard": discard, "close": close}
    server = StreamServer(("127.0.0.1", 0), handlers[sys.argv[-1]], backlog=4096)
    server.start()
    print(f"127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
