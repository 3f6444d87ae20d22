"""Installs green and builds a three-line program on it, in each way that a user might.

usage: tests/install/run.py [--work-dir DIR]

Shared and static; through pkg-config, CMake and as a Meson subproject. CXX names the compiler. Also checks what was
installed: headers and nothing else, and an archive that holds every object.
"""

import argparse
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MAIN = HERE / "main.cpp"
TESTING = HERE / "testing.cpp"  # a user's test, with green-testing


LAYERS = ("runtime", "io", "tests/support")


class Failure(Exception):
    pass


def call(*command, cwd: pathlib.Path | None = None, **environment: str) -> str:
    result = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if result.returncode != 0:
        raise Failure(f"{shlex.join(map(str, command))}: exit code {result.returncode}\n{result.stdout}")
    return result.stdout


def compiler() -> list[str]:
    return shlex.split(os.environ.get("CXX", "c++"))


def library_options(kind: str) -> list[str]:
    return [f"-Ddefault_library={kind}", "-Dtests=disabled", "-Dexamples=disabled", "-Dbench=disabled"]


def run_linked(program: pathlib.Path, kind: str, library_dir: pathlib.Path) -> None:
    """Runs the user's program; it must hold green exactly if green is static."""
    needed = call("readelf", "-d", program)
    if ("libgreen" in needed) != (kind == "shared"):
        raise Failure(f"{program} is not linked with the {kind} library")
    call(program, LD_LIBRARY_PATH=str(library_dir))


def install(kind: str, work: pathlib.Path) -> pathlib.Path:
    """Builds and installs green; answers with the directory of the library."""
    # Without dpkg-dev Meson takes lib64 on Debian, and there CMake does not look.
    where = [f"--prefix={work / 'prefix'}", "-Dlibdir=lib"]
    call("meson", "setup", work / "build", ROOT, *where, *library_options(kind))
    call("meson", "install", "-C", work / "build", "--quiet")
    found = sorted((work / "prefix").rglob("green.pc"))
    if len(found) != 1:
        raise Failure(f"green.pc is installed {len(found)} times")
    return found[0].parent.parent


def check_files(work: pathlib.Path, library_dir: pathlib.Path, kind: str) -> None:
    headers = work / "prefix" / "include" / "green"
    installed = {path.relative_to(headers) for path in headers.rglob("*") if path.is_file()}
    written = {
        path.relative_to(ROOT / layer / "green") for layer in LAYERS for path in (ROOT / layer / "green").rglob("*.hpp")
    }
    written = {path for path in written if path.parts[:2] != ("testing", "detail")}  # these name libuv's types
    if installed != written:
        raise Failure(f"installed headers differ from those of the tree: {sorted(map(str, installed ^ written))}")
    if kind == "static":
        archive = library_dir / "libgreen.a"
        if archive.read_bytes()[:8] != b"!<arch>\n":
            raise Failure(f"{archive} is a thin archive")
        members = len(call("ar", "t", archive).split())
        sources = [path for layer in ("runtime", "io") for path in (ROOT / layer / "green").rglob("*.cpp")]
        # One that stands in for an optional library is compiled where that is missing, which here is not.
        sources = [path for path in sources if not path.stem.endswith("_missing")]
        if members != len(sources):
            raise Failure(f"{archive} has {members} objects of {len(sources)} sources")


def with_pkg_config(kind: str, work: pathlib.Path, library_dir: pathlib.Path) -> None:
    static = ["--static"] if kind == "static" else []
    flags = call("pkg-config", "--cflags", "--libs", *static, "green", PKG_CONFIG_PATH=str(library_dir / "pkgconfig"))
    program = work / "with_pkg_config"
    call(*compiler(), "-std=c++20", MAIN, *shlex.split(flags), "-o", program)
    run_linked(program, kind, library_dir)
    flags = call("pkg-config", "--cflags", "--libs", *static, "green-testing", PKG_CONFIG_PATH=str(library_dir / "pkgconfig"))
    call(*compiler(), "-std=c++20", TESTING, *shlex.split(flags), "-o", program)
    run_linked(program, kind, library_dir)


def with_cmake(kind: str, work: pathlib.Path, library_dir: pathlib.Path) -> None:
    build = work / "with_cmake"
    command = compiler()
    launcher = [f"-DCMAKE_CXX_COMPILER_LAUNCHER={command.pop(0)}"] if len(command) > 1 else []
    call(
        "cmake", "-G", "Ninja", "-S", HERE / "cmake", "-B", build, f"-DCMAKE_PREFIX_PATH={work / 'prefix'}",
        f"-DCMAKE_CXX_COMPILER={command[0]}", *launcher, CXX="",
    )  # fmt: skip
    call("cmake", "--build", build)
    for user in ("user", "user_test"):
        run_linked(build / user, kind, library_dir)


def as_subproject(kind: str, work: pathlib.Path, _: pathlib.Path) -> None:
    source, build = work / "user", work / "as_subproject"
    (source / "subprojects").mkdir(parents=True)
    shutil.copy(HERE / "meson" / "meson.build", source)
    shutil.copy(MAIN, source)
    shutil.copy(TESTING, source)
    (source / "subprojects" / "green").symlink_to(ROOT)
    call("meson", "setup", build, source, f"-Ddefault_library={kind}", "--force-fallback-for=green")
    call("meson", "compile", "-C", build)
    for user in ("user", "user_test"):
        run_linked(build / user, kind, build / "subprojects" / "green")


def main() -> int:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--work-dir", type=pathlib.Path, default=ROOT / "build" / "install")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.work_dir, ignore_errors=True)

    passed = failed = 0
    for kind in ("shared", "static"):
        work = arguments.work_dir.resolve() / kind
        work.mkdir(parents=True)
        library_dir = work

        def installed():
            nonlocal library_dir
            library_dir = install(kind, work)
            check_files(work, library_dir, kind)

        steps = {
            "installs": installed,
            "pkg-config": lambda: with_pkg_config(kind, work, library_dir),
            "CMake": lambda: with_cmake(kind, work, library_dir),
            "Meson subproject": lambda: as_subproject(kind, work, library_dir),
        }
        for name, step in steps.items():
            try:
                step()
            except Failure as failure:
                failed += 1
                print(f"FAILED {kind}, {name}: {failure}")
            else:
                passed += 1
                print(f"ok     {kind}, {name}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
