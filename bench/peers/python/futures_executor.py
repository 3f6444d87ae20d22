"""bench/executor.cpp on concurrent.futures.ThreadPoolExecutor."""

import collections
import concurrent.futures
import sys
import time

from measure import Program

IN_FLIGHT = 1000


def nothing():
    pass


def work_10us():
    end = time.perf_counter_ns() + 10_000
    while time.perf_counter_ns() < end:
        pass


def best_of(out, threads, in_flight, jobs, job):
    best = float("inf")
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for _ in range(1 + out.slices // 10):
            waiting = collections.deque()
            start = time.perf_counter_ns()
            for _ in range(jobs):
                waiting.append(pool.submit(job))
                if len(waiting) == in_flight:
                    waiting.popleft().result()
            for future in waiting:
                future.result()
            best = min(best, (time.perf_counter_ns() - start) / jobs)
    return best


if __name__ == "__main__":
    out = Program("python", sys.argv[1:])
    for threads in (1, 2, 8, 64):
        if out.wants(f"empty_jobs_{threads}"):
            out.report(f"empty_jobs_{threads}", best_of(out, threads, IN_FLIGHT, 10_000, nothing), "ns")
    if out.wants("jobs_10us"):
        out.report("jobs_10us", best_of(out, 2, IN_FLIGHT, 3_000, work_10us), "ns")
    if out.wants("job_round_trip"):
        out.report("job_round_trip", best_of(out, 1, 1, 1_000, nothing) / 1000, "µs")
