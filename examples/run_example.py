"""Runs an example: it must exit with 0 and, if a file says what it prints, print exactly that.

usage: run_example.py PROGRAM EXPECTED_FILE
"""

import difflib
import pathlib
import subprocess
import sys


def main() -> int:
    program, expected_file = sys.argv[1], pathlib.Path(sys.argv[2])
    result = subprocess.run([program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    sys.stdout.flush()
    sys.stdout.buffer.write(result.stdout)
    sys.stdout.buffer.flush()
    if result.returncode != 0:
        print(f"{program}: exit code {result.returncode}", file=sys.stderr)
        return 1
    if expected_file.exists() and result.stdout != expected_file.read_bytes():
        difference = difflib.unified_diff(
            expected_file.read_text(encoding="utf-8").splitlines(),
            result.stdout.decode("utf-8", "replace").splitlines(),
            fromfile=str(expected_file),
            tofile="printed",
            lineterm="",
        )
        print(*difference, sep="\n", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
