"""Measures a server of the suite `net`, to which net_load talks: echo, one way, connections, memory.

Its command line: see server.Suite.
"""

import pathlib
import re
import shutil
import tempfile

from server import Load, Suite

ECHO = {
    f"echo_{connections}_{name}": (connections, size, requests)
    for connections, requests in ((1, 4_000), (64, 8_000), (1000, 8_000))
    for name, size, requests in (("64", 64, requests), ("4k", 4 << 10, requests), ("64k", 64 << 10, requests // 8))
}
IDLE = 8_000  # connections
FEW = 500  # requests of a run that is counted


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

    def counted(self, tool: tuple[str, ...], connections: int, total) -> float:
        """What `total()` says of a run below a tool, per request: the difference of two runs."""
        totals = []
        for requests in (FEW, 5 * FEW):
            with self.talk("net_load", "echo", connections, 64, mode="echo", tool=tool) as (_, load):
                load.requests(requests)
            totals.append(total())
        return (totals[1] - totals[0]) / (4 * FEW)

    def instructions(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            out = pathlib.Path(directory, "callgrind")
            tool = ("valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}")
            value = self.counted(
                tool, 64, lambda: int(re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.M)[1])
            )
        self.report("net_instructions", value, "")

    def system_calls(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            out = pathlib.Path(directory, "strace")
            tool = ("strace", "-f", "-c", "-o", str(out))
            value = self.counted(tool, 1, lambda: int(re.search(r"(\d+)(?:\s+\d+)? total", out.read_text())[1]))
        self.report("net_system_calls", value, "")

    def native(self) -> bool:
        """Not an interpreter or a runtime with a compiler of its own, which valgrind does not bear."""
        return self.name in ("green", "limit", "epoll", "asio")

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
            self.instructions()
        if self.wants("net_system_calls") and shutil.which("strace"):
            self.system_calls()


if __name__ == "__main__":
    Net().run()
