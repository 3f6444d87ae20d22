"""Measures a server of the suite `net`, to which net_load talks: echo, one way, connections, memory.

Its command line: see server.Suite.
"""

import pathlib
import re
import shutil
import tempfile

from server import Load, Server, Suite

ECHO = {
    f"echo_{connections}_{name}": (connections, size, requests)
    for connections, requests in ((1, 4_000), (64, 8_000), (1000, 8_000))
    for name, size, requests in (("64", 64, requests), ("4k", 4 << 10, requests), ("64k", 64 << 10, requests // 8))
}
IDLE = 8_000  # connections


class Net(Suite):
    def time(self, figure: str, mode: str, connections: int, size: int, requests: int) -> None:
        load_mode = "close" if mode == "serve" else mode
        with self.talk("net_load", load_mode, connections, size, mode=mode) as (server, load):
            self.report(figure, self.cpu_per_request(server, load, requests), "ns")

    def idle_bytes(self) -> None:
        with self.talk("net_load", "echo", 100, 1, mode="echo") as (server, _):
            before = server.resident_bytes()
            load = Load(f"{self.loads}/net_load", server, "echo", IDLE, 1)
            self.report("net_idle_bytes", (server.resident_bytes() - before) / IDLE, "B")
            load.stop()

    def echo(self, connections: int):
        """For what is counted."""

        def work(server: Server, requests: int) -> None:
            load = Load(f"{self.loads}/net_load", server, "echo", connections, 64)
            load.requests(requests)
            load.stop()

        return work

    def system_calls(self) -> float:
        with tempfile.TemporaryDirectory() as directory:
            out = pathlib.Path(directory, "strace")
            tool = ("strace", "-f", "-c", "-o", str(out))
            return self.counted(
                tool, "echo", self.echo(1), lambda: int(re.search(r"(\d+)(?:\s+\d+)? total", out.read_text())[1])
            )

    def run(self) -> None:
        for figure, (connections, size, requests) in ECHO.items():
            if self.wants(figure):
                self.time(figure, "echo", connections, size, requests)
        if self.wants("net_stream"):
            self.time("net_stream", "discard", 1, 64 << 10, 1_000)
        if self.wants("net_connections"):
            self.time("net_connections", "close", 1, 1, 1_000)
        if self.wants("net_serve_connections") and self.name == "green":
            self.time("net_serve_connections", "serve", 1, 1, 1_000)
        if self.wants("net_idle_bytes"):
            self.idle_bytes()
        if self.wants("net_instructions") and shutil.which("valgrind") and self.native():
            self.report("net_instructions", self.instructions("echo", self.echo(64)), "")
        if self.wants("net_system_calls") and shutil.which("strace"):
            self.report("net_system_calls", self.system_calls(), "")


if __name__ == "__main__":
    Net().run()
