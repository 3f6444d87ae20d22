"""20 000 idle and 1000 busy connections for a minute: nothing may be lost, and no server's memory may grow.

usage: tests/net_peers/load.py PEER [--idle N] [--busy N] [--seconds N] [--servers N] [--clients N]

A process may have some 20 000 descriptors where nobody has raised the limit, so the servers are several processes on one
port (SO_REUSEPORT), and so are the clients. PEER is build/.../tests/net_peer. Not among the tests: it takes all of the
machine.
"""

import argparse
import pathlib
import re
import resource
import sys
import tempfile
import time

import harness


def resident(process_id: int) -> int:
    """KiB."""
    status = pathlib.Path(f"/proc/{process_id}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))


def numbers(line: str) -> dict[str, int]:
    """Of `served: 3, cancelled: 0`."""
    return {name: int(value) for name, value in re.findall(r"(\w+): (\d+)", line)}


def share(total: int, parts: int, index: int) -> int:
    return total // parts + (1 if index < total % parts else 0)


def start_servers(stage: harness.Stage, count: int) -> tuple[list[harness.Program], int]:
    first = stage.peer("load_server")
    port = harness.port_of(first)
    others = [stage.peer("load_server", port=port) for _ in range(count - 1)]
    for other in others:
        harness.port_of(other)
    return [first, *others], port


def start_clients(stage: harness.Stage, wanted: argparse.Namespace, port: int) -> list[harness.Program]:
    clients = [
        stage.peer(
            "load_client",
            host=f"127.0.0.{i + 1}",  # each with ports of its own
            port=port,
            idle=share(wanted.idle, wanted.clients, i),
            busy=share(wanted.busy, wanted.clients, i),
            seconds=wanted.seconds,
        )
        for i in range(wanted.clients)
    ]
    for client in clients:
        client.line("connected")
    return clients


def sample(servers: list[harness.Program], seconds: int) -> list[list[int]]:
    """KiB of each server, once a second."""
    samples = []
    start = time.monotonic()
    for second in range(1, seconds + 1):
        time.sleep(max(0.0, start + second - time.monotonic()))
        samples.append([resident(server.process.pid) for server in servers])
        print(f"{second:4} s  " + "  ".join(f"{kib} KiB" for kib in samples[-1]), flush=True)
    return samples


def require_flat(samples: list[list[int]]) -> None:
    """From a fifth of the time on nothing is added, but for what a page or two may be."""
    begin = samples[len(samples) // 5]
    for server, before in enumerate(begin):
        most = max(row[server] for row in samples[len(samples) // 5 :])
        if most > before + before // 50 + 256:
            raise harness.Failed(f"server {server + 1} has grown from {before} to {most} KiB")


def carry(stage: harness.Stage, wanted: argparse.Namespace) -> None:
    servers, port = start_servers(stage, wanted.servers)
    start = time.monotonic()
    clients = start_clients(stage, wanted, port)
    print(f"{wanted.idle + wanted.busy} connections after {time.monotonic() - start:.1f} s", flush=True)
    for client in clients:
        client.type("go\n")
    samples = sample(servers, wanted.seconds)
    asked = [numbers(client.line("answers: ")) for client in clients]
    for server in servers:
        server.process.terminate()
    served = [numbers(server.line("served: ")) for server in servers]
    answers = sum(client["answers"] for client in asked)
    print(f"{answers} answers, {answers // wanted.seconds} a second; connections per server:",
          *(server["served"] for server in served))
    if sum(server["served"] for server in served) != wanted.idle + wanted.busy:
        raise harness.Failed("connections were lost")
    if sum(server["echoed"] for server in served) != sum(client["bytes"] for client in asked):
        raise harness.Failed("bytes were lost")
    require_flat(samples)
    print("no connection and no byte was lost; memory stayed where it was")


def main() -> int:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("peer")
    for name, value in {"idle": 20_000, "busy": 1000, "seconds": 60, "servers": 2, "clients": 2}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    wanted = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="green-load-") as work:
        try:
            with harness.Stage(str(pathlib.Path(wanted.peer).resolve()), pathlib.Path(work)) as stage:
                carry(stage, wanted)
        except harness.Failed as reason:
            print(f"FAILED: {reason}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
