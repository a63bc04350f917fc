"""The target table: for each figure what it is, its target, and how both come from a round."""
from dataclasses import dataclass, field
from typing import Callable


@dataclass
class Row:
    figure: str   # whose rounds it reads
    what: str
    unit: str
    ours: Callable   # of a round
    target: str = ""
    limit: Callable = None        # of a round: what `ours` is held against; KeyError: no such peer
    more_is_better: bool = False
    peers: dict = field(default_factory=dict)  # column: of a round


def _accept(over, label):
    peers = {name: (lambda r, n=name: r[over][n]["us"]) for name in ("floor", "nginx", "haproxy")}

    def ours(r):
        return r[over]["gateway"]["us"]
    return [
        Row("accept", f"CPU per accepted payment, {label}", "µs", ours, "≤ 1.4 × bare loop",
            lambda r: 1.4 * r[over]["floor"]["us"], peers=peers),
        Row("accept", f"CPU per accepted payment, {label}", "µs", ours, "≤ HAProxy's 202",
            lambda r: r[over]["haproxy"]["us"], peers=peers),
        Row("accept", f"the same and its waiting workers, {label}", "µs",
            lambda r: r[over]["gateway"]["process_us"]),
    ]


def _forward(what, unit, key, target, limit, **options):
    return Row("forward", what, unit, lambda r: r["gateway"][key], target, limit,
               peers={"original": lambda r: r["original"][key]}, **options)


def _summary(which, label):
    def part(size, clock):
        return lambda r: r["sizes"][size]["summary"][which][clock]
    return [
        Row("books", f"summary, {label}, books full: time for a client", "µs",
            part("many", "wall_us"), "≤ 2 × with a thousand",
            lambda r: 2 * r["sizes"]["few"]["summary"][which]["wall_us"]),
        Row("books", f"summary, {label}, books full: time in Redis", "µs",
            part("many", "redis_us"), "< 1000", lambda r: 1000),
        Row("books", f"summary, {label}, a thousand: time in Redis", "µs",
            part("few", "redis_us")),
    ]


ROWS = [
    *_accept("tcp", "TCP"),
    *_accept("unix", "Unix socket"),
    _forward("CPU per payment, accept to recorded", "µs", "gateway_us", "≤ 30", lambda r: 30),
    _forward("CPU per payment, accept to recorded", "µs", "gateway_us", "≤ 1/4 original",
             lambda r: r["original"]["gateway_us"] / 4),
    _forward("Redis CPU per payment", "µs", "redis_us", "≤ 10", lambda r: 10),
    _forward("Redis CPU per payment", "µs", "redis_us", "≤ 1/4 original",
             lambda r: r["original"]["redis_us"] / 4),
    _forward("booked, all on the same cores", "/s", "booked_per_second", "≥ 3 × original",
             lambda r: 3 * r["original"]["booked_per_second"], more_is_better=True),
    Row("latency", "p99 of POST through HAProxy, 550 users", "µs",
        lambda r: r["gateway"]["p99_us"], "≤ 1.0 × two bare loops",
        lambda r: 1.0 * r["floor"]["p99_us"],
        peers={"haproxy": lambda r: r["haproxy"]["p99_us"],
               "floor": lambda r: r["floor"]["p99_us"]}),
    Row("latency", "p50 of the same", "µs", lambda r: r["gateway"]["p50_us"],
        peers={"haproxy": lambda r: r["haproxy"]["p50_us"],
               "floor": lambda r: r["floor"]["p50_us"]}),
    Row("drain", "p99 of POST while a backlog drains", "µs",
        lambda r: r["draining"]["p99_us"], "≤ 2 × idle", lambda r: 2 * r["idle"]["p99_us"]),
    Row("drain", "p99 of POST, idle", "µs", lambda r: r["idle"]["p99_us"]),
    *_summary("all", "all time"),
    *_summary("audit", "an auditor's 13 s"),
    Row("books", "Redis memory per payment, books full", "bytes",
        lambda r: r["sizes"]["many"]["bytes_per_payment"], "≤ 100", lambda r: 100),
    Row("memory", "resident memory, 64k slots used", "MB", lambda r: r["rss_mb"], "≤ 16",
        lambda r: 16),
    Row("memory", "of it anonymous", "MB", lambda r: r["anonymous_mb"]),
    Row("micro", "ring: a push and a pop", "ns", lambda r: r["ring: ours, threads: 1"],
        peers={"moodycamel": lambda r: r["ring: moodycamel, threads: 1"]}),
    Row("micro", "the same between two threads", "ns", lambda r: r["ring: ours, threads: 2"],
        peers={"moodycamel": lambda r: r["ring: moodycamel, threads: 2"]}),
    Row("alone", "accept to booked, a payment alone on an idle gateway, p50", "ms",
        lambda r: r["p50_ms"], "≤ 5", lambda r: 5),
    Row("alone", "p90 of the same", "ms", lambda r: r["p90_ms"]),
    Row("alone", "CPU per payment, 50 a second", "µs", lambda r: r["gateway_us"], "≤ 200",
        lambda r: 200),
    Row("alone", "Redis CPU per payment, 50 a second", "µs", lambda r: r["redis_us"],
        "≤ 3 × a PING at that pace", lambda r: 3 * r["ping_us"]),
    Row("allocations", "allocations of ours per payment", "", lambda r: r["ours"], "0",
        lambda r: 0),
    Row("allocations", "libcurl's and TLS libraries' own", "", lambda r: r["curl"]),
    Row("allocations", "hiredis' own", "", lambda r: r["hiredis"]),
]
