"""Starts name servers of other people on loopback ports and lets green's resolver ask them.

usage: tests/dns_servers/run.py CLIENT [SERVER]...

SERVER is knot, nsd, unbound or dnsmasq, and has to be installed; what is not is skipped. Knot and NSD answer for a
generated zone of 100 000 names; Unbound and dnsmasq ask one of those two.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

ZONE_NAMES = 100_000
READY_SECONDS = 60
SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)


def find_program(name: str) -> str | None:
    """Daemons live in sbin, which need not be on the PATH of a person."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin")


def write_zones(directory: pathlib.Path) -> None:
    ip = lambda i: f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}"  # noqa: E731
    soa = "@ 60 IN SOA ns.green.test. hostmaster.green.test. 42 3600 600 86400 30\n@ 60 IN NS ns.green.test.\n"
    lines = [
        "ns A 127.0.0.1",
        "@ MX 20 mail2.green.test.",
        "@ MX 10 mail1.green.test.",
        '@ CAA 0 issue "ca.test"',
        'text TXT "hello, " "world"',
        'text NAPTR 10 20 "s" "SIP+D2U" "" _sip._udp.green.test.',
        "_ldap._tcp SRV 1 2 389 n1.green.test.",
        f"_443._tcp TLSA 3 1 1 {'ab' * 32}",
        # HTTPS in the form for unknown types: 1 . alpn=h2
        "web TYPE65 \\# 10 0001 00 0001 0003 026832",
        "chain1 CNAME chain2",
        "chain2 CNAME n7",
    ]
    lines += [f"big A 10.255.{i // 256}.{i % 256}" for i in range(200)]
    lines += [f"n{i} A {ip(i)}" for i in range(ZONE_NAMES)]
    lines += [f"n{i} AAAA 2001:db8::{i:x}" for i in range(1000)]
    (directory / "green.test.zone").write_text("$ORIGIN green.test.\n$TTL 60\n" + soa + "\n".join(lines) + "\n")
    reverse = "$ORIGIN 0.0.10.in-addr.arpa.\n$TTL 60\n" + soa + "7 PTR n7.green.test.\n"
    (directory / "reverse.zone").write_text(reverse)


def free_port() -> int:
    """A port that is free for UDP and TCP now, and hopefully until the server has bound it."""
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError):
                tcp.bind(udp.getsockname())
                return udp.getsockname()[1]
    raise RuntimeError("no free port")


def answers(port: int, name: str) -> bool:
    """Whether the server has an address for the name."""
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    query = struct.pack("!6H", 0x1234, 0x0100, 1, 0, 0, 0) + question + struct.pack("!2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(0.2)
        udp.connect(("127.0.0.1", port))
        try:
            udp.send(query)
            reply = udp.recv(4096)
        except OSError:
            return False
    return reply[:2] == query[:2] and reply[3] & 15 == 0 and reply[6:8] != b"\0\0"


class Server:
    """A daemon in the foreground, in a directory of its own; ended with the `with`."""

    def __init__(self, command: list[str], port: int, directory: pathlib.Path):
        self.port, self.log = port, directory / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory)

    def __enter__(self) -> "Server":
        deadline = time.monotonic() + READY_SECONDS
        while not answers(self.port, "n7.green.test"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError(f"{self.process.args[0]} does not answer:\n{self.log.read_text()}")
            time.sleep(0.05)
        return self

    def __exit__(self, *_) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_knot(program: str, directory: pathlib.Path, zones: pathlib.Path, _) -> Server:
    port = free_port()
    config = directory / "knot.conf"
    config.write_text(f"""
server:
    listen: 127.0.0.1@{port}
    rundir: {directory}
database:
    storage: {directory}
log:
  - target: stderr
    any: warning
template:
  - id: default
    storage: {zones}
    journal-content: none
    zonefile-load: whole
    zonefile-sync: -1
zone:
  - domain: green.test
    file: green.test.zone
  - domain: 0.0.10.in-addr.arpa
    file: reverse.zone
""")
    return Server([program, "-c", str(config)], port, directory)


def start_nsd(program: str, directory: pathlib.Path, zones: pathlib.Path, _) -> Server:
    port = free_port()
    config = directory / "nsd.conf"
    config.write_text(f"""
server:
    ip-address: 127.0.0.1
    port: {port}
    username: ""
    chroot: ""
    zonesdir: {zones}
    database: ""
    pidfile: {directory}/pid
    xfrdfile: {directory}/xfrd
    zonelistfile: {directory}/zones
    xfrdir: {directory}
    rrl-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: green.test
    zonefile: green.test.zone
zone:
    name: 0.0.10.in-addr.arpa
    zonefile: reverse.zone
""")
    return Server([program, "-d", "-c", str(config)], port, directory)


def start_unbound(program: str, directory: pathlib.Path, _, upstream: int) -> Server:
    port = free_port()
    config = directory / "unbound.conf"
    config.write_text(f"""
server:
    interface: 127.0.0.1
    port: {port}
    username: ""
    chroot: ""
    directory: {directory}
    pidfile: {directory}/pid
    use-syslog: no
    logfile: ""
    do-ip6: no
    num-threads: 1
    do-not-query-localhost: no
    module-config: iterator
    local-zone: test. nodefault
    local-zone: 10.in-addr.arpa. nodefault
forward-zone:
    name: green.test
    forward-addr: 127.0.0.1@{upstream}
forward-zone:
    name: 0.0.10.in-addr.arpa
    forward-addr: 127.0.0.1@{upstream}
remote-control:
    control-enable: no
""")
    return Server([program, "-d", "-c", str(config)], port, directory)


def start_dnsmasq(program: str, directory: pathlib.Path, _, upstream: int) -> Server:
    port = free_port()
    command = [program, "--keep-in-foreground", "--conf-file=/dev/null", f"--port={port}", "--no-resolv", "--no-hosts"]
    command += ["--listen-address=127.0.0.1", "--bind-interfaces", "--user=", "--group=", "--pid-file="]
    command += [f"--server=127.0.0.1#{upstream}", "--log-facility=-"]
    return Server(command, port, directory)


# Daemon, its program, how it starts, how many names are asked for at once, is it the one that knows the zone.
SERVERS = [
    ("knot", "knotd", start_knot, ZONE_NAMES, True),
    ("nsd", "nsd", start_nsd, ZONE_NAMES // 5, True),
    ("unbound", "unbound", start_unbound, 5000, False),
    ("dnsmasq", "dnsmasq", start_dnsmasq, 2000, False),
]


class Run:
    def __init__(self, client: str):
        self.client = client
        self.passed = self.failed = self.skipped = 0

    def ask(self, name: str, server: Server, names: int) -> None:
        print(f"{name}:", flush=True)
        command = [self.client, f"127.0.0.1:{server.port}", str(names)]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        summary = SUMMARY.search(result.stdout)
        print(SUMMARY.sub("", result.stdout).rstrip().replace("FAILED ", f"FAILED {name}, "))
        if summary:
            self.passed += int(summary[1])
            self.failed += int(summary[2])
        if not summary or (result.returncode != 0 and summary[2] == "0"):
            self.fail(name, f"the client ended with {result.returncode}")

    def fail(self, name: str, why: str) -> None:
        self.failed += 1
        print(f"FAILED {name}: {why}")

    def skip(self, name: str, why: str) -> None:
        self.skipped += 1
        print(f"skipped {name}: {why}")

    def run(self, wanted: list[str], work: pathlib.Path) -> None:
        write_zones(work)
        with contextlib.ExitStack() as running:
            upstream = None
            for name, program, start, names, knows_zone in SERVERS:
                if wanted and name not in wanted and not (knows_zone and upstream is None):
                    continue
                found = find_program(program)
                if not found:
                    self.skip(name, f"{program} is not installed")
                    continue
                if not knows_zone and upstream is None:
                    self.skip(name, "neither knot nor nsd is there to be asked")
                    continue
                directory = work / name
                directory.mkdir()
                try:
                    server = start(found, directory, work, upstream)
                    running.enter_context(server)
                except RuntimeError as error:
                    self.fail(name, str(error))
                    continue
                if knows_zone and upstream is None:
                    upstream = server.port
                if not wanted or name in wanted:
                    self.ask(name, server, names)


def main() -> int:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("client")
    parser.add_argument("servers", nargs="*")
    arguments = parser.parse_args()
    run = Run(str(pathlib.Path(arguments.client).resolve()))
    with tempfile.TemporaryDirectory(prefix="green-dns-") as work:
        pathlib.Path(work).chmod(0o755)  # daemons may give up their rights
        run.run(arguments.servers, pathlib.Path(work))
    print(f"{run.passed} passed, {run.failed} failed" + (f", {run.skipped} skipped" if run.skipped else ""))
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main())
