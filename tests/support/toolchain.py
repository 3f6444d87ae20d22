"""The compiler of the build, for test scripts that compile programs of their own."""

import argparse
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--compiler", action="append", required=True, help="one word of the command; may be repeated")
    parser.add_argument("--cpp-arg", action="append", default=[], help="for compiling and linking; may be repeated")
    parser.add_argument("--include", action="append", default=[], help="an include directory; may be repeated")


@dataclass
class Toolchain:
    compiler: list[str]
    cpp_args: list[str]
    includes: list[str]

    @classmethod
    def from_arguments(cls, arguments: argparse.Namespace) -> "Toolchain":
        return cls(arguments.compiler, arguments.cpp_arg, arguments.include)

    def command(self, *arguments: str) -> list[str]:
        """The compiler with the build's own arguments, C++20, and `arguments`."""
        includes = [f"-I{directory}" for directory in self.includes]
        return [*self.compiler, "-std=c++20", *self.cpp_args, *includes, *arguments]

    def version(self) -> tuple[str, tuple[int, ...]]:
        """("gcc" or "clang", version): from the predefined macros, which cannot be dressed up by a distribution."""
        macros = subprocess.run(
            [*self.compiler, "-dM", "-E", "-x", "c++", "/dev/null"], capture_output=True, text=True, check=True
        ).stdout
        values = dict(line.split(" ", 2)[1:] for line in macros.splitlines() if line.count(" ") >= 2)
        prefix = "__clang" if "__clang__" in values else "__GNUC"
        names = ("_major__", "_minor__", "_patchlevel__") if prefix == "__clang" else ("__", "_MINOR__", "_PATCHLEVEL__")
        return prefix.strip("_").replace("GNUC", "gcc"), tuple(int(values[prefix + name]) for name in names)


def in_parallel(function, items) -> list:
    """[function(item) ...] on all cores, in order; each call waits for a compiler, so threads do."""
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        return list(executor.map(function, items))


def shorten(text: str, lines: int = 40) -> str:
    """The first lines of a compiler's message, indented."""
    kept = text.strip().splitlines()
    if len(kept) > lines:
        kept = kept[:lines] + [f"... {len(kept) - lines} more lines"]
    return "\n".join("    " + line for line in kept)
