"""From accept to recorded: a backlog is posted as fast as it is taken, then drained; one gateway,
Redis and two simulated processors share the machine's cores."""
import sys
import time

from measure import cpu, load
from measure.parts import ORIGINAL, ORIGINAL_RATE, Gateway, Original, Setup
from measure.processes import Failed, wait_until

NAME = "forward"
RATES_TRIED = 5


def _snapshot(setup, gateway):
    return {"at": time.monotonic_ns(), "gateway": cpu.process_ns(gateway.pid),
            "threads": cpu.threads_ns(gateway.pid), "redis": cpu.process_ns(setup.redis.pid),
            "processors": sum(cpu.process_ns(p.pid) for p in setup.processors)}


def _wait_until_booked(setup, gateway, count):
    """When the processors held all of it; returns once they are on the books as well."""
    setup.wait_until_held(count)
    held_at = time.monotonic_ns()
    wait_until(f"{count} payments booked", lambda: gateway.booked() >= count, setup.processes)
    return held_at


def post_and_drain(setup, gateway, payments, **load_options):
    """Posts `payments` and waits until all are booked. CPU per payment of every part, and payments
    booked per second from the first POST to the last booking."""
    booked_before = gateway.booked()
    result = load.run(setup, gateway.address, lambda: _snapshot(setup, gateway),
                      requests=payments, **load_options)
    held_at = _wait_until_booked(setup, gateway, booked_before + payments)
    before, after = result["before"], _snapshot(setup, gateway)

    def spent(part):
        return (after[part] - before[part]) / 1e3 / payments

    def spent_by(kind):
        return (cpu.kind_ns(after["threads"], kind)
                - cpu.kind_ns(before["threads"], kind)) / 1e3 / payments
    return {"gateway_us": spent("gateway"), "acceptor_us": spent_by("acceptor"),
            "worker_us": spent_by("worker"), "redis_us": spent("redis"),
            "processors_us": spent("processors"),
            "booked_per_second": payments * 1e9 / (held_at - before["at"]),
            "accepted_per_second": result["per_second"],
            "accept_p99_us": result["latency_us"]["p99"]}


def start(setup, sizes, payments, arguments=(), binary=None):
    """A gateway with room for all of it, its connections open and its scripts loaded."""
    slots = payments + sizes["forward_warm_up"] + 1024
    gateway = Gateway(setup, setup.redis, setup.processors,
                      [f"--table-slots={slots}", *arguments], binary=binary)
    post_and_drain(setup, gateway, sizes["forward_warm_up"], connections=16)
    return gateway


def one(sizes, payments=None, arguments=()):
    payments = payments or sizes["forward"]
    with Setup() as setup:
        gateway = start(setup, sizes, payments, arguments)
        return post_and_drain(setup, gateway, payments, connections=sizes["forward_connections"])


def original_at(sizes, rate):
    options = {"connections": sizes["forward_connections"], **({"rate": rate} if rate else {})}
    with Setup() as setup:
        gateway = Original(setup, setup.redis, setup.processors)
        post_and_drain(setup, gateway, sizes["forward_warm_up"], **options)
        result = post_and_drain(setup, gateway, sizes["forward_original"], **options)
        return {k: v for k, v in result.items() if k not in ("acceptor_us", "worker_us")}


def original(sizes):
    """What exceeds the original's queue it never sends: where it fell behind, it is asked again at
    a lower rate."""
    rate = ORIGINAL_RATE
    for _ in range(RATES_TRIED - 1):
        try:
            return original_at(sizes, rate)
        except Failed:
            if not rate:
                raise
            print(f"\nbench: the original lost payments at {rate} a second; once more at "
                  f"{rate * 5 // 6}", file=sys.stderr)
            rate = rate * 5 // 6
    return original_at(sizes, rate)


def measure(sizes):
    """One round: every variant once."""
    result = {"gateway": one(sizes)}
    if ORIGINAL:
        result["original"] = original(sizes)
    return result
