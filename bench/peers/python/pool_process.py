"""bench/process.cpp on multiprocessing.Pool."""

import collections
import multiprocessing
import statistics
import sys
import time

from measure import Program


def nothing():
    return 1


def itself(x):
    return x


def round_trip(out):
    with multiprocessing.Pool(1) as pool:
        pool.apply(nothing)
        us = []
        for _ in range(20 * out.slices):
            start = time.perf_counter()
            pool.apply(nothing)
            us.append((time.perf_counter() - start) * 1e6)
    out.report("process_round_trip", statistics.median(us), "us")


def jobs(out):
    count = 5_000
    best = float("inf")
    with multiprocessing.Pool(1) as pool:
        pool.apply(nothing)
        for _ in range(1 + out.slices // 10):
            waiting = collections.deque()
            start = time.perf_counter()
            for _ in range(count):
                waiting.append(pool.apply_async(nothing))
                if len(waiting) == 1000:
                    waiting.popleft().get()
            for result in waiting:
                result.get()
            best = min(best, (time.perf_counter() - start) / count * 1e9)
    out.report("process_jobs", best, "ns")


def map_identity(out):
    count = 200_000
    best = float("inf")
    with multiprocessing.Pool(2) as pool:
        pool.apply(nothing)
        for _ in range(1 + out.slices // 10):
            start = time.perf_counter()
            results = pool.map(itself, range(count))
            best = min(best, (time.perf_counter() - start) / count * 1e9)
            assert results[-1] == count - 1
    out.report("process_map", best, "ns")


def start(out):
    ms = []
    for _ in range(1 + out.slices // 10):
        begin = time.perf_counter()
        with multiprocessing.Pool(8) as pool:
            pool.map(itself, range(8), chunksize=1)
            ms.append((time.perf_counter() - begin) * 1e3)
    out.report("process_start", statistics.median(ms), "ms")


FIGURES = {
    "process_round_trip": round_trip,
    "process_jobs": jobs,
    "process_map": map_identity,
    "process_start": start,
}

if __name__ == "__main__":
    out = Program("mp.Pool", sys.argv[1:])
    for name, figure in FIGURES.items():
        if out.wants(name):
            figure(out)
