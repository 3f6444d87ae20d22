"""What the programs in Python share: clocks, memory, and the line that they print for each figure.

The peers find it by PYTHONPATH, which run.py sets.
"""

import json
import os
import random
import time

BATCH = 100


def resident_bytes() -> int:
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


class BestSlice:
    """The cost of one operation: the fastest slice counts, because noise only ever adds."""

    def __init__(self, clock=time.process_time_ns):
        self.ns = float("inf")
        self._clock = clock

    def begin(self):
        self._start = self._clock()

    def end(self, operations):
        self.ns = min(self.ns, (self._clock() - self._start) / operations)


class Program:
    """Figures named as arguments are run, all without any; `slices=3` makes it short."""

    def __init__(self, name, arguments, slices=60):
        self.name = name
        self.slices = slices
        self.figures = []
        for argument in arguments:
            if argument.startswith("slices="):
                self.slices = int(argument.removeprefix("slices="))
            else:
                self.figures.append(argument)

    def wants(self, figure):
        return not self.figures or figure in self.figures

    def report(self, figure, value, unit, note=None):
        line = {"program": self.name, "figure": figure, "value": value, "unit": unit}
        if note:
            line["note"] = note
        print(json.dumps(line), flush=True)


class SleepRecord:
    """What sleeps cost that end at random times of one second, and how late they end.

    The cost is scaled to a million.
    """

    LEAD = 2.5  # seconds until all are asleep

    def __init__(self, n):
        chance = random.Random(1)
        self.due = [self.LEAD + chance.random() for _ in range(n)]
        self.late = [0.0] * n
        self.start_cpu = time.process_time()
        self.start = time.monotonic()

    def remaining(self, i):
        return self.due[i] - (time.monotonic() - self.start)

    def woke(self, i):
        self.late[i] = time.monotonic() - self.start - self.due[i]

    def report(self, out):
        n = len(self.due)
        cpu = time.process_time() - self.start_cpu
        out.report("sleep_1m_cpu", cpu * 1e6 / n, "s", f"{n} sleeps, scaled to 1 000 000")
        out.report("sleep_1m_p99_late", sorted(self.late)[n * 99 // 100] * 1e3, "ms", f"{n} sleeps")
