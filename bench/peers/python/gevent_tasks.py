"""bench/tasks.cpp on gevent. An awaited child is a function call there and not measured."""

import os
import sys
import time

import gevent
import gevent.event

from measure import BATCH, BestSlice, Program, SleepRecord, resident_bytes

LIVE = 50_000
LIVE_NOTE = f"{LIVE} greenlets"


def nothing():
    pass


def spawn_join_hot(out):
    best = BestSlice()
    for _ in range(out.slices):
        best.begin()
        gevent.joinall([gevent.spawn(nothing) for _ in range(BATCH)])
        best.end(BATCH)
    out.report("spawn_join_hot", best.ns, "ns")


def spawn_1m(out):
    start = time.process_time_ns()
    gevent.joinall([gevent.spawn(nothing) for _ in range(LIVE)])
    out.report("spawn_1m", (time.process_time_ns() - start) / LIVE, "ns", LIVE_NOTE)


def live_bytes(out):
    gate = gevent.event.Event()
    before = resident_bytes()
    tasks = [gevent.spawn(gate.wait) for _ in range(LIVE)]
    gevent.sleep(0)
    out.report("live_bytes", (resident_bytes() - before) / len(tasks), "B", LIVE_NOTE)
    os._exit(0)  # the rest is not measured


def yield_often(times):
    for _ in range(times):
        gevent.sleep(0)


def yield_among(out, figure, count):
    best = BestSlice()
    times = 5_000 // count
    for _ in range(out.slices):
        tasks = [gevent.spawn(yield_often, times) for _ in range(count)]
        best.begin()
        gevent.joinall(tasks)
        best.end(times * count)
    out.report(figure, best.ns, "ns")


def three():
    gevent.sleep(3600)


def two():
    three()


def one():
    two()


def cancel_join(out):
    best = BestSlice()
    for _ in range(out.slices):
        tasks = [gevent.spawn(one) for _ in range(BATCH)]
        gevent.sleep(0)
        best.begin()
        for task in tasks:
            task.kill()
        best.end(BATCH)
    out.report("cancel_join", best.ns, "ns")


def sleep_once(record, i):
    gevent.sleep(record.remaining(i))
    record.woke(i)


def sleep_1m(out):
    record = SleepRecord(LIVE)
    gevent.joinall([gevent.spawn(sleep_once, record, i) for i in range(LIVE)])
    record.report(out)


def main():
    out = Program("gevent", sys.argv[1:])
    if out.wants("spawn_1m"):
        spawn_1m(out)
    if out.wants("spawn_join_hot"):
        spawn_join_hot(out)
    if out.wants("yield_2"):
        yield_among(out, "yield_2", 2)
    if out.wants("yield_1000"):
        yield_among(out, "yield_1000", 1000)
    if out.wants("cancel_join"):
        cancel_join(out)
    if out.wants("sleep_1m"):
        sleep_1m(out)
    if out.wants("live_bytes"):
        live_bytes(out)


if __name__ == "__main__":
    main()
