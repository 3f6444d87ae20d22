"""Measures a server of the suite `net_http`, to which wrk talks: 64 connections, a body of 13 bytes.

Its command line: see server.Suite.
"""

import contextlib
import pathlib
import re
import shutil
import socket

from measure import BestSlice
from server import Server, Suite

PIPELINED = str(pathlib.Path(__file__).resolve().with_name("pipelined.lua"))
SECONDS = 1  # of a slice
CONNECTIONS = 64


def requests(server: Server, options: list[str]) -> int:
    """Does as many as it can; how many these were."""
    url = f"http://{server.host}:{server.port}/"
    wrk = server.run_client(["wrk", "--threads=1", f"--connections={CONNECTIONS}", f"--duration={SECONDS}s", *options, url])
    output = wrk.communicate()[0]
    done = re.search(r"(\d+) requests in", output)
    if not done or "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(f"wrk says: {output}")
    return int(done[1])


def ask(server: Server, requests: int) -> None:
    """For what is counted: on each connection one request at a time."""
    with contextlib.ExitStack() as open_ones:
        where = (server.host, int(server.port))
        peers = [open_ones.enter_context(socket.create_connection(where)) for _ in range(CONNECTIONS)]
        for _ in range(requests // CONNECTIONS):
            for peer in peers:
                peer.sendall(f"GET / HTTP/1.1\r\nHost: {server.host}:{server.port}\r\n\r\n".encode())
            for peer in peers:
                peer.recv(4096)


class Http(Suite):
    def time(self, figure: str, options: list[str]) -> None:
        with self.serving("http") as server:
            requests(server, options)
            best = BestSlice(server.cpu_ns)
            for _ in range(max(1, self.slices // 6)):
                best.begin()
                best.end(requests(server, options))
            self.report(figure, best.ns, "ns")

    def run(self) -> None:
        if self.wants("http_plaintext"):
            self.time("http_plaintext", [])
        if self.wants("http_pipelined"):
            self.time("http_pipelined", [f"--script={PIPELINED}"])
        if self.wants("http_instructions") and shutil.which("valgrind") and self.native():
            self.report("http_instructions", self.instructions("http", ask), "")


if __name__ == "__main__":
    suite = Http()
    with suite.directory_with(lambda _: None):
        suite.run()
