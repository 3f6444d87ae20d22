"""Runs the tests of a build directory and counts them, case by case.

usage: tests/run.py BUILD_DIR [--suite NAME]... [--no-suite NAME]... [FILTER]

FILTER names a suite or a test of the build (`meson test --list`), else it is a part of the names of test cases. The last
line printed is `N passed, N failed` (and `, N skipped`), counting the cases of each executable. An executable that
crashes, hangs or fails without naming a case counts as one failure. Lines before the last name what failed.
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass

# Suites whose executables are Catch2 runners: only they understand a pattern of test cases.
OTHER_SUITES = {"compiler", "dns_servers", "docs", "examples", "misuse", "net_peers"}

OWN_SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.MULTILINE)
CATCH_ALL_PASSED = re.compile(r"^All tests passed \(.* in (\d+) test cases?\)", re.MULTILINE)
CATCH_SUMMARY = re.compile(r"^test cases:\s+\d+(?P<parts>(?: \|\s+\d+ [a-z ]+)+)", re.MULTILINE)
CATCH_NOTHING = re.compile(r"^(No tests ran|No test cases matched)", re.MULTILINE)
CATCH_CASE = re.compile(r"^-{79}\n(\S.*)\n(?:  .*\n)*-{79}\n", re.MULTILINE)
CATCH_FAILURE = re.compile(
    r"^(?:\.\./)*(\S+:\d+): FAILED:\n(?:due to unexpected exception with message:\n)? *(.{,150})", re.MULTILINE
)
OWN_FAILED_CASE = re.compile(r"^FAILED (\S+):", re.MULTILINE)
WATCHDOG = re.compile(r"^watchdog: ('.*' has not ended)", re.MULTILINE)
SANITIZER = re.compile(r"^SUMMARY: (\w+: .{,100})", re.MULTILINE)
PART = re.compile(r"(\d+) (passed|failed as expected|failed|skipped)")


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __iadd__(self, other: "Counts") -> "Counts":
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else "")


def counts_in(output: str) -> Counts | None:
    """What the last summary in a test's output says; None when there is none."""
    if own := OWN_SUMMARY.findall(output):
        return Counts(*(int(number or 0) for number in own[-1]))
    if all_passed := CATCH_ALL_PASSED.search(output):
        return Counts(passed=int(all_passed[1]))
    if summary := CATCH_SUMMARY.search(output):
        parts = {kind: int(number) for number, kind in PART.findall(summary["parts"])}
        passed = parts.get("passed", 0) + parts.get("failed as expected", 0)
        return Counts(passed, parts.get("failed", 0), parts.get("skipped", 0))
    if CATCH_NOTHING.search(output):
        return Counts()
    return None


def counts_of(result: dict) -> Counts:
    """One test of the build's log: the cases in it, or itself as one."""
    if result["result"] == "SKIP":
        return Counts(skipped=1)
    succeeded = result["result"] in ("OK", "EXPECTEDFAIL")
    counts = counts_in(result.get("stdout") or "")
    if counts is None:
        return Counts(passed=1) if succeeded else Counts(failed=1)
    if not succeeded and counts.failed == 0:
        counts.failed = 1
    return counts


def failed_cases(result: dict) -> list[str]:
    """The names of the cases that failed, as far as the test's output gives them."""
    output = (result.get("stdout") or "") + (result.get("stderr") or "")
    named = OWN_FAILED_CASE.findall(output) + SANITIZER.findall(output) + WATCHDOG.findall(output)
    case = ""
    for part in CATCH_CASE.split(output):  # text, name, text, name … text
        if case and (failure := CATCH_FAILURE.search(part)):
            named.append(f"{case} ({failure[1]}: {failure[2]})")
        case = part
    return list(dict.fromkeys(named))


def meson_tests(build_dir: pathlib.Path) -> list[dict]:
    return json.loads((build_dir / "meson-info" / "intro-tests.json").read_text(encoding="utf-8"))


def suites_of(test: dict) -> set[str]:
    return {suite.rpartition(":")[2] for suite in test["suite"]}


def main() -> int:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build_dir", type=pathlib.Path)
    parser.add_argument("--suite", action="append", default=[])
    parser.add_argument("--no-suite", action="append", default=[])
    parser.add_argument("filter", nargs="?", default="")
    arguments = parser.parse_args()

    tests = meson_tests(arguments.build_dir)
    if arguments.suite:
        tests = [test for test in tests if suites_of(test) & set(arguments.suite)]
    tests = [test for test in tests if not suites_of(test) & set(arguments.no_suite)]
    case_pattern = []
    if arguments.filter:
        named = [test for test in tests if arguments.filter in suites_of(test) | {test["name"]}]
        if named:
            tests = named
        else:
            tests = [test for test in tests if not suites_of(test) & OTHER_SUITES]
            case_pattern = ["--test-args=" + shlex.quote(f"*{arguments.filter}*")]
    if not tests:
        print("no test is named so; see: meson test -C BUILD_DIR --list")
        return 1

    log = arguments.build_dir / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    names = sorted({test["name"] for test in tests})
    patience = os.environ.get("GREEN_TEST_TIMEOUT_SCALE", "1")
    command = ["meson", "test", "-C", str(arguments.build_dir), "--no-rebuild", "--print-errorlogs"]
    status = subprocess.run(
        [*command, f"--timeout-multiplier={patience}", *case_pattern, *names],
        stdin=subprocess.DEVNULL,
    ).returncode

    total = Counts()
    failures = []
    if log.exists():
        for line in log.read_text(encoding="utf-8").splitlines():
            result = json.loads(line)
            counts = counts_of(result)
            total += counts
            if counts.failed:
                failures.append(f"{result['name']}: {', '.join(failed_cases(result)) or result['result'].lower()}")
    if status != 0 and total.failed == 0:
        total.failed = 1  # meson itself failed
    if case_pattern and total.passed + total.failed == 0:
        print(f"no test case is named *{arguments.filter}*")
        status = 1
    for failure in failures:
        print(f"failed: {failure}")
    print(total, flush=True)
    return 1 if status != 0 or total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
