"""The figures: what is measured, and the bar that green sets itself for it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Bar:
    """What the median must not exceed: a multiple of the limit's, or a value in the figure's unit.

    `faster_than` adds peers: how many times faster than each green must be.
    """

    times_limit: float | None = None
    value: float | None = None
    faster_than: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Figure:
    name: str
    title: str
    unit: str
    bar: Bar | None = None
    argument: str = ""  # what the programs call it, where one run reports several figures
    limit: str = ""  # the limit's figure, where green has more than one way to do the same
    suite: str = "tasks"  # bench/<suite>.cpp

    @property
    def run_as(self) -> str:
        return self.argument or self.name


FIGURES = [
    Figure(
        "spawn_join_hot",
        "spawn and join, batches of 100",
        "ns",
        Bar(times_limit=3.5, faster_than={"asio": 8, "go": 4}),
    ),
    Figure("spawn_joinall_hot", "spawn, joinall: batches of 100", "ns", limit="spawn_join_hot"),
    Figure("spawn_group_hot", "spawn in a task_group, join", "ns", limit="spawn_join_hot"),
    Figure("spawn_1m", "spawn a million tasks, then join", "ns", Bar(times_limit=2)),
    Figure("live_bytes", "memory of a suspended task", "B", Bar(value=256)),
    Figure("await_child", "co_await of a trivial child", "ns", Bar(times_limit=1.5)),
    Figure("yield_2", "yield between 2 tasks", "ns", Bar(times_limit=2.5)),
    Figure("yield_1000", "yield between 1000 tasks", "ns", Bar(times_limit=2.5)),
    Figure("cancel_join", "cancel three frames deep, join", "ns", Bar(value=300)),
    Figure("cancel_killall", "cancel three frames deep, killall", "ns", Bar(value=300)),
    Figure("throw_join", "end three frames by an exception", "ns"),
    Figure("sleep_1m_cpu", "a million sleeps: CPU time", "s", Bar(times_limit=2), argument="sleep_1m"),
    Figure(
        "sleep_1m_p99_late", "a million sleeps: p99 lateness", "ms", Bar(value=25), argument="sleep_1m"
    ),
    Figure("sleep_1m_early", "a million sleeps: ended early", "", Bar(value=0), argument="sleep_1m"),
    Figure(
        "channel_unbuffered",
        "channel without a buffer, per message",
        "ns",
        Bar(times_limit=2.5, faster_than={"go": 5}),
        suite="sync",
    ),
    Figure(
        "channel_1024",
        "channel of 1024, per message",
        "ns",
        Bar(times_limit=2.5, faster_than={"go": 5}),
        suite="sync",
    ),
    Figure("queue_1024", "queue of 1024, per item", "ns", limit="channel_1024", suite="sync"),
    Figure("mutex_handoff", "mutex, 10 rivals: lock, yield, unlock", "ns", suite="sync"),
    Figure(
        "semaphore_handoff",
        "semaphore, 10 rivals: acquire, yield, release",
        "ns",
        limit="mutex_handoff",
        suite="sync",
    ),
    Figure("timeout_unused", "with_timeout around what is ready", "ns", suite="sync"),
    Figure(
        "empty_jobs_1",
        "empty jobs, 1 thread, 1000 in flight",
        "ns",
        Bar(value=60),
        suite="executor",
    ),
    Figure(
        "empty_jobs_2",
        "empty jobs, 2 threads, 1000 in flight",
        "ns",
        Bar(value=125),
        suite="executor",
    ),
    Figure("empty_jobs_8", "empty jobs, 8 threads", "ns", Bar(value=125), suite="executor"),
    Figure("empty_jobs_64", "empty jobs, 64 threads", "ns", Bar(value=125), suite="executor"),
    # Two threads, so 5 µs a job at best; 90 % of that.
    Figure("jobs_10us", "jobs of 10 µs, 2 threads", "ns", Bar(value=5556), suite="executor"),
    Figure(
        "job_round_trip", "one job at a time, threads asleep", "µs", Bar(times_limit=1.05), suite="executor"
    ),
    Figure(
        "job_round_trip_spin", "one job at a time, a thread spins", "µs", Bar(value=3), suite="executor"
    ),
    # 1.7 times as fast as one after the other; a thread or a process less than the ideal 1.77.
    Figure(
        "primes_threads",
        "six primality tests, 2 threads",
        "ms",
        Bar(times_limit=1 / 1.7),
        limit="primes_sequential",
        suite="primes",
    ),
    Figure(
        "primes_processes",
        "six primality tests, 2 processes",
        "ms",
        Bar(times_limit=1 / 1.7),
        limit="primes_sequential",
        suite="primes",
    ),
    Figure("timer_1m", "a million timers: start and cancel", "ns", suite="sync"),
    Figure("yield_unwatched", "yield, stall_threshold = 0", "ns", suite="debug"),
    Figure("yield_watched", "yield, stall watchdog on", "ns", suite="debug"),
    Figure("yield_traced", "yield, tracing on", "ns", suite="debug"),
    Figure("spawn_join_unwatched", "spawn and join, stall_threshold = 0", "ns", suite="debug"),
    Figure("spawn_join_watched", "spawn and join, stall watchdog on", "ns", suite="debug"),
    Figure("spawn_join_traced", "spawn and join, tracing on", "ns", suite="debug"),
    Figure(
        "process_round_trip",
        "a job in another process, one at a time",
        "us",
        Bar(value=45, faster_than={"python": 4, "node": 0.9}),
        suite="process",
    ),
    Figure(
        "process_jobs",
        "empty jobs in one process, 1000 in flight",
        "ns",
        Bar(value=2500),
        suite="process",
    ),
    # 20 million a second.
    Figure(
        "process_map", "map of the identity on two processes, per item", "ns", Bar(value=50), suite="process"
    ),
    # 2.5 GB/s, and in place 10 GB/s.
    Figure(
        "process_payload_1mib",
        "1 MiB as an argument of a job",
        "us",
        Bar(value=419),
        suite="process",
    ),
    Figure(
        "process_payload_64mib",
        "64 MiB as an argument of a job",
        "us",
        Bar(value=26_844),
        suite="process",
    ),
    Figure(
        "process_payload_in_place_1mib",
        "1 MiB, built in shared memory",
        "us",
        Bar(value=105),
        suite="process",
    ),
    Figure(
        "process_payload_in_place_64mib",
        "64 MiB, built in shared memory",
        "us",
        suite="process",
    ),
    Figure("process_start", "start of 8 workers", "ms", Bar(value=8), suite="process"),
    Figure(
        "process_start_2gib", "the same with a heap of 2 GiB", "ms", suite="process"
    ),
    Figure(
        "process_start_2gib_blocked",
        "its submit, to the caller",
        "ms",
        Bar(value=1),
        argument="process_start_2gib",
        suite="process",
    ),
    Figure(
        "process_replace", "crash to a worker that answers", "ms", Bar(value=3), suite="process"
    ),
    Figure("process_deadline", "a deadline of 200 ms", "ms", Bar(value=210), suite="process"),
    Figure(
        "queue_round_trip",
        "a number to another process and back, by two queues",
        "us",
        Bar(faster_than={"python": 1}),
        suite="process_queue",
    ),
    Figure(
        "queue_to_process",
        "items to a process that blocks for each",
        "ns",
        Bar(faster_than={"python": 1}),
        suite="process_queue",
    ),
    Figure("queue_to_loop", "items to a process that awaits 100 at once", "ns", suite="process_queue"),
    Figure(
        "queue_from_process",
        "items from a process that blocks for each",
        "ns",
        Bar(faster_than={"python": 1}),
        suite="process_queue",
    ),
    Figure(
        "codec_int_encode",
        "write an int for another process",
        "ns",
        Bar(value=10),
        argument="codec_int",
        suite="codec",
    ),
    Figure(
        "codec_int_decode",
        "read an int back",
        "ns",
        Bar(value=10),
        argument="codec_int",
        suite="codec",
    ),
    Figure(
        "codec_row_encode",
        "write a million doubles for another process",
        "ns",
        Bar(times_limit=1.3),
        argument="codec_row",
        suite="codec",
    ),
    Figure(
        "codec_row_decode",
        "read a million doubles back",
        "ns",
        Bar(times_limit=1.3),
        argument="codec_row",
        suite="codec",
    ),
    Figure("codec_string_encode", "write a string of 1 KiB for another process", "ns", argument="codec_string", suite="codec"),
    Figure("codec_string_decode", "read a string of 1 KiB back", "ns", argument="codec_string", suite="codec"),
    Figure(
        "codec_document_encode",
        "write 3 kB of structs, strings and maps",
        "ns",
        Bar(value=1500),
        argument="codec_document",
        suite="codec",
    ),
    Figure(
        "codec_document_decode",
        "read 3 kB of structs, strings and maps",
        "ns",
        Bar(value=6000),
        argument="codec_document",
        suite="codec",
    ),
    Figure("dns_a_1k", "1000 names at once, A, each", "us", suite="dns"),
    Figure(
        "dns_a_10k",
        "10 000 names at once, A, each",
        "us",
        Bar(times_limit=1.11, faster_than={"go": 5, "node": 3, "gevent": 8}),
        suite="dns",
    ),
    Figure("dns_a_100k", "100 000 names at once, A, each", "us", Bar(times_limit=1.33), suite="dns"),
    Figure("dns_any_1k", "1000 names at once, A and AAAA, each", "us", suite="dns"),
    Figure("dns_any_10k", "10 000 names at once, A and AAAA, each", "us", Bar(times_limit=1.11), suite="dns"),
    Figure(
        "dns_any_100k", "100 000 names at once, A and AAAA, each", "us", Bar(times_limit=1.33), suite="dns"
    ),
    Figure(
        "dns_a_100k_resent",
        "100 000 names at once: sent again",
        "",
        Bar(value=0),
        argument="dns_a_100k",
        suite="dns",
    ),
    # 1.5 million lookups a second.
    Figure("dns_shared", "100 000 lookups of 1000 names at once", "ns", Bar(value=667), suite="dns"),
    Figure(
        "dns_shared_sent",
        "100 000 lookups of 1000 names: queries",
        "",
        Bar(value=1000),
        argument="dns_shared",
        suite="dns",
    ),
    Figure("dns_cache_hit", "a name from the cache", "ns", Bar(value=1000), suite="dns"),
    Figure("dns_pending_bytes", "memory of a lookup that waits", "B", Bar(value=1024), suite="dns"),
    # 0.97, 0.97 and 0.95 of what libuv alone does; 1.03 times what Asio's coroutines do.
    *(
        Figure(
            f"echo_{connections}_{size}",
            f"echo of {text}, {connections} connection{'s' if connections > 1 else ''}",
            "ns",
            Bar(times_limit=1 / share, faster_than={"asio": 1.03}) if connections == 64 else None,
            suite="net",
        )
        for connections in (1, 64, 1000)
        for size, text, share in (("64", "64 bytes", 0.97), ("4k", "4 KiB", 0.97), ("64k", "64 KiB", 0.95))
    ),
    Figure("net_stream", "64 KiB one way", "ns", suite="net"),
    Figure("net_connections", "a connection, accepted and closed", "ns", suite="net"),
    Figure("net_serve_connections", "the same by serve()", "ns", limit="net_connections", suite="net"),
    Figure("net_idle_bytes", "memory of an idle connection", "B", Bar(value=1024), suite="net"),
    Figure("net_instructions", "echo: user instructions a request", "", Bar(value=500), suite="net"),
    # What libuv alone does takes three as well; what is over is the start of the program.
    Figure("net_system_calls", "echo: system calls a request", "", Bar(value=3.05), suite="net"),
    Figure("http_plaintext", "HTTP: a request, 64 connections", "ns", suite="net_http"),
    Figure("http_pipelined", "HTTP: a request of 16 at once, 64 connections", "ns", suite="net_http"),
    Figure("http_instructions", "HTTP: user instructions a request", "", suite="net_http"),
    Figure("tls_receive", "TLS: 64 KiB received", "ns", Bar(times_limit=1.15), suite="net_tls"),
    Figure("tls_send", "TLS: 64 KiB sent", "ns", Bar(times_limit=1.15), suite="net_tls"),
    Figure("tls_handshake", "TLS: a connection with a whole handshake", "ns", Bar(times_limit=1.15), suite="net_tls"),
    Figure("dns_far", "names from a server 10 ms away, each", "us", Bar(value=105), suite="dns"),
]
