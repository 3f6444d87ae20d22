"""Streams through delay, loss and reordering: a network namespace with tc netem, where the kernel has it.

GREEN_TEST_NETEM is another command that makes the network bad, `true` one that does not.
"""

import os

from harness import Program, Skipped, Stage, check, port_of

NETEM = "tc qdisc add dev lo root netem delay 10ms 5ms loss 1% reorder 25% 50%"


def bad_network(stage: Stage) -> list[str]:
    """The words that a command in the namespace begins with."""
    setup = os.environ.get("GREEN_TEST_NETEM", NETEM)
    holder = stage.start("unshare", "-rn", "sh", "-c", f"ip link set lo up && {setup} && echo ready && exec cat")
    try:
        holder.line("ready")
    except Exception:
        raise Skipped("no network namespace with tc netem: " + holder.output()) from None
    return ["nsenter", f"--target={holder.process.pid}", "--user", "--net", "--preserve-credentials"]


def ask(stage: Stage, inside: list[str], port: int, text: str) -> Program:
    return stage.start(*inside, "socat", "-t30", "-", f"TCP:127.0.0.1:{port}", text=text)


def case_an_echo_server_behind_a_bad_network(stage: Stage) -> None:
    inside = bad_network(stage)
    server = stage.start(*inside, stage.peer_program, "echo_server")
    port = port_of(server)
    texts = [f"{i} " * 20_000 + "\n" for i in range(8)]
    clients = [ask(stage, inside, port, text) for text in texts]
    for client, text in zip(clients, texts):
        check(client.finish() + "\n", text)
    server.process.terminate()
    check(server.finish(), "served: 8, cancelled: 0")
