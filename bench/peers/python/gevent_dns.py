"""bench/dns.cpp on gevent: its resolver on c-ares, a pool of 100 greenlets."""

import itertools
import os
import socket
import sys
import time

import gevent.pool
from gevent.resolver.ares import Resolver

from measure import Program

numbers = itertools.count()


def look_up(resolver, both):
    name = f"h{next(numbers) % 1_000_000:06d}.bench.test"
    family = socket.AF_UNSPEC if both else socket.AF_INET
    found = resolver.getaddrinfo(name, 0, family, socket.SOCK_DGRAM)
    if len(found) != (2 if both else 1):
        raise RuntimeError(f"{name}: {found}")


def run(resolver, names, both):
    pool = gevent.pool.Pool(100)
    start = time.perf_counter()
    for _ in range(names):
        pool.spawn(look_up, resolver, both)
    pool.join(raise_error=True)
    return time.perf_counter() - start


def main():
    out = Program("gevent", sys.argv[1:])
    host, port = os.environ["DNS_SERVER"].rsplit(":", 1)
    resolver = Resolver(servers=[host], udp_port=int(port), tcp_port=int(port))
    sizes = {"1k": 1_000, "10k": 10_000, "100k": 100_000}
    for kind, (size, names) in itertools.product(("a", "any"), sizes.items()):
        figure = f"dns_{kind}_{size}"
        if out.wants(figure):
            rounds = max(1, min(5, 30_000 // names))
            best = min(run(resolver, names, kind == "any") for _ in range(rounds))
            out.report(figure, best * 1e6 / names, "us")


if __name__ == "__main__":
    main()
