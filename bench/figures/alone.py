"""A payment that comes alone, on an idle gateway: from its 202 until it is on the books, and what
it costs when every process sleeps before it comes."""
import time
import uuid

from measure import cpu, http
from measure.parts import Gateway, Setup
from measure.processes import connect, wait_until

NAME = "alone"
LEARN = 12     # so many until the gateway expects a payment to come alone
GAP_S = 0.1
LOOK_S = 0.0005
PACE_S = 0.02  # 50 a second


def booked_after(gateway, before):
    """Milliseconds until one more payment than `before` is in the summary."""
    body = {"correlationId": str(uuid.uuid4()), "amount": 19.90}
    http.ask(gateway.address, "POST", "/payments", body, {"Content-Type": "application/json"})
    began = time.monotonic()
    while gateway.booked() <= before:
        time.sleep(LOOK_S)
    return (time.monotonic() - began) * 1e3


def _paced(connection, message, times):
    """Sends `message()` and reads its answer, once each PACE_S."""
    began = time.monotonic()
    for i in range(1, times + 1):
        connection.sendall(message())
        connection.recv(4096)
        time.sleep(max(0, began + i * PACE_S - time.monotonic()))


def _post():
    body = b'{"correlationId":"%s","amount":19.90}' % str(uuid.uuid4()).encode()
    return (b"POST /payments HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body))


def cost_at_pace(setup, gateway, payments):
    """CPU per payment at 50 a second, of the gateway and of Redis, and per PING at that pace."""
    def spent():
        return cpu.process_ns(gateway.pid), cpu.process_ns(setup.redis.pid)
    with connect(gateway.address) as connection:
        _paced(connection, _post, LEARN)
        before = spent()
        _paced(connection, _post, payments)
        gateway_us, redis_us = ((b - a) / 1e3 / payments for a, b in zip(before, spent()))
    with connect(setup.redis.socket) as connection:
        before = spent()
        _paced(connection, lambda: b"PING\r\n", payments)
        ping_us = (spent()[1] - before[1]) / 1e3 / payments
    return {"gateway_us": gateway_us, "redis_us": redis_us, "ping_us": ping_us}


def measure(sizes):
    with Setup() as setup:
        gateway = Gateway(setup, setup.redis, setup.processors)
        booked_after(gateway, 0)
        wait_until("the first payment's booking", lambda: gateway.booked() == 1, setup.processes)
        took = []
        for i in range(LEARN + sizes["alone"]):
            time.sleep(GAP_S)
            took.append(booked_after(gateway, i + 1))
        took = sorted(took[LEARN:])
        cost = cost_at_pace(setup, gateway, sizes["alone_paced"])
        return {**cost, "p50_ms": took[len(took) // 2], "p90_ms": took[len(took) * 9 // 10],
                "most_ms": took[-1]}
