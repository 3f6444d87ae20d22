"""What the cases are made of: programs that are started, looked at line by line, and ended with the case."""

import contextlib
import pathlib
import queue
import shutil
import socket
import subprocess
import threading
import time

PATIENCE = 60  # seconds, for what takes milliseconds on a machine that has nothing else to do


class Skipped(Exception):
    """Something is not installed here."""


class Failed(Exception):
    """Something is not as it should be."""


def check(found: str, expected: str) -> None:
    """`expected` is somewhere in `found`."""
    if expected not in found:
        raise Failed(f"{expected!r} is not in:\n{found}")


class Program:
    """A process whose output, standard error included, is read as it comes."""

    def __init__(self, command: list[str], cwd: pathlib.Path, text: str | None = None):
        self.name = pathlib.Path(command[0]).name
        self.process = subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace",
        )
        self.seen: list[str] = []
        self._lines: queue.Queue = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if text is not None:
            self.type(text)
            self.type_end()

    def _read(self) -> None:
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def type(self, text: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(text)
            self.process.stdin.flush()

    def type_end(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

    def line(self, part: str) -> str:
        """Waits for a line with `part` in it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise Failed(f"{self.name} has not printed {part!r}, but:\n{self.output()}")
            self.seen.append(line)
            if part in line:
                return line

    def output(self) -> str:
        return "\n".join(self.seen)

    def finish(self) -> str:
        """All of its output, once it has ended by itself."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise Failed(f"{self.name} does not end:\n{self.output()}") from None
            if line is None:
                break
            self.seen.append(line)
        self.process.wait()
        return self.output()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()


class Stage:
    """Where a case happens: a directory, green's program, and what was started, which ends with it."""

    def __init__(self, peer: str, directory: pathlib.Path):
        self.peer_program, self.directory = peer, directory
        self._programs = contextlib.ExitStack()

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_) -> None:
        self._programs.close()

    def start(self, *command: object, text: str | None = None) -> Program:
        """A program by its name; standard input stays open unless there is a text for it."""
        words = [str(word) for word in command]
        found = shutil.which(words[0]) or shutil.which(words[0], path="/usr/local/sbin:/usr/sbin:/sbin")
        if not found:
            raise Skipped(f"{words[0]} is not installed")
        program = Program([found, *words[1:]], self.directory, text)
        self._programs.callback(program.end)
        return program

    def peer(self, command: str, **options: object) -> Program:
        """green's own end."""
        return self.start(self.peer_program, command, *(f"{name}={value}" for name, value in options.items()))


def port_of(program: Program) -> int:
    """Of a peer that prints on which one it listens."""
    return int(program.line("port: ").removeprefix("port: "))


def free_port() -> int:
    """A port that is free now, and hopefully until somebody else has bound it."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port: int) -> None:
    """Until somebody listens there."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise Failed(f"nobody listens on port {port}")
