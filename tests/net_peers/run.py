"""Lets green talk to programs of other people: openssl, curl and whatever else the cases name.

usage: tests/net_peers/run.py PEER [PART]...

PEER is green's program, see peer.cpp. The cases are the functions `case_...` of the files cases_*.py, each called with a
`Stage` of its own; with PARTs those with one of them in their names. What is not installed is skipped.
"""

import argparse
import importlib
import pathlib
import sys
import tempfile

import harness

HERE = pathlib.Path(__file__).parent


def all_cases():
    """Name and function of each, in the order of the files."""
    for file in sorted(HERE.glob("cases_*.py")):
        module = importlib.import_module(file.stem)
        subject = file.stem.removeprefix("cases_")
        for name, function in vars(module).items():
            if name.startswith("case_"):
                yield f"{subject}: {name.removeprefix('case_').replace('_', ' ')}", function


def run(peer: str, wanted: list[str], work: pathlib.Path) -> tuple[int, int, int]:
    passed = failed = skipped = 0
    for name, function in all_cases():
        if wanted and not any(part in name for part in wanted):
            continue
        try:
            with harness.Stage(peer, work) as stage:
                function(stage)
        except harness.Skipped as reason:
            skipped += 1
            print(f"skipped {name}: {reason}", flush=True)
        except harness.Failed as reason:
            failed += 1
            print(f"FAILED {name}: {reason}", flush=True)
        else:
            passed += 1
            print(f"ok     {name}", flush=True)
    return passed, failed, skipped


def main() -> int:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("peer")
    parser.add_argument("parts", nargs="*")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="green-net-") as work:
        pathlib.Path(work).chmod(0o755)  # daemons may give up their rights
        passed, failed, skipped = run(str(pathlib.Path(arguments.peer).resolve()), arguments.parts, pathlib.Path(work))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
