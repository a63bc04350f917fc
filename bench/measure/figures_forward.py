"""From accept to recorded: a backlog is posted as fast as it is taken, then drained; one gateway,
Redis and two simulated processors share the machine's cores."""
import time

from measure import cpu, load
from measure.parts import ORIGINAL, Gateway, Original, Processor, Redis
from measure.processes import Folder, wait_until

NAME = "forward"


def one(sizes, original=False, payments=None, arguments=(), **load_options):
    """Posts `payments` and waits until all are booked. CPU per payment of gateway and Redis, and
    payments booked per second, from the first POST to the last booking."""
    payments = payments or sizes["forward_original" if original else "forward"]
    warm_up = sizes["forward_warm_up"]
    with Folder() as folder:
        redis = Redis(folder)
        processors = [Processor(folder, "default", 0.05), Processor(folder, "fallback", 0.15)]
        if original:
            gateway = Original(folder, redis, processors)
        else:
            slots = payments + warm_up + 1024
            gateway = Gateway(folder, redis, processors, [f"--table-slots={slots}", *arguments])
        parts = [gateway.process, redis.process] + [p.process for p in processors]

        def all_held(count):
            return lambda: sum(p.held() for p in processors) >= count

        def booked(count):
            wait_until(f"{count} payments held", all_held(count), parts, seconds=600)
            held_at = time.monotonic_ns()
            wait_until(f"{count} payments booked", lambda: gateway.booked() >= count, parts)
            return held_at

        # The first payments open connections and load scripts.
        load.run(folder, gateway.address, requests=warm_up, connections=16)
        booked(warm_up)

        def snapshot():
            return {"at": time.monotonic_ns(), "gateway": cpu.process_ns(gateway.pid),
                    "threads": cpu.threads_ns(gateway.pid), "redis": cpu.process_ns(redis.pid),
                    "processors": sum(cpu.process_ns(p.pid) for p in processors)}
        options = {"connections": sizes["forward_connections"], **load_options}
        result = load.run(folder, gateway.address, snapshot, requests=payments, **options)
        held_at = booked(warm_up + payments)
        before, after = result["before"], snapshot()
        per = 1e3 * payments

        def spent(kind):
            return (cpu.kind_ns(after["threads"], kind) - cpu.kind_ns(before["threads"], kind)) / per
        return {"gateway_us": (after["gateway"] - before["gateway"]) / per,
                "acceptor_us": spent("acceptor"), "worker_us": spent("worker"),
                "redis_us": (after["redis"] - before["redis"]) / per,
                "processors_us": (after["processors"] - before["processors"]) / per,
                "booked_per_second": payments * 1e9 / (held_at - before["at"]),
                "accepted_per_second": result["per_second"],
                "accept_p99_us": result["latency_us"]["p99"]}


def measure(sizes):
    """One round: every variant once."""
    result = {"gateway": one(sizes)}
    if ORIGINAL:
        result["original"] = one(sizes, original=True)
    return result
