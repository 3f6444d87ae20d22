"""Runs the benchmarks of a build directory and compares them with the limit and with other runtimes.

usage: bench/run.py --build-dir DIRECTORY [--rounds N] [--quick] [--out DIRECTORY] [FILTER]

FILTER is a part of the names of figures (bench/figures.py). Each figure of each program is a process
of its own, one after the other; a round runs all of them once, so that what slows the machine down
for a while hits all alike. Ratios are taken within a round; the median round counts. The table, the
data and a plot per figure go to bench/results/.

A bar that is missed is a result, not a failure: the exit status is 1 only when a program fails.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field

from figures import FIGURES, Bar, Figure
from plot import Row, number, svg, with_unit
from programs import Found, Program, compiler_of, first_line, say

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT = 180  # seconds; the slowest needs about ten
TIMES_GREEN = "(×N): N times what green takes, the median of the rounds"


@dataclass
class Result:
    """What one program measured of one figure, by round."""

    values: dict[int, float] = field(default_factory=dict)
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values.values())

    @property
    def least(self) -> float:
        return min(self.values.values())

    @property
    def most(self) -> float:
        return max(self.values.values())


def ratio(above: Result | None, below: Result | None) -> float | None:
    """The median of the ratios within each round."""
    if above is None or below is None:
        return None
    rounds = [
        above.values[r] / below.values[r] for r in above.values if below.values.get(r, 0) > 0
    ]
    return statistics.median(rounds) if rounds else None


def machine(build_dir: pathlib.Path) -> dict[str, str]:
    model = "unknown processor"
    try:
        for line in open("/proc/cpuinfo"):
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        model = platform.processor() or model
    facts = {
        "machine": f"{os.cpu_count()} × {model}, {platform.system()} {platform.release()}",
        "compiler": first_line([*compiler_of(build_dir), "--version"]),
    }
    dependencies = json.loads((build_dir / "meson-info" / "intro-dependencies.json").read_text())
    for dependency in dependencies:
        if dependency["name"] in ("libuv", "libcares"):
            facts[dependency["name"]] = dependency["version"]
    return facts


# --- running


def priority() -> None:
    """Other work on the machine disturbs less; without the right to it, things stay as they are."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    except OSError:
        pass


class NameServer:
    """The server that the suite `dns` asks, on the last processor; its clients have the others."""

    def __init__(self, program: pathlib.Path):
        *others, own = sorted(os.sched_getaffinity(0))
        self.clients = set(others) or {own}
        command = [str(program), "0", str(own)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=priority)
        self.address = self.process.stdout.readline().strip()

    def serve(self, programs: list[Program]) -> None:
        for program in programs:
            program.environment["DNS_SERVER"] = self.address
            program.processors = self.clients

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


class Measurement:
    def __init__(self, programs: dict[str, list[Program]], figures: list[Figure], slices: int):
        self.programs = programs  # by suite
        self.figures = figures
        self.slices = slices
        self.results: dict[str, dict[str, Result]] = {}  # figure, then program
        self.failures: list[str] = []

    def arguments(self) -> list[tuple[str, str]]:
        """What the programs are to run, of which suite; the limit's figures too."""
        wanted = [(f.suite, f.run_as) for f in self.figures]
        wanted += [(f.suite, f.limit) for f in self.figures if f.limit]
        return list(dict.fromkeys(wanted))

    def run(self, rounds: int) -> None:
        started = time.monotonic()
        for r in range(rounds):
            for suite, argument in self.arguments():
                shown = []
                for program in self.programs[suite]:
                    if argument not in program.silent:
                        shown += self.run_one(program, argument, r)
                say(f"round {r + 1}/{rounds}  {argument:<18} {'  '.join(shown)}")
            left = (time.monotonic() - started) / (r + 1) * (rounds - r - 1)
            if left > 1:
                say(f"about {left / 60:.1f} minutes left")

    def run_one(self, program: Program, argument: str, r: int) -> list[str]:
        command = [*program.command, argument, f"slices={self.slices}"]
        environment = {**os.environ, **program.environment}

        def prepare() -> None:
            priority()
            os.sched_setaffinity(0, program.processors)

        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=TIMEOUT, preexec_fn=prepare, env=environment
            )
            lines = [json.loads(line) for line in done.stdout.splitlines()]
        except subprocess.TimeoutExpired:
            return self.fail(program, argument, f"no end after {TIMEOUT} s")
        except json.JSONDecodeError as error:
            return self.fail(program, argument, f"prints what is no JSON line: {error.doc[:80]}")
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or [""])[-1]
            return self.fail(program, argument, f"exit status {done.returncode} {last}")
        if not lines:
            program.silent.add(argument)
        shown = []
        for line in lines:
            of_figure = self.results.setdefault(line["figure"], {})
            result = of_figure.setdefault(program.name, Result(note=line.get("note", "")))
            result.values[r] = line["value"]
            shown.append(f"{program.name} {with_unit(line['value'], line['unit'])}")
        return shown

    def fail(self, program: Program, argument: str, why: str) -> list[str]:
        self.failures.append(f"{program.name} {argument}: {why}")
        program.silent.add(argument)
        return [f"{program.name} FAILED"]

    def result(self, figure: str, program: str) -> Result | None:
        return self.results.get(figure, {}).get(program)


# --- what came out


@dataclass
class Line:
    """A figure's line in the table."""

    figure: Figure
    green: Result
    limit: Result | None
    times_limit: float | None
    peers: dict[str, tuple[Result, float | None]]  # and how many times green's it is

    @property
    def bar_value(self) -> float | None:
        """The bar in the figure's unit, for the plot."""
        bar = self.figure.bar
        if bar is None:
            return None
        if bar.value is not None:
            return bar.value
        return bar.times_limit * self.limit.median if bar.times_limit and self.limit else None

    def bar_text(self) -> str:
        bar = self.figure.bar or Bar()
        parts = []
        if bar.times_limit is not None:
            parts.append(f"≤ {number(bar.times_limit)} × limit")
        if bar.value is not None:
            parts.append(f"≤ {with_unit(bar.value, self.figure.unit)}")
        parts += [f"≥ {number(n)} × faster than {peer}" for peer, n in bar.faster_than.items()]
        return "; ".join(parts) or "–"

    def verdict(self) -> str:
        bar = self.figure.bar
        if bar is None:
            return "–"
        missed, unknown, held = [], [], 0
        checks = []
        if bar.times_limit is not None:
            checks.append((self.times_limit, bar.times_limit, "limit", "× limit"))
        if bar.value is not None:
            checks.append((self.green.median, bar.value, "", self.figure.unit))
        for got, most, what, unit in checks:
            if got is None:
                unknown.append(what)
            elif got <= most:
                held += 1
            else:
                value = f"{number(got)} {unit}" if what else with_unit(got, unit)
                missed.append(value + over(got, most))
        for peer, least in bar.faster_than.items():
            got = self.peers.get(peer, (None, None))[1]
            if got is None:
                unknown.append(peer)
            elif got >= least:
                held += 1
            else:
                missed.append(f"{number(got)} × faster than {peer}, not {number(least)}")
        text = "missed: " + "; ".join(missed) if missed else "holds" if held else "unknown"
        return text + (f" ({', '.join(unknown)} not measured)" if unknown else "")


def over(got: float, most: float) -> str:
    if most <= 0:
        return ""
    times = got / most
    if times >= 2:
        return f", {number(times)} times the bar"
    percent = (times - 1) * 100
    return f", {percent:.0f} % over" if percent >= 1 else ", less than 1 % over"


def lines_of(measured: Measurement, peers: list[str]) -> list[Line]:
    lines = []
    for figure in measured.figures:
        green = measured.result(figure.name, "green")
        limit = measured.result(figure.limit or figure.name, "limit")
        if green is None:
            continue
        others = {}
        for peer in peers:
            result = measured.result(figure.limit or figure.name, peer)
            if result is not None:
                others[peer] = (result, ratio(result, green))
        lines.append(Line(figure, green, limit, ratio(green, limit), others))
    return lines


def cells_of(line: Line, peers: list[str]) -> list[str]:
    unit = line.figure.unit
    green = with_unit(line.green.median, unit)
    low, high = with_unit(line.green.least, unit), with_unit(line.green.most, unit)
    if low != high:
        if low.split()[-1] == high.split()[-1]:
            low = low.split()[0]
        green += f" ({low}–{high})"
    cells = [
        line.figure.title,
        green,
        with_unit(line.limit.median, unit) if line.limit else "–",
        f"{line.times_limit:.2f}" if line.times_limit is not None else "–",
        line.bar_text(),
        line.verdict(),
    ]
    for peer in peers:
        if peer in line.peers:
            result, times = line.peers[peer]
            times_text = f" (×{number(times)})" if times is not None else ""
            cells.append(with_unit(result.median, unit) + times_text)
        else:
            cells.append("–")
    return cells


def header_of(peers: list[str]) -> list[str]:
    return ["figure", "green", "limit", "green/limit", "bar", "verdict", *peers]


def tables_of(lines: list[Line], peers: list[str]) -> list[list[list[str]]]:
    """Green with its limit and bar, then green with its peers: all columns side by side are too wide."""
    rows = [header_of(peers)] + [cells_of(line, peers) for line in lines]
    tables = [[row[:6] for row in rows]]
    compared = [row[:2] + row[6:] for row in rows if any(cell != "–" for cell in row[6:])]
    if len(compared) > 1:
        tables.append(compared)
    return tables


def terminal(lines: list[Line], peers: list[str]) -> str:
    out = []
    for table in tables_of(lines, peers):
        widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
        for row in table:
            out.append("  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip())
        out.append("")
    return "\n".join(out)


def markdown(lines: list[Line], peers: list[str], about: list[str]) -> str:
    out = ["# Benchmarks", ""] + [f"- {fact}" for fact in about]
    for header, *rows in tables_of(lines, peers):
        out += ["", "| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
        out += ["| " + " | ".join(row) + " |" for row in rows]
    out += ["", f"{TIMES_GREEN}."]
    notes = [
        f"- {peer}, {line.figure.title}: {result.note}"
        for line in lines
        for peer, (result, _) in line.peers.items()
        if result.note and not line.figure.limit
    ]
    if notes:
        out += ["", "Where a peer does less or something else:", "", *notes]
    return "\n".join(out) + "\n"


def write_plot(line: Line, out: pathlib.Path, rounds: int) -> None:
    rows = [
        Row(name, r.median, r.least, r.most)
        for name, r in [
            ("limit", line.limit),
            ("green", line.green),
            *((peer, result) for peer, (result, _) in line.peers.items()),
        ]
        if r is not None and r.median > 0
    ]
    if len(rows) < 2 and line.bar_value is None:
        return
    rows.sort(key=lambda row: row.median)
    if not rows:
        return
    subtitle = f"median and range of {rounds} rounds" if rounds > 1 else "one round"
    text = svg(line.figure.title, line.figure.unit, rows, line.bar_value, subtitle)
    (out / f"{line.figure.name}.svg").write_text(text)


def data_of(lines: list[Line], about: dict) -> dict:
    def result(r: Result) -> dict:
        return {"median": r.median, "rounds": list(r.values.values()), "note": r.note}

    return {
        **about,
        "figures": [
            {
                "figure": line.figure.name,
                "unit": line.figure.unit,
                "green": result(line.green),
                "limit": result(line.limit) if line.limit else None,
                "green_to_limit": line.times_limit,
                "bar": line.bar_text(),
                "verdict": line.verdict(),
                "peers": {
                    peer: {**result(r), "times_green": times}
                    for peer, (r, times) in line.peers.items()
                },
            }
            for line in lines
        ],
    }


def load_average() -> str:
    return " ".join(f"{load:.1f}" for load in os.getloadavg())


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two short rounds: does it work?")
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "results")
    parser.add_argument("--filter", default="", help="the same as FILTER")
    parser.add_argument("words", nargs="*", metavar="FILTER", help="part of the names of figures")
    options = parser.parse_args()
    options.build_dir = options.build_dir.resolve()
    options.words += [options.filter] if options.filter else []
    if options.quick:
        options.rounds = min(options.rounds, 2)
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    return options


def main() -> int:
    options = parse()
    figures = [f for f in FIGURES if not options.words or any(w in f.name for w in options.words)]
    if not figures:
        names = ", ".join(f.name for f in FIGURES)
        say(f"no figure has {' or '.join(options.words)} in its name; there are: {names}")
        return 1

    found = Found(options.build_dir, figures)
    figures = [f for f in figures if f.suite in found.programs]
    if found.missing:
        say(f"not installed, so not compared with: {', '.join(found.missing)}")
    if found.not_built:
        say(f"{found.not_built[0]} is missing: build it first (./dev bench does)")
        return 1
    if not figures:
        return 0

    load_before = load_average()
    measured = Measurement(found.programs, figures, slices=5 if options.quick else 30)
    measured.failures = found.failed
    server = NameServer(options.build_dir / "bench" / "dns_server") if "dns" in found.programs else None
    try:
        if server:
            server.serve(found.programs["dns"])
        measured.run(options.rounds)
    finally:
        if server:
            server.stop()

    facts = machine(options.build_dir)
    load = f"{load_before} before, {load_average()} after"
    peer_names = list(found.versions)
    lines = lines_of(measured, peer_names)
    about = {
        **facts,
        "peers": ", ".join(f"{name} {version}".strip() for name, version in found.versions.items()),
        "rounds": f"{options.rounds}{' (quick)' if options.quick else ''}",
        "load average": load,
    }
    if found.missing:
        about["not installed"] = ", ".join(found.missing)

    options.out.mkdir(parents=True, exist_ok=True)
    about_lines = [f"{key}: {value}" for key, value in about.items()]
    (options.out / "results.md").write_text(markdown(lines, peer_names, about_lines))
    (options.out / "results.json").write_text(
        json.dumps(data_of(lines, about), indent=2, ensure_ascii=False) + "\n"
    )
    for line in lines:
        write_plot(line, options.out, options.rounds)

    print("\n" + terminal(lines, peer_names))
    print(TIMES_GREEN)
    print("\n".join(about_lines))
    print(f"written to {os.path.relpath(options.out)}: results.md, results.json and the plots")
    for failure in measured.failures:
        print(f"FAILED: {failure}")
    return 1 if measured.failures else 0


if __name__ == "__main__":
    sys.exit(main())
