"""The programs of a suite: green's, the limit's, and those of the peers that are installed."""

import itertools
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field

from figures import Figure

HERE = pathlib.Path(__file__).resolve().parent
# Suites whose programs are servers, measured by the script of the same name while a load talks to them.
SERVERS = ("net", "net_http", "net_tls")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@dataclass
class Program:
    name: str
    command: list[str]
    version: str = ""
    silent: set[str] = field(default_factory=set)  # figures that it does not have
    environment: dict[str, str] = field(default_factory=dict)
    processors: set[int] = field(default_factory=lambda: os.sched_getaffinity(0))


def first_line(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout else ""


def newer(target: pathlib.Path, *sources: pathlib.Path) -> bool:
    return target.exists() and all(target.stat().st_mtime > s.stat().st_mtime for s in sources)


class Peers:
    """The same figures in other runtimes, as far as they are installed."""

    def __init__(self, build_dir: pathlib.Path, suite: str):
        self.build_dir = build_dir / "bench" / "peers"
        self.build_dir.mkdir(parents=True, exist_ok=True)
        self.suite = suite
        self.compiler = compiler_of(build_dir)
        self.found: list[Program] = []
        self.missing: list[str] = []
        self.failed: list[str] = []
        for add in (
            self.asio,
            self.tbb,
            self.go,
            self.node,
            self.gevent,
            self.asyncio,
            self.uvloop,
            self.concurrent_futures,
            self.multiprocessing,
            self.multiprocessing_pool,
            self.go_at_once,
            self.node_at_once,
            self.c_library,
            self.libuv,
            self.adns,
            self.epoll,
            self.nginx,
        ):
            add()

    def source(self, path: str) -> pathlib.Path:
        return HERE / "peers" / path

    def compile(self, name: str, command: list[str], env: dict[str, str] | None = None) -> bool:
        say(f"compiling bench/peers for {name}")
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, **(env or {})}
        )
        if done.returncode != 0:
            say(done.stderr)
            self.failed.append(f"{name}: does not compile")
        return done.returncode == 0

    def asio(self) -> None:
        source = self.source(f"asio/{self.suite}.cpp")
        if not source.exists():
            return
        # Asio 1.22 does not see that newer versions of clang have coroutines.
        has = ["-DASIO_STANDALONE", "-DASIO_HAS_CO_AWAIT=1", "-DASIO_HAS_STD_COROUTINE=1"]
        probe = subprocess.run(
            [*self.compiler, "-E", "-P", "-x", "c++", "-"],
            input="#include <asio/version.hpp>\nasio_version ASIO_VERSION\n",
            capture_output=True,
            text=True,
        )
        if probe.returncode != 0:
            self.missing.append("asio (libasio-dev)")
            return
        version = int(probe.stdout.split("asio_version")[1])
        target = self.build_dir / f"asio_{self.suite}"
        options = ["-std=c++20", "-O2", "-DNDEBUG", "-pthread", *has]
        link = ["-lssl", "-lcrypto"] if self.suite == "net_tls" else []
        if newer(target, source, *HERE.glob("*.hpp")) or self.compile(
            "asio", [*self.compiler, *options, str(source), "-o", str(target), *link]
        ):
            text = f"{version // 100000}.{version // 100 % 1000}.{version % 100}"
            command = [str(target)] if self.suite != "dns" else self.at_port_53("asio", target)
            if command:
                self.found.append(Program("asio", command, text))

    def tbb(self) -> None:
        source = self.source(f"tbb/{self.suite}.cpp")
        if not source.exists():
            return
        version = first_line(["pkg-config", "--modversion", "tbb"])
        if not version:
            self.missing.append("oneTBB (libtbb-dev)")
            return
        target = self.build_dir / f"tbb_{self.suite}"
        options = ["-std=c++20", "-O2", "-DNDEBUG", "-pthread", str(source), "-o", str(target), "-ltbb"]
        if newer(target, source, HERE / "measure.hpp") or self.compile("tbb", [*self.compiler, *options]):
            self.found.append(Program("tbb", [str(target)], version))

    def go(self) -> None:
        source = self.source(f"go/{self.suite}.go")
        if not source.exists():
            return
        if not shutil.which("go"):
            self.missing.append("go (golang-go)")
            return
        target = self.build_dir / f"go_{self.suite}"
        env = {"GOTOOLCHAIN": "local", "GOFLAGS": ""}
        if newer(target, source) or self.compile(
            "go", ["go", "build", "-o", str(target), str(source)], env
        ):
            self.found.append(Program("go", [str(target)], first_line(["go", "env", "GOVERSION"])))

    def node(self) -> None:
        source = self.source(f"node/{self.suite}.mjs")
        if not source.exists():
            return
        node = shutil.which("node")
        if node:
            version = first_line([node, "--version"]).removeprefix("v")
            self.found.append(Program("node", [node, str(source)], version))
        else:
            self.missing.append("node (nodejs)")

    def at_once(self, name: str) -> None:
        """The same program again, which starts all its lookups at once, as green does."""
        for program in [p for p in self.found if self.suite == "dns" and p.name == name]:
            self.found.append(Program(f"{name} at once", [*program.command, "all"], program.version))

    def go_at_once(self) -> None:
        self.at_once("go")

    def node_at_once(self) -> None:
        self.at_once("node")

    def c_library(self) -> None:
        self.c("glibc", [], "libc6-dev", "ldd", "--version")

    def libuv(self) -> None:
        self.c("libuv", ["-luv"], "libuv1-dev", "pkg-config", "--modversion", "libuv")

    def epoll(self) -> None:
        self.c("epoll", [], "libc6-dev", "ldd", "--version")

    def adns(self) -> None:
        self.c("adns", ["-ladns"], "libadns1-dev", "adnshost", "--version")

    def c(self, name: str, link: list[str], package: str, *ask_version: str) -> None:
        source = self.source(f"c/{name}_{self.suite}.cpp")
        if not source.exists():
            return
        header = subprocess.run(
            [*self.compiler, "-std=c++20", "-M", str(source)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if header.returncode != 0:
            self.missing.append(f"{name} ({package})")
            return
        target = self.build_dir / f"{name}_{self.suite}"
        command = self.at_port_53(name, target) if self.suite == "dns" else [str(target)]
        options = ["-std=c++20", "-O2", "-DNDEBUG", "-pthread", str(source), "-o", str(target), *link]
        if command and (newer(target, source, HERE / "measure.hpp") or self.compile(name, [*self.compiler, *options])):
            version = first_line(list(ask_version)) if shutil.which(ask_version[0]) else ""
            self.found.append(Program(name, command, version.split()[-1] if version else ""))

    def nginx(self) -> None:
        source = self.source(f"nginx/{self.suite}.py")
        if not source.exists():
            return
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
        if program:
            version = subprocess.run([program, "-v"], capture_output=True, text=True).stderr.strip()
            self.found.append(
                Program("nginx", [sys.executable, "-B", str(source), program], version.rpartition("/")[2])
            )
        else:
            self.missing.append("nginx (nginx-light)")

    def at_port_53(self, name: str, program: pathlib.Path) -> list[str]:
        """The command of a program that reads resolv.conf; empty where it cannot be given one."""
        namespaces = ["unshare", "--net", "--mount"]
        try:
            allowed = subprocess.run([*namespaces, "true"], capture_output=True).returncode == 0
        except FileNotFoundError:
            allowed = False
        if not allowed:
            self.missing.append(f"{name} (unshare, which needs root)")
            return []
        server = str(self.build_dir.parent / "dns_server")
        processor = str(max(os.sched_getaffinity(0)))
        script = str(HERE / "peers" / "private_dns.py")
        return [*namespaces, sys.executable, "-B", script, server, processor, str(program)]

    def gevent(self) -> None:
        self.python("gevent", f"python/gevent_{self.suite}.py", "gevent")

    def asyncio(self) -> None:
        self.python("asyncio", f"python/asyncio_{self.suite}.py", "asyncio")

    def uvloop(self) -> None:
        self.python("uvloop", f"python/asyncio_{self.suite}.py", "uvloop", "loop=uvloop")

    def concurrent_futures(self) -> None:
        self.python("python", f"python/futures_{self.suite}.py", "concurrent.futures")

    def multiprocessing(self) -> None:
        self.python("python", f"python/multiprocessing_{self.suite}.py", "multiprocessing")

    def multiprocessing_pool(self) -> None:
        self.python("mp.Pool", f"python/pool_{self.suite}.py", "multiprocessing")

    def python(self, name: str, script: str, module: str, *arguments: str) -> None:
        source = self.source(script)
        if not source.exists():
            return
        # The system's packages belong to the system's interpreter.
        for interpreter in dict.fromkeys(["/usr/bin/python3", sys.executable]):
            if not os.access(interpreter, os.X_OK):
                continue
            version = f"import {module}, platform as p; print(getattr({module}, '__version__', ''))"
            probe = subprocess.run([interpreter, "-c", version], capture_output=True, text=True)
            if probe.returncode == 0:
                python = first_line([interpreter, "-c", "import platform as p; print(p.python_version())"])
                text = f"{probe.stdout.strip()} on CPython {python}".strip()
                command = [interpreter, "-B", str(source), *arguments]
                environment = {"PYTHONPATH": str(HERE)}  # measure.py
                self.found.append(Program(name, command, text.removeprefix("on "), environment=environment))
                return
        self.missing.append(f"{name} (python3-{name})")


def lacking(build_dir: pathlib.Path, suite: str) -> list[str]:
    """What a suite needs and is not here."""
    built = os.access(build_dir / "bench" / suite, os.X_OK)
    needs = {
        "net_http": {"Boost (libboost-dev)": built, "wrk": shutil.which("wrk")},
        "net_tls": {"OpenSSL (libssl-dev)": built, "openssl": shutil.which("openssl")},
    }
    return [what for what, there in needs.get(suite, {}).items() if not there]


def own_programs(build_dir: pathlib.Path, suite: str) -> list[Program]:
    """The limit, if there is one, and green."""
    own = [Program("green", [str(build_dir / "bench" / suite)])]
    if (HERE / "limit" / f"{suite}.cpp").exists():
        own.insert(0, Program("limit", [str(build_dir / "bench" / f"limit_{suite}")]))
    return own


def measure_server(build_dir: pathlib.Path, suite: str, program: Program) -> None:
    """Of a server: what is run is what measures it."""
    if suite in SERVERS:
        script = str(HERE / f"{suite}.py")
        loads = str(build_dir / "bench")
        program.command = [sys.executable, "-B", script, program.name, loads, *program.command, "--"]


def compiler_of(build_dir: pathlib.Path) -> list[str]:
    """The command that Meson compiles with: what comes before the options."""
    commands = json.loads((build_dir / "compile_commands.json").read_text())
    words = shlex.split(next(c["command"] for c in commands if c["file"].endswith(".cpp")))
    return list(itertools.takewhile(lambda word: not word.startswith("-"), words))


class Found:
    """The programs of the suites of these figures, and what is not there."""

    def __init__(self, build_dir: pathlib.Path, figures: list[Figure]):
        self.programs: dict[str, list[Program]] = {}  # by suite
        self.versions: dict[str, str] = {}  # of the peers
        self.missing: list[str] = []
        self.not_built: list[str] = []
        self.failed: list[str] = []
        for suite in dict.fromkeys(f.suite for f in figures):
            if absent := lacking(build_dir, suite):
                say(f"left out: {suite}, which needs {' and '.join(absent)}")
                self.missing += absent
            else:
                self.add(build_dir, suite)

    def add(self, build_dir: pathlib.Path, suite: str) -> None:
        own = own_programs(build_dir, suite)
        self.not_built += [p.command[0] for p in own if not os.access(p.command[0], os.X_OK)]
        peers = Peers(build_dir, suite)
        self.programs[suite] = own + peers.found
        for program in self.programs[suite]:
            measure_server(build_dir, suite, program)
        self.versions |= {p.name: p.version for p in peers.found}
        self.missing += [name for name in peers.missing if name not in self.missing]
        self.failed += peers.failed
