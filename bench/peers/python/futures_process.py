"""bench/process.cpp on concurrent.futures.ProcessPoolExecutor."""

import array
import collections
import concurrent.futures
import statistics
import sys
import time

from measure import Program


def nothing():
    return 1


def round_trip(out):
    with concurrent.futures.ProcessPoolExecutor(1) as pool:
        pool.submit(nothing).result()
        us = []
        for _ in range(20 * out.slices):
            start = time.perf_counter()
            pool.submit(nothing).result()
            us.append((time.perf_counter() - start) * 1e6)
    out.report("process_round_trip", statistics.median(us), "us")


def jobs(out):
    count = 2_000
    best = float("inf")
    with concurrent.futures.ProcessPoolExecutor(1) as pool:
        pool.submit(nothing).result()
        for _ in range(1 + out.slices // 10):
            waiting = collections.deque()
            start = time.perf_counter()
            for _ in range(count):
                waiting.append(pool.submit(nothing))
                if len(waiting) == 1000:
                    waiting.popleft().result()
            for future in waiting:
                future.result()
            best = min(best, (time.perf_counter() - start) / count * 1e9)
    out.report("process_jobs", best, "ns")


def itself(x):
    return x


def map_identity(out):
    count = 100_000
    best = float("inf")
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        pool.submit(nothing).result()
        for _ in range(1 + out.slices // 10):
            start = time.perf_counter()
            results = list(pool.map(itself, range(count), chunksize=1000))
            best = min(best, (time.perf_counter() - start) / count * 1e9)
            assert results[-1] == count - 1
    out.report("process_map", best, "ns")


def ends_of(values):
    return values[0] + values[-1]


def payload(figure, mib):
    def measure(out):
        values = array.array("d", [1.5]) * (mib * (1 << 20) // 8)
        count = 1 + 64 // mib
        us = []
        with concurrent.futures.ProcessPoolExecutor(1) as pool:
            pool.submit(nothing).result()
            for _ in range(1 + out.slices // 10):
                waiting = collections.deque()
                start = time.perf_counter()
                for _ in range(count):
                    waiting.append(pool.submit(ends_of, values))
                    if len(waiting) == 4:
                        waiting.popleft().result()
                for future in waiting:
                    future.result()
                us.append((time.perf_counter() - start) / count * 1e6)
        out.report(figure, statistics.median(us), "us")

    return measure


def start(out):
    ms = []
    for _ in range(1 + out.slices // 10):
        begin = time.perf_counter()
        with concurrent.futures.ProcessPoolExecutor(8) as pool:
            concurrent.futures.wait([pool.submit(nothing) for _ in range(8)])
            ms.append((time.perf_counter() - begin) * 1e3)
    out.report("process_start", statistics.median(ms), "ms")


FIGURES = {
    "process_round_trip": round_trip,
    "process_jobs": jobs,
    "process_map": map_identity,
    "process_payload_1mib": payload("process_payload_1mib", 1),
    "process_payload_64mib": payload("process_payload_64mib", 64),
    "process_start": start,
}

if __name__ == "__main__":
    out = Program("python", sys.argv[1:])
    for name, figure in FIGURES.items():
        if out.wants(name):
            figure(out)
