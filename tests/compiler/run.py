"""Which of the known coroutine bugs does this compiler have?

Every *.cpp beside this file is a program of its own for one pattern. Its first line names the pattern, its second says
what green does about it:

    // green needs this        a compiler with this bug cannot build green; a public header refuses those known to have it
    // green avoids this       kept out of green's code by tests/lint/coroutine_patterns.py and by review
    // green does without this shown for information

The test fails when a compiler that green accepts has a bug of the first kind, or clang one of the second: that would be
news. GCC has had bugs of the second kind in many versions; they are shown, and no failure.
"""

import argparse
import pathlib
import subprocess
import sys
from dataclasses import dataclass

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import toolchain  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
LEVELS = ("-O0", "-O2")
NEEDED, AVOIDED = "green needs this", "green avoids this"


@dataclass
class Probe:
    source: pathlib.Path
    pattern: str
    stance: str

    @classmethod
    def read(cls, source: pathlib.Path) -> "Probe":
        pattern, stance = source.read_text(encoding="utf-8").split("\n", 2)[:2]
        return cls(source, pattern.removeprefix("// "), stance.removeprefix("// "))


def outcome(compiler: toolchain.Toolchain, work_dir: pathlib.Path, probe: Probe, level: str) -> str:
    program = work_dir / f"{probe.source.stem}{level}"
    compile_step = compiler.command(level, "-w", str(probe.source), "-o", str(program))
    if subprocess.run(compile_step, capture_output=True).returncode != 0:
        return "does not compile"
    try:
        result = subprocess.run([program], capture_output=True, text=True, timeout=30)
    except subprocess.TimeoutExpired:
        return "hangs"
    return result.stdout.strip() if result.returncode == 0 else "crash"


def is_news(family: str, version: tuple[int, ...], stance: str) -> bool:
    """Whether a bug of this kind means that green must not be built with this compiler, and nobody has said so yet."""
    refused = family == "gcc" and (12, 0) <= version < (12, 3)
    return not refused and (stance == NEEDED or (stance == AVOIDED and family == "clang"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    toolchain.add_arguments(parser)
    parser.add_argument("--work-dir", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    arguments.work_dir.mkdir(parents=True, exist_ok=True)
    compiler = toolchain.Toolchain.from_arguments(arguments)
    # The compiler as it is: a sanitizer would turn each row into a crash.
    compiler.cpp_args = [arg for arg in compiler.cpp_args if not arg.startswith("-fsanitize")]
    family, version = compiler.version()

    probes = [Probe.read(source) for source in sorted(HERE.glob("*.cpp"))]
    jobs = [(probe, level) for probe in probes for level in LEVELS]
    outcomes = dict(zip(
        ((probe.source, level) for probe, level in jobs),
        toolchain.in_parallel(lambda job: outcome(compiler, arguments.work_dir, *job), jobs),
    ))

    print(f"{family} {'.'.join(map(str, version))}")
    width = max(len(probe.pattern) for probe in probes)
    print(f"{'':{width}}  " + "  ".join(f"{level:16}" for level in LEVELS))
    news = 0
    for probe in probes:
        row = [outcomes[probe.source, level] for level in LEVELS]
        bad = any(cell != "ok" for cell in row) and is_news(family, version, probe.stance)
        news += bad
        remark = probe.stance + (": FAILED" if bad else "")
        print(f"{probe.pattern:{width}}  " + "  ".join(f"{cell:16}" for cell in row) + f"  {remark}")
    return 1 if news else 0


if __name__ == "__main__":
    sys.exit(main())
