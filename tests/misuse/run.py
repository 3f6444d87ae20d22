"""Misuse must fail to compile, with a sentence that says what is wrong.

Every *.cpp beside this file is such a program. Its first line names a part of the sentence that the compiler has to print:

    // expect: a task is awaited once

`// expect alone: ...` says that it must be the only error.
"""

import argparse
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import toolchain  # noqa: E402

MARKER = "// expect:"
ALONE = "// expect alone:"


def check(compiler: toolchain.Toolchain, case: pathlib.Path) -> str:
    """Compiles one case. An empty answer is a success, any other says why not."""
    first_line = case.read_text(encoding="utf-8").split("\n", 1)[0]
    marker = ALONE if first_line.startswith(ALONE) else MARKER
    sentence = first_line.removeprefix(marker).strip()
    if not first_line.startswith(marker) or not sentence:
        return f"the first line must be '{MARKER} SENTENCE'"

    result = subprocess.run(
        compiler.command("-fsyntax-only", "-fdiagnostics-color=never", str(case)), capture_output=True, text=True
    )
    if result.returncode == 0:
        return "it compiled"
    # The message quotes the offending source; the case's own first line must not count as the sentence.
    message = result.stderr.replace(first_line, "")
    if sentence not in message:
        return f"no '{sentence}' in\n{toolchain.shorten(result.stderr)}"
    if marker == ALONE and (errors := message.count(" error: ")) != 1:
        return f"{errors} errors instead of one in\n{toolchain.shorten(result.stderr)}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    toolchain.add_arguments(parser)
    compiler = toolchain.Toolchain.from_arguments(parser.parse_args())

    cases = sorted(pathlib.Path(__file__).resolve().parent.glob("*.cpp"))
    failed = 0
    for case, reason in zip(cases, toolchain.in_parallel(lambda case: check(compiler, case), cases)):
        failed += bool(reason)
        print(f"{'FAILED' if reason else 'ok    '} {case.name}{': ' + reason if reason else ''}")
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
