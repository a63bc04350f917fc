"""From the 202 of a payment that comes alone, on an idle gateway, until it is on the books."""
import time
import uuid

from measure import http
from measure.parts import Gateway, Setup
from measure.processes import wait_until

NAME = "alone"
LEARN = 12     # so many until the gateway expects a payment to come alone
GAP_S = 0.1
LOOK_S = 0.0005


def booked_after(gateway, before):
    """Milliseconds until one more payment than `before` is in the summary."""
    body = {"correlationId": str(uuid.uuid4()), "amount": 19.90}
    http.ask(gateway.address, "POST", "/payments", body, {"Content-Type": "application/json"})
    began = time.monotonic()
    while gateway.booked() <= before:
        time.sleep(LOOK_S)
    return (time.monotonic() - began) * 1e3


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
        return {"p50_ms": took[len(took) // 2], "p90_ms": took[len(took) * 9 // 10],
                "most_ms": took[-1]}
