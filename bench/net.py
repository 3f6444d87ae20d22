"""Measures a server of the suite `net`: starts it, lets net_load talk to it, prints a line per figure.

usage: bench/net.py NAME LOAD SERVER... -- [FIGURE...] [slices=N]

LOAD is the program net_load. The server gets a processor of its own, the last one; what counts is the
time that it spends there, in the kernel too, for on loopback the kernel is most of it and other work on
the machine hardly shows. Of several slices the fastest counts.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

ECHO = {
    f"echo_{connections}_{name}": (connections, size, requests)
    for connections, requests in ((1, 4_000), (64, 8_000), (1000, 8_000))
    for name, size, requests in (("64", 64, requests), ("4k", 4 << 10, requests), ("64k", 64 << 10, requests // 8))
}
IDLE = 8_000  # connections
FEW = 500  # requests of a run that is counted


class Server:
    """The server in one of its modes, below `tool` if there is one."""

    def __init__(self, command: list[str], mode: str, tool: list[str] | None = None):
        *others, own = sorted(os.sched_getaffinity(0))
        self.client_processors = set(others) or {own}
        self.process = subprocess.Popen(
            [*(tool or []), *command, mode],
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {own}),
        )
        self.host, _, self.port = self.process.stdout.readline().strip().rpartition(":")
        if not self.host:
            raise RuntimeError("the server did not start")

    def cpu_ns(self) -> int:
        threads = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((t / "schedstat").read_text().split()[0]) for t in threads)

    def resident_bytes(self) -> int:
        pages = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE")

    def stop(self) -> None:
        """Below a tool: ends the server itself, so that the tool says what it has counted."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        os.kill(int(children[0]) if children else self.process.pid, signal.SIGTERM)
        self.process.stdout.close()
        self.process.wait(timeout=20)


class Load:
    """net_load, connected to a server."""

    def __init__(self, program: str, server: Server, mode: str, connections: int, size: int):
        self.process = subprocess.Popen(
            [program, server.host, server.port, mode, str(connections), str(size)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, server.client_processors),
        )
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("net_load could not connect")

    def requests(self, count: int) -> int:
        """Does so many; the nanoseconds they took."""
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait()


class Suite:
    def __init__(self, name: str, load: str, command: list[str], arguments: list[str]):
        self.name = name
        self.load = load
        self.command = command
        self.slices = 30
        self.figures = []
        for argument in arguments:
            if argument.startswith("slices="):
                self.slices = int(argument.removeprefix("slices="))
            else:
                self.figures.append(argument)

    def report(self, figure: str, value: float, unit: str) -> None:
        line = {"program": self.name, "figure": figure, "value": value, "unit": unit}
        print(json.dumps(line), flush=True)

    @contextlib.contextmanager
    def talk(self, mode: str, connections: int, size: int, tool: list[str] | None = None):
        server = Server(self.command, mode, tool)
        try:
            load = Load(self.load, server, mode, connections, size)
            yield server, load
            load.stop()
        finally:
            server.stop()

    def cpu_per_request(self, mode: str, connections: int, size: int, requests: int) -> float:
        """Nanoseconds."""
        with self.talk(mode, connections, size) as (server, load):
            load.requests(requests)
            best = float("inf")
            for _ in range(self.slices):
                before = server.cpu_ns()
                load.requests(requests)
                best = min(best, (server.cpu_ns() - before) / requests)
            return best

    def idle_bytes(self) -> None:
        server = Server(self.command, "echo")
        try:
            warm = Load(self.load, server, "echo", 100, 1)
            before = server.resident_bytes()
            load = Load(self.load, server, "echo", IDLE, 1)
            self.report("net_idle_bytes", (server.resident_bytes() - before) / IDLE, "B")
            load.stop()
            warm.stop()
        finally:
            server.stop()

    def counted(self, tool: list[str], connections: int, total) -> float:
        """What `total()` says of a run below a tool, per request: the difference of two runs."""
        totals = []
        for requests in (FEW, 5 * FEW):
            with self.talk("echo", connections, 64, tool) as (_, load):
                load.requests(requests)
            totals.append(total())
        return (totals[1] - totals[0]) / (4 * FEW)

    def instructions(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            out = pathlib.Path(directory, "callgrind")
            tool = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}"]
            value = self.counted(
                tool, 64, lambda: int(re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.M)[1])
            )
        self.report("net_instructions", value, "")

    def system_calls(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            out = pathlib.Path(directory, "strace")
            tool = ["strace", "-f", "-c", "-o", str(out)]
            value = self.counted(tool, 1, lambda: int(re.search(r"(\d+)(?:\s+\d+)? total", out.read_text())[1]))
        self.report("net_system_calls", value, "")

    def run(self) -> None:
        def wants(figure: str) -> bool:
            return not self.figures or figure in self.figures

        for figure, (connections, size, requests) in ECHO.items():
            if wants(figure):
                self.report(figure, self.cpu_per_request("echo", connections, size, requests), "ns")
        if wants("net_stream"):
            self.report("net_stream", self.cpu_per_request("discard", 1, 64 << 10, 1_000), "ns")
        if wants("net_connections"):
            self.report("net_connections", self.cpu_per_request("close", 1, 1, 1_000), "ns")
        if wants("net_idle_bytes"):
            self.idle_bytes()
        if wants("net_instructions") and shutil.which("valgrind") and self.native():
            self.instructions()
        if wants("net_system_calls") and shutil.which("strace"):
            self.system_calls()

    def native(self) -> bool:
        """Not an interpreter or a runtime with a compiler of its own, which valgrind does not bear."""
        return self.name in ("green", "limit", "epoll", "asio")


def main() -> None:
    name, load, *rest = sys.argv[1:]
    split = rest.index("--")
    Suite(name, load, rest[:split], rest[split + 1 :]).run()


if __name__ == "__main__":
    main()
