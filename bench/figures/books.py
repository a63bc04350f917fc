"""What the books cost as they grow: the summary with a thousand and with a million payments, Redis'
memory per payment; by the way, CPU per payment with a backlog of that size."""
import statistics
import time

from figures import forward
from measure import cpu
from measure.parts import Setup

NAME = "books"
QUESTIONS = 200


def _summary_us(redis, ask):
    """Median time for a client; CPU time of Redis per question, whatever else it does included."""
    wall_us = []
    cpu_before_ns = cpu.process_ns(redis.pid)
    for _ in range(QUESTIONS):
        began = time.perf_counter_ns()
        ask()
        wall_us.append((time.perf_counter_ns() - began) / 1e3)
    redis_ns = cpu.process_ns(redis.pid) - cpu_before_ns
    return {"redis_us": redis_ns / 1e3 / QUESTIONS, "wall_us": statistics.median(wall_us)}


def _questions(gateway, redis):
    now = time.time()

    def text(seconds_ago):
        return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(now - seconds_ago))
    audit = f"?from={text(15)}&to={text(2)}"
    return {"all": _summary_us(redis, lambda: gateway.summary()),
            "audit": _summary_us(redis, lambda: gateway.summary(audit))}


def at(sizes, payments):
    """With this many payments on the books, posted as one backlog."""
    with Setup() as setup:
        gateway = forward.start(setup, sizes, payments)
        used_before = int(setup.redis.info("memory")["used_memory"])
        result = forward.post_and_drain(setup, gateway, payments,
                                        connections=sizes["forward_connections"])
        used = int(setup.redis.info("memory")["used_memory"])
        return {**result, "bytes_per_payment": (used - used_before) / payments,
                "summary": _questions(gateway, setup.redis)}


def measure(sizes):
    few, many = sizes["books_few"], sizes["books_many"]
    return {"few_payments": few, "many_payments": many,
            "sizes": {"few": at(sizes, few), "many": at(sizes, many)}}
