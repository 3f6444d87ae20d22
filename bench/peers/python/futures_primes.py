"""bench/primes.cpp on concurrent.futures.ProcessPoolExecutor: threads do not compute in parallel there."""

import concurrent.futures
import sys
import time

from measure import Program

WORKERS = 2
CANDIDATES = [
    112272535095293,
    112582705942171,
    112272535095293,
    115280095190773,
    115797848077099,
    1099726899285419,
]
PRIMES = 5


def is_prime(n):
    if n < 2:
        return False
    if n == 2:
        return True
    if n % 2 == 0:
        return False
    i = 3
    while i * i <= n:
        if n % i == 0:
            return False
        i += 2
    return True


def time_of(test):
    start = time.perf_counter_ns()
    if sum(test(is_prime, CANDIDATES)) != PRIMES:
        sys.exit("wrong")
    return (time.perf_counter_ns() - start) / 1e6


if __name__ == "__main__":
    out = Program("python", sys.argv[1:])
    rounds = 1 + out.slices // 30
    if out.wants("primes_sequential"):
        out.report("primes_sequential", min(time_of(map) for _ in range(rounds)), "ms")
    if out.wants("primes_processes"):
        with concurrent.futures.ProcessPoolExecutor(WORKERS) as pool:
            out.report("primes_processes", min(time_of(pool.map) for _ in range(rounds)), "ms")
