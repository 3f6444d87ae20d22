"""The progress bar of a program: drawn and erased where stderr is a terminal, silent where it is none.

usage: progress_test.py PROGRAM [ARGUMENT]...
"""

import os
import pty
import subprocess
import sys


def stderr_on_terminal(command: list[str]) -> bytes:
    """What the program writes to a terminal; it must be less than the terminal buffers, some KiB."""
    terminal, its_side = pty.openpty()
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=its_side, check=True)
    os.close(its_side)
    written = b""
    try:
        while part := os.read(terminal, 65536):
            written += part
    except OSError:  # EIO: Linux's way to say that nobody has the other side any more
        pass
    os.close(terminal)
    return written


def main() -> int:
    command = sys.argv[1:]
    elsewhere = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True).stderr
    written = stderr_on_terminal(command)
    failures = []
    if elsewhere:
        failures.append(f"without a terminal it writes {elsewhere!r}")
    if b"[" + b"." * 40 + b"] 0 %" not in written:
        failures.append("it does not begin with an empty bar")
    if b"[" + b"#" * 40 + b"] 100 %, 0 s left" not in written:
        failures.append("it does not end with a full bar")
    if not written.endswith(b"\r\x1b[K"):
        failures.append("it does not erase the bar")
    print(*failures, sep="\n", end="\n" if failures else "", file=sys.stderr)
    if failures:
        print(f"written: {written!r}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
