"""bench/process_queue.cpp on multiprocessing.JoinableQueue."""

import multiprocessing
import statistics
import sys
import time

from measure import Program

ITEMS = 5_000


def echo(there, back):
    while (item := there.get()) is not None:
        back.put(item)


def consume(queue):
    while queue.get() is not None:
        queue.task_done()
    queue.task_done()


def produce(go, queue):
    while (count := go.get()) is not None:
        for i in range(count):
            queue.put(i)


def start(function, *queues):
    process = multiprocessing.Process(target=function, args=queues)
    process.start()
    return process


def round_trip(out):
    there, back = multiprocessing.JoinableQueue(), multiprocessing.JoinableQueue()
    process = start(echo, there, back)
    us = []
    for i in range(20 * out.slices):
        begin = time.perf_counter()
        there.put(i)
        back.get()
        us.append((time.perf_counter() - begin) * 1e6)
    there.put(None)
    process.join()
    out.report("queue_round_trip", statistics.median(us), "us")


def to_a_process(out):
    queue = multiprocessing.JoinableQueue()
    process = start(consume, queue)
    best = float("inf")
    for _ in range(1 + out.slices // 10):
        begin = time.perf_counter()
        for i in range(ITEMS):
            queue.put(i)
        queue.join()
        best = min(best, (time.perf_counter() - begin) / ITEMS * 1e9)
    queue.put(None)
    process.join()
    out.report("queue_to_process", best, "ns")


def from_a_process(out):
    go, queue = multiprocessing.JoinableQueue(), multiprocessing.JoinableQueue()
    process = start(produce, go, queue)
    best = float("inf")
    for _ in range(1 + out.slices // 10):
        begin = time.perf_counter()
        go.put(ITEMS)
        for _ in range(ITEMS):
            queue.get()
            queue.task_done()
        best = min(best, (time.perf_counter() - begin) / ITEMS * 1e9)
    go.put(None)
    process.join()
    out.report("queue_from_process", best, "ns")


if __name__ == "__main__":
    out = Program("python", sys.argv[1:])
    if out.wants("queue_round_trip"):
        round_trip(out)
    if out.wants("queue_to_process"):
        to_a_process(out)
    if out.wants("queue_from_process"):
        from_a_process(out)
