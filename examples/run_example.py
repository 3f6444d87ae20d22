"""Runs an example: it must exit with 0 and print what the file beside it says, if there is one.

usage: run_example.py PROGRAM STEM [ARGUMENT]...

STEM.expected is what it prints, byte for byte. STEM.pattern is for numbers, times and the order of threads: a regular
expression for all that it prints. Each of its lines is one for the same line of the output, so that the first wrong line
can be shown; what has a name, as in (?P<main>\\d+), can be referred to in later lines, as (?P=main).
"""

import difflib
import pathlib
import re
import subprocess
import sys


def difference(printed: str, expected: str, name: str) -> list[str]:
    return list(
        difflib.unified_diff(
            expected.splitlines(), printed.splitlines(), fromfile=name, tofile="printed", lineterm=""
        )
    )


def mismatch(printed: str, pattern: str, name: str) -> list[str]:
    """The first line of the pattern that does not match, if one does not."""
    lines = pattern.splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        if not re.match("".join(lines[:number]), printed):
            got = (printed.splitlines() + ["(the end)"] * number)[number - 1]
            return [f"{name}:{number}: {line.rstrip()}", f"does not match: {got}"]
    return [] if re.fullmatch(pattern, printed) else [f"{name} ends here, but there is more"]


def main() -> int:
    program, stem, arguments = sys.argv[1], sys.argv[2], sys.argv[3:]
    result = subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    sys.stdout.flush()
    sys.stdout.buffer.write(result.stdout)
    sys.stdout.buffer.flush()
    if result.returncode != 0:
        print(f"{program}: exit code {result.returncode}", file=sys.stderr)
        return 1
    printed = result.stdout.decode("utf-8", "backslashreplace")
    for suffix, compare in ((".expected", difference), (".pattern", mismatch)):
        file = pathlib.Path(stem + suffix)
        if not file.exists():
            continue
        wrong = compare(printed, file.read_bytes().decode("utf-8"), file.name)
        if wrong:
            print(*wrong, sep="\n", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
