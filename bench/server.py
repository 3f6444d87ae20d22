"""What the suites of servers share: a server with a processor of its own, the last one, and who talks to it.

What counts is the time that the server's processor spends on a request, in the kernel too, for on loopback the
kernel is most of it and other work on the machine hardly shows. Of several slices the fastest counts.
"""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

from measure import BestSlice, Program

FEW = 512  # requests of a run that is counted


class Server:
    """A server in one of its modes, in a directory with what it needs, below `tool` if there is one."""

    def __init__(self, command: list[str], mode: str, directory: str, tool: list[str]):
        *others, own = sorted(os.sched_getaffinity(0))
        self.client_processors = set(others) or {own}
        self.below_tool = bool(tool)
        self.process = subprocess.Popen(
            [*tool, *command, mode],
            stdout=subprocess.PIPE,
            text=True,
            cwd=directory,
            preexec_fn=lambda: os.sched_setaffinity(0, {own}),
        )
        self.host, _, self.port = self.process.stdout.readline().strip().rpartition(":")
        if not self.host:
            raise RuntimeError("the server did not start")

    def run_client(self, command: list[str], **options) -> subprocess.Popen:
        """A program on the other processors, whose output is read."""
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, self.client_processors),
            **options,
        )

    def cpu_ns(self) -> int:
        """What it has spent, its workers too, on what it was sent: all that has arrived is read first."""
        while self.unread_bytes() > 0:
            time.sleep(0.001)
        processes = (self.process.pid, *self.children())
        threads = [t for p in processes for t in pathlib.Path(f"/proc/{p}/task").iterdir()]
        return sum(int((t / "schedstat").read_text().split()[0]) for t in threads)

    def children(self) -> list[int]:
        own = self.process.pid
        return [int(p) for p in pathlib.Path(f"/proc/{own}/task/{own}/children").read_text().split()]

    def unread_bytes(self) -> int:
        own = f":{int(self.port):04X}"
        lines = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(int(f[4].partition(":")[2], 16) for f in lines if f[1].endswith(own) and f[3] == "01")

    def resident_bytes(self) -> int:
        pages = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE")

    def stop(self) -> None:
        """Below a tool: ends the server itself, whose parent it may be, so that the tool says what it has counted."""
        children = self.children() if self.below_tool else []
        os.kill(children[0] if children else self.process.pid, signal.SIGTERM)
        self.process.stdout.close()
        self.process.wait(timeout=20)


class Load:
    """net_load or net_tls_load, connected to a server."""

    def __init__(self, program: str, server: Server, *arguments: object):
        command = [program, server.host, server.port, *map(str, arguments)]
        self.process = server.run_client(command, stdin=subprocess.PIPE)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{program} could not connect")

    def requests(self, count: int) -> int:
        """Does so many; the nanoseconds they took."""
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait()


class Suite(Program):
    """The figures of a server.

    Its command line: NAME LOADS SERVER... -- [FIGURE...] [slices=N]; LOADS is the directory of net_load and
    net_tls_load, and the paths are absolute.
    """

    def __init__(self, arguments: list[str] = sys.argv[1:]):
        name, loads, *rest = arguments
        split = rest.index("--")
        super().__init__(name, rest[split + 1 :], slices=30)
        self.loads = loads
        self.command = rest[:split]
        self.directory = "/"

    @contextlib.contextmanager
    def directory_with(self, prepare):
        """What the servers run in meanwhile, filled by `prepare(path)`."""
        with tempfile.TemporaryDirectory() as directory:
            prepare(directory)
            self.directory = directory
            yield

    @contextlib.contextmanager
    def serving(self, mode: str, tool: tuple[str, ...] = ()):
        server = Server(self.command, mode, self.directory, list(tool))
        try:
            yield server
        finally:
            server.stop()

    @contextlib.contextmanager
    def talk(self, program: str, *arguments: object, mode: str, tool: tuple[str, ...] = ()):
        """A server, and a load that talks to it."""
        with self.serving(mode, tool) as server:
            load = Load(os.path.join(self.loads, program), server, *arguments)
            yield server, load
            load.stop()

    def cpu_per_request(self, server: Server, load: Load, requests: int) -> float:
        """Nanoseconds."""
        load.requests(requests)
        best = BestSlice(server.cpu_ns)
        for _ in range(self.slices):
            best.begin()
            load.requests(requests)
            best.end(requests)
        return best.ns

    def counted(self, tool: tuple[str, ...], mode: str, work, total) -> float:
        """What `total()` says of a run below a tool, per request: the difference of two of `work(server, requests)`."""
        totals = []
        for requests in (FEW, 5 * FEW):
            with self.serving(mode, tool) as server:
                work(server, requests)
            totals.append(total())
        return (totals[1] - totals[0]) / (4 * FEW)

    def instructions(self, mode: str, work) -> float:
        """Of the user's, per request."""
        with tempfile.TemporaryDirectory() as directory:
            out = pathlib.Path(directory, "callgrind")
            tool = ("valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}")
            return self.counted(
                tool, mode, work, lambda: int(re.search(r"^(?:totals|summary): (\d+)", out.read_text(), re.M)[1])
            )

    def native(self) -> bool:
        """Not an interpreter or a runtime with a compiler of its own, which valgrind does not bear."""
        return self.name in ("green", "limit", "epoll", "asio")
