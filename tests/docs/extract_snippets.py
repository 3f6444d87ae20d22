"""Compiles and runs the programs in README.md and docs/*.md, so that they stay true.

Every ```cpp block is taken:
- with `int main` it is a program: compiled, run, and its output compared with a following ```text block that comes
  directly after it or after a paragraph that says "prints" or "output";
- else it is compiled, not run. Statements go into a coroutine, declarations stay as they are.

A block that is no program, or a program without an #include, stands after the usual first lines: <green/green.hpp>,
<cstdio>, <string> and <vector>, `using namespace green;` and `using namespace std::chrono_literals;`.

An HTML comment before a block makes exceptions: <!-- fragment --> compiles a program without running it,
<!-- no-compile --> skips the block, <!-- part --> makes it a part of all programs that follow on its page.
"""

import argparse
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import toolchain  # noqa: E402

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[^\s`]*)[^\n]*\n(?P<body>.*?)^ *```[ ]*$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"<!--\s*(fragment|no-compile|part)\s*-->\s*\Z")
INTRODUCES_OUTPUT = re.compile(r"\b(prints?|output)\b", re.IGNORECASE)
MAIN = re.compile(r"^\s*(auto|int)\s+main\s*\(", re.MULTILINE)
INCLUDE = re.compile(r"^\s*#\s*include\b.*$", re.MULTILINE)
COMMON_INCLUDES = """#include <green/green.hpp>
#include <cstdio>
#include <string>
#include <vector>
"""
PROLOGUE = """{includes}
using namespace green;
using namespace std::chrono_literals;
"""
RUN_SECONDS = 60


@dataclass
class Snippet:
    file: pathlib.Path
    line: int
    code: str
    expected: str | None
    runs: bool
    parts: str = ""  # of the page, above it

    def name(self) -> str:
        return f"{self.file.name}:{self.line}"


def paragraphs_between(text: str) -> str | None:
    """The single paragraph between two blocks; None when there is more between them than that."""
    paragraphs = [part for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]
    if len(paragraphs) > 1 or any(line.startswith("#") for part in paragraphs for line in part.splitlines()):
        return None
    return paragraphs[0] if paragraphs else ""


def unindent(block: re.Match) -> str:
    indent = block["indent"]
    return "".join(line.removeprefix(indent) for line in block["body"].splitlines(keepends=True))


def snippets_of(file: pathlib.Path) -> list[Snippet]:
    text = file.read_text(encoding="utf-8")
    blocks = list(FENCE.finditer(text))
    found = []
    parts = ""
    for index, block in enumerate(blocks):
        if block["language"] != "cpp":
            continue
        comment = COMMENT.search(text[: block.start()])
        if comment and comment[1] == "no-compile":
            continue
        code = unindent(block)
        runs = bool(MAIN.search(code)) and not comment
        expected = None
        if runs and index + 1 < len(blocks) and blocks[index + 1]["language"] == "text":
            between = paragraphs_between(text[block.end() : blocks[index + 1].start()])
            if between is not None and (not between or INTRODUCES_OUTPUT.search(between)):
                expected = unindent(blocks[index + 1])
        line = text.count("\n", 0, block.start()) + 2
        found.append(Snippet(file, line, code, expected, runs, parts))
        if comment and comment[1] == "part":
            parts += f'#line {line} "{file}"\n{code}'
    return found


def outside_braces(code: str) -> str:
    """What stands at the top level of the code, without comments and literals."""
    code = re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', " ", code, flags=re.DOTALL)
    depth, kept = 0, []
    for character in code:
        depth += character == "{"
        if depth == 0:
            kept.append(character)
        depth -= character == "}"
        if character == "}" and depth == 0:
            kept.append("{}")
    return "".join(kept)


def has_statements(code: str) -> bool:
    """Whether the code must stand inside a function."""
    top = INCLUDE.sub("", outside_braces(code))
    if re.search(r"\bco_(await|return|yield)\b", top):
        return True
    # A control statement, a call, an assignment to a name or to a member: none of them is a declaration.
    return bool(
        re.search(r"(^|[;}])\s*(if|for|while|do|switch|try|return|throw)\b", top)
        or re.search(r"(^|[;}])\s*[\w:.]+(->[\w]+)*\s*\([^;{}]*\)\s*;", top)
        or re.search(r"(^|[;}])\s*[\w.\[\]]+\s*[-+*/|&]?=[^=]", top)
    )


def stands_alone(snippet: Snippet) -> bool:
    """Whether it is a program that includes what it needs."""
    return bool(MAIN.search(snippet.code) and INCLUDE.search(snippet.code))


def program_of(snippet: Snippet) -> str:
    location = f'#line {snippet.line} "{snippet.file}"\n'
    is_program = bool(MAIN.search(snippet.code))
    if stands_alone(snippet):
        return location + snippet.code
    includes = "\n".join(INCLUDE.findall(snippet.code))
    # A blank line in place of an include keeps the line numbers.
    code = INCLUDE.sub("", snippet.code)
    prologue = PROLOGUE.format(includes=includes)
    prologue += snippet.parts
    if not is_program and has_statements(code):
        return f"{prologue}task<> snippet();\ntask<> snippet() {{\n{location}{code}\nco_return;\n}}\n"
    return prologue + location + code


FLAGS = ["-O0", "-Wall", "-Wextra", "-Werror"]


def precompile_common_includes(directory: pathlib.Path, compiler: toolchain.Toolchain) -> pathlib.Path:
    """The header with the usual first lines, and beside it what the compiler looks for instead of it."""
    header = directory / "common.hpp"
    header.write_text(COMMON_INCLUDES, encoding="utf-8")
    suffix = ".pch" if compiler.version()[0] == "clang" else ".gch"
    command = compiler.command(*FLAGS, "-x", "c++-header", str(header), "-o", str(header) + suffix)
    subprocess.run(command, check=True)
    return header


def check(arguments: argparse.Namespace, compiler: toolchain.Toolchain, common: pathlib.Path, snippet: Snippet) -> str:
    """Compiles one snippet and runs it if it is a program. An empty answer is a success."""
    stem = arguments.work_dir / f"{snippet.file.stem}_{snippet.line}"
    source, unit, program = stem.with_suffix(".cpp"), stem.with_suffix(".o"), stem.with_suffix(".exe")
    source.write_text(program_of(snippet), encoding="utf-8")

    flags = list(FLAGS)
    if not stands_alone(snippet):
        flags += ["-include", str(common)]
    if snippet.parts or not MAIN.search(snippet.code):
        # Shown for itself: what it defines need not be used.
        flags += ["-Wno-unused"]
    compile_step = compiler.command(*flags, "-c", str(source), "-o", str(unit))
    result = subprocess.run(compile_step, capture_output=True, text=True)
    if result.returncode != 0:
        return "does not compile\n" + toolchain.shorten(result.stderr)
    if not snippet.runs:
        return ""

    libraries = [word for library in arguments.library for word in (str(library), f"-Wl,-rpath,{library.parent}")]
    link = compiler.command(str(unit), *libraries, "-pthread", "-o", str(program))
    link += arguments.link_arg
    result = subprocess.run(link, capture_output=True, text=True)
    if result.returncode != 0:
        return "does not link\n" + toolchain.shorten(result.stderr)

    try:
        result = subprocess.run(
            [str(program)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"still runs after {RUN_SECONDS} s"
    if result.returncode != 0:
        return f"exit code {result.returncode}\n" + toolchain.shorten(result.stdout + result.stderr)
    if snippet.expected is not None and result.stdout != snippet.expected:
        return f"prints\n{toolchain.shorten(result.stdout)}\n  not\n{toolchain.shorten(snippet.expected)}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    toolchain.add_arguments(parser)
    parser.add_argument("--library", type=pathlib.Path, action="append", required=True, help="may be repeated")
    parser.add_argument("--link-arg", action="append", default=[], help="after the libraries; may be repeated")
    parser.add_argument("--source-root", type=pathlib.Path, required=True)
    parser.add_argument("--work-dir", type=pathlib.Path, required=True)
    parser.add_argument("--only", default="", help="only the files with this in their names")
    parser.add_argument("--skip", default=[], action="append", help="not the file of this name; may be repeated")
    arguments = parser.parse_args()
    arguments.library = [library.resolve() for library in arguments.library]
    arguments.work_dir.mkdir(parents=True, exist_ok=True)
    compiler = toolchain.Toolchain.from_arguments(arguments)

    files = [arguments.source_root / "README.md", *sorted(arguments.source_root.glob("docs/*.md"))]
    files = [file for file in files if arguments.only in file.name and file.name not in arguments.skip]
    snippets = [snippet for file in files for snippet in snippets_of(file)]
    common = precompile_common_includes(arguments.work_dir, compiler)
    failed = 0
    reasons = toolchain.in_parallel(lambda snippet: check(arguments, compiler, common, snippet), snippets)
    for snippet, reason in zip(snippets, reasons):
        failed += bool(reason)
        done = "ran, as printed there" if snippet.expected is not None else "ran" if snippet.runs else "compiled"
        print(f"{'FAILED' if reason else 'ok    '} {snippet.name()}: {reason or done}")
    print(f"{len(snippets) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
