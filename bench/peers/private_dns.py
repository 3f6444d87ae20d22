"""Runs a program that reads /etc/resolv.conf and asks at port 53, where both are those of a benchmark.

usage: unshare -n -m python3 private_dns.py DNS_SERVER PROCESSOR PROGRAM [ARGUMENT]...

Inside a network and a mount namespace of its own: starts DNS_SERVER (bench/dns_server.cpp) at port 53 on
that processor, puts a resolv.conf in place that knows nobody else, and runs the program. Needs the right to
make namespaces: root has it.
"""

import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh", b"lo", 0)
        flags = struct.unpack("16sh", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | IFF_UP))


def put_in_place(path: str, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    subprocess.run(["mount", "--bind", file.name, path], check=True)
    os.unlink(file.name)


def main() -> int:
    server, processor, *program = sys.argv[1:]
    bring_loopback_up()
    put_in_place("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    put_in_place("/etc/nsswitch.conf", "hosts: dns\n")
    with subprocess.Popen([server, "53", processor], stdout=subprocess.PIPE) as running:
        running.stdout.readline()
        status = subprocess.run(program).returncode
        running.send_signal(signal.SIGTERM)
    return status


if __name__ == "__main__":
    sys.exit(main())
