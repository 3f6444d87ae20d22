"""green-resolve against a DNS server of its own: input, output, exit codes, interrupts, memory.

usage: test.py GREEN_RESOLVE TEST_SERVER [--sanitized]
"""

import csv
import io
import json
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

PROGRAM, SERVER = sys.argv[1:3]
SANITIZED = "--sanitized" in sys.argv
TIMEOUT = 100
failures = []


def expect(what: str, got, wanted) -> None:
    if got != wanted:
        failures.append(f"{what}: {got!r}, not {wanted!r}")


def expect_in(what: str, part: str, whole: str) -> None:
    if part not in whole:
        failures.append(f"{what}: {part!r} is not in {whole!r}")


class Tool:
    """The program with the address of the test server."""

    def __init__(self, address: str):
        self.server = ["-s", address]

    def command(self, *arguments: str) -> list[str]:
        return [PROGRAM, *self.server, *arguments]

    def run(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess:
        done = subprocess.run(self.command(*arguments), input=stdin, capture_output=True, timeout=TIMEOUT)
        done.out, done.err = done.stdout.decode(), done.stderr.decode()
        return done

    def start(self, *arguments: str) -> subprocess.Popen:
        pipe = subprocess.PIPE
        # Unbuffered: communicate() does not see what readline() has read ahead.
        return subprocess.Popen(self.command(*arguments), stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)


def names_come_from_arguments_files_and_stdin(tool: Tool) -> None:
    wanted = "www.example.test\tA\t192.0.2.1\nwww.example.test\tAAAA\t2001:db8::1\nv4.example.test\tA\t192.0.2.4\n"
    names = b"www.example.test\r\n\n# a comment\n  v4.example.test # another\n"
    expect("arguments", tool.run("www.example.test", "v4.example.test").out, wanted)
    expect("stdin", tool.run(stdin=names).out, wanted)
    expect("stdin, said so", tool.run("-", stdin=names.rstrip(b"\n")).out, wanted)
    with tempfile.NamedTemporaryFile() as file:
        file.write(names)
        file.flush()
        expect("a file", tool.run("--file", file.name).out, wanted)
        expect("both", tool.run("-f", file.name, "www.example.test").out.count("\n"), 5)


def the_order_is_that_of_the_names(tool: Tool) -> None:
    names = ["slow.example.test", "v4.example.test", "127.0.0.1"]
    columns = [line.split("\t")[0] for line in tool.run(*names).out.splitlines()]
    expect("in order", columns, names)
    columns = [line.split("\t")[0] for line in tool.run("--unordered", *names).out.splitlines()]
    expect("the slow one last", columns[-1], "slow.example.test")
    expect("all of them", sorted(columns), sorted(names))


def types_are_answered_in_their_order(tool: Tool) -> None:
    done = tool.run("-t", "aaaa,a", "www.example.test", "v4.example.test", "none.example.test")
    expect(
        "columns",
        [line.split("\t")[:3] for line in done.out.splitlines()],
        [
            ["www.example.test", "AAAA", "2001:db8::1"],
            ["www.example.test", "A", "192.0.2.1"],
            ["v4.example.test", "A", "192.0.2.4"],
            ["v4.example.test", "AAAA", "no_data"],
            ["none.example.test", "-", "not_found"],
        ],
    )
    expect("exit status", done.returncode, 1)


def records_have_their_data_and_ttl(tool: Tool) -> None:
    done = tool.run("--json", "-t", "MX,TXT,CAA", "example.test")
    found = [(a["type"], a["ttl"], a["data"]) for a in json.loads(done.out)["answers"]]
    expect(
        "records",
        found,
        [
            ("MX", 120, "10 a.example.test"),
            ("MX", 120, "20 b.example.test"),
            ("TXT", 120, '"v=spf1 -all" "say \\"hi\\""'),
            ("CAA", 120, '0 issue "ca.example"'),
        ],
    )
    done = tool.run("-t", "SRV,PTR", "_sip._tcp.example.test")
    expect("SRV", done.out.split("\n")[0], "_sip._tcp.example.test\tSRV\t1 5 5060 sip.example.test")
    expect("one type is enough", done.returncode, 0)
    expect("a reverse lookup", tool.run("-t", "PTR", "192.0.2.9").out, "192.0.2.9\tPTR\th.example.test\n")


def json_lines(tool: Tool) -> None:
    done = tool.run("--json", "www.example.test", 'no "name"\x01', "broken.example.test")
    good, bad, broken = [json.loads(line) for line in done.out.splitlines()]
    expect("status", [x["status"] for x in (good, bad, broken)], ["answered", "failed", "failed"])
    expect("data", [a["data"] for a in good["answers"]], ["192.0.2.1", "2001:db8::1"])
    expect("name", bad["name"], 'no "name"\\x01')
    expect("error", bad["errors"][0]["error"], "bad_name")
    expect_in("place", "argument 2", bad["errors"][0]["text"])
    expect("error", broken["errors"][0]["error"], "server_failure")
    expect("milliseconds", good["ms"] >= 0, True)


def csv_rows(tool: Tool) -> None:
    done = tool.run("--csv", "www.example.test", 'a"b,c', "none.example.test")
    rows = list(csv.DictReader(io.StringIO(done.out, newline="")))
    expect("names", [r["name"] for r in rows], ["www.example.test"] * 2 + ['a"b,c', "none.example.test"])
    expect("data", [r["data"] for r in rows], ["192.0.2.1", "2001:db8::1", "", ""])
    expect("errors", [r["error"] for r in rows], ["", "", "bad_name", "not_found"])
    expect("only a heading", tool.run("--csv").out, "name,type,ttl,data,error,text,ms\r\n")


def malformed_lines_are_answered_with_their_place(tool: Tool) -> None:
    lines = [b"\xff\xfe\x00\x1b[2J", b"one two", b"x" * 100_000, b"a..b", b"y" * 5000 + b" # long", b"v4.example.test"]
    done = tool.run("-t", "A", stdin=b"\n".join(lines))
    rows = [line.split("\t") for line in done.out.splitlines()]
    expect("kinds", [row[2] for row in rows], ["bad_name"] * 5 + ["192.0.2.4"])
    for number, row in enumerate(rows[:5], 1):
        expect_in("place", f"standard input:{number} (", row[3])
    expect("bytes", rows[0][0], "\\xff\\xfe\\x00\\x1b[2J")
    expect("exit status", done.returncode, 1)


def exit_statuses(tool: Tool) -> None:
    expect("all answered", tool.run("v4.example.test").returncode, 0)
    expect("not found", tool.run("v4.example.test", "none.example.test").returncode, 1)
    expect("no names at all", tool.run().returncode, 0)
    wrong = [["--nonsense"], ["-t", "X"], ["-s", "nowhere"], ["-c", "0"], ["-T", "-1"], ["-r", "x"], ["-f", "/no/file"]]
    for arguments in wrong:
        done = tool.run(*arguments)
        expect(f"{arguments}", (done.returncode, done.out), (2, ""))
        expect_in(f"{arguments}", "green-resolve", done.err)
    expect_in("no such file", "/no/file: No such file", tool.run("-f", "/no/file").err)
    expect_in("a directory", "Is a directory", tool.run("-f", "/").err)
    expect_in("help", "exit status", tool.run("--help").out)


def a_name_has_its_time(tool: Tool) -> None:
    done = tool.run("-T", "0.05", "silent.example.test")
    expect("kind", done.out.split("\t")[2], "timeout")
    expect("exit status", done.returncode, 1)
    expect_in("summary", "timeout 1", done.err)


def the_summary_counts(tool: Tool) -> None:
    done = tool.run("v4.example.test", "none.example.test", "broken.example.test", "a..b")
    for line in ("4 names in ", "answered +1 ", "not found +1 ", "failed +2 .*server_failure 1, bad_name 1", "p50 .*p99 "):
        if not re.search(line, done.err):
            failures.append(f"summary: no {line!r} in {done.err!r}")
    expect("quiet", tool.run("-q", "v4.example.test").err, "")


def an_interrupt_leaves_what_is_done(tool: Tool) -> None:
    process = tool.start("--unordered")
    process.stdin.write(b"silent.example.test\nv4.example.test\n")
    process.stdin.flush()
    expect("line", process.stdout.readline(), b"v4.example.test\tA\t192.0.2.4\n")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=TIMEOUT)
    expect("exit status", process.returncode, 130)
    expect("no more", out, b"")
    expect_in("summary", "1 name in ", err.decode())
    expect_in("summary", "interrupted: 1 begun and not done", err.decode())


def an_interrupt_loses_no_line(tool: Tool) -> None:
    """Of those that the summary counts, while nobody reads."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(b"h%d.bulk.test\n" % i for i in range(20_000)))
        file.flush()
        process = tool.start("-t", "A", "-f", file.name)
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=TIMEOUT)
    lines = (first + out).decode().splitlines()
    expect("whole lines", {line.split("\t", 1)[1] for line in lines}, {"A\t192.0.2.9"})
    names = "name" if len(lines) == 1 else "names"
    expect_in("as many as were done", f"{len(lines)} {names} in ", err.decode())
    expect("exit status", process.returncode, 130)


def a_closed_pipe_ends_it_quietly(tool: Tool) -> None:
    process = tool.start("-t", "A")
    process.stdin.write(b"v4.example.test\n")
    process.stdin.flush()
    process.stdout.readline()
    process.stdout.close()
    try:
        process.stdin.write(b"v4.example.test\n" * 10)
        process.stdin.close()
    except BrokenPipeError:
        pass
    expect("stderr", process.stderr.read(), b"")
    expect("exit status", process.wait(TIMEOUT), 141)


def a_picture_is_drawn(tool: Tool) -> None:
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "run.svg"
        tool.run("--plot", str(file), "v4.example.test", "broken.example.test", "127.0.0.1")
        root = xml.etree.ElementTree.parse(file).getroot()
        words = " ".join(t.text for t in root.iter("{http://www.w3.org/2000/svg}text"))
        for part in ("3 names in", "median", "99th percentile", "failed: 1", "time of the run"):
            expect_in("picture", part, words)
        tool.run("--plot", str(file), "a..b")
        xml.etree.ElementTree.parse(file)
        expect("no such directory", tool.run("--plot", directory + "/no/run.svg", "127.0.0.1").returncode, 2)


def a_lookup_is_explained(tool: Tool) -> None:
    done = tool.run("--explain", "v4.example.test", "none.example.test")
    good, bad, rest = done.out.split("\n\n")
    for part in ("v4.example.test\n", tool.server[1], "192.0.2.4"):
        expect_in("trace", part, good)
    expect_in("trace", "not_found", bad)
    expect("no more", (rest, done.err, done.returncode), ("", "", 1))
    expect("not with types", tool.run("--explain", "-t", "MX", "a").returncode, 2)


def memory_is_bounded(tool: Tool) -> None:
    """100 000 names, of a thousand that differ, from a pipe; the peak of all programs so far is the other ones'."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    names = b"".join(b"h%d.bulk.test\n" % (i % 1000) for i in range(100_000))
    done = tool.run("-t", "A", stdin=names)
    expect("lines", done.out.count("\tA\t192.0.2.9\n"), 100_000)
    expect("exit status", done.returncode, 0)
    grown = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss - before
    if not SANITIZED and grown > 32 * 1024:
        failures.append(f"100 000 names take {grown} KiB more than a few")


CASES = [
    names_come_from_arguments_files_and_stdin,
    the_order_is_that_of_the_names,
    types_are_answered_in_their_order,
    records_have_their_data_and_ttl,
    json_lines,
    csv_rows,
    malformed_lines_are_answered_with_their_place,
    exit_statuses,
    a_name_has_its_time,
    the_summary_counts,
    an_interrupt_leaves_what_is_done,
    an_interrupt_loses_no_line,
    a_closed_pipe_ends_it_quietly,
    a_picture_is_drawn,
    a_lookup_is_explained,
    memory_is_bounded,
]


def main() -> int:
    with subprocess.Popen([SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        tool = Tool(server.stdout.readline().decode().strip())
        for case in CASES:
            known = len(failures)
            case(tool)
            for failure in failures[known:]:
                print(f"{case.__name__}: {failure}", file=sys.stderr)
        server.stdin.close()
    print(f"{len(CASES)} cases, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
