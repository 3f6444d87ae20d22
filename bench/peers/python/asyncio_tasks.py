"""bench/tasks.cpp on asyncio: its own loop, or uvloop's with `loop=uvloop`."""

import asyncio
import os
import sys
import time

from measure import BATCH, BestSlice, Program, SleepRecord, resident_bytes

LIVE = 200_000
LIVE_NOTE = f"{LIVE} tasks"
SLEEPS = 50_000


async def nothing():
    pass


async def spawn_join_hot(out):
    best = BestSlice()
    for _ in range(out.slices):
        best.begin()
        for _ in range(10):
            for task in [asyncio.create_task(nothing()) for _ in range(BATCH)]:
                await task
        best.end(10 * BATCH)
    out.report("spawn_join_hot", best.ns, "ns")


async def spawn_1m(out):
    start = time.process_time_ns()
    for task in [asyncio.create_task(nothing()) for _ in range(LIVE)]:
        await task
    out.report("spawn_1m", (time.process_time_ns() - start) / LIVE, "ns", LIVE_NOTE)


async def wait_for(gate):
    await gate


async def live_bytes(out):
    gate = asyncio.get_running_loop().create_future()
    before = resident_bytes()
    tasks = [asyncio.create_task(wait_for(gate)) for _ in range(LIVE)]
    await asyncio.sleep(0)
    out.report("live_bytes", (resident_bytes() - before) / len(tasks), "B", LIVE_NOTE)
    os._exit(0)  # the rest is not measured


async def successor(n):
    return n + 1


async def await_child(out):
    best = BestSlice()
    n = 0
    for _ in range(out.slices):
        best.begin()
        for _ in range(20_000):
            n = await successor(n)
        best.end(20_000)
    assert n == out.slices * 20_000
    out.report("await_child", best.ns, "ns")


async def yield_often(times):
    for _ in range(times):
        await asyncio.sleep(0)


async def yield_among(out, figure, count):
    best = BestSlice()
    times = 5_000 // count
    for _ in range(out.slices):
        tasks = [asyncio.create_task(yield_often(times)) for _ in range(count)]
        best.begin()
        for task in tasks:
            await task
        best.end(times * count)
    out.report(figure, best.ns, "ns")


async def three():
    await asyncio.sleep(3600)


async def two():
    await three()


async def one():
    await two()


async def cancel_join(out):
    best = BestSlice()
    for _ in range(out.slices):
        tasks = [asyncio.create_task(one()) for _ in range(BATCH)]
        await asyncio.sleep(0)
        best.begin()
        for task in tasks:
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
        best.end(BATCH)
    out.report("cancel_join", best.ns, "ns")


async def sleep_once(record, i):
    await asyncio.sleep(record.remaining(i))
    record.woke(i)


async def sleep_1m(out):
    record = SleepRecord(SLEEPS)
    for task in [asyncio.create_task(sleep_once(record, i)) for i in range(SLEEPS)]:
        await task
    record.report(out)


async def run(out):
    if out.wants("spawn_1m"):
        await spawn_1m(out)
    if out.wants("spawn_join_hot"):
        await spawn_join_hot(out)
    if out.wants("await_child"):
        await await_child(out)
    if out.wants("yield_2"):
        await yield_among(out, "yield_2", 2)
    if out.wants("yield_1000"):
        await yield_among(out, "yield_1000", 1000)
    if out.wants("cancel_join"):
        await cancel_join(out)
    if out.wants("sleep_1m"):
        await sleep_1m(out)
    if out.wants("live_bytes"):
        await live_bytes(out)


def main():
    arguments = sys.argv[1:]
    if "loop=uvloop" in arguments:
        import uvloop

        arguments.remove("loop=uvloop")
        uvloop.install()
        out = Program("uvloop", arguments)
    else:
        out = Program("asyncio", arguments)
    asyncio.run(run(out))


if __name__ == "__main__":
    main()
