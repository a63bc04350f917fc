"""Resident memory of a gateway whose table of 64k slots was used from end to end."""
from measure import cpu, load
from measure.parts import Gateway, Setup

NAME = "memory"
SLOTS = 65536


def measure(_sizes):
    with Setup() as setup:
        gateway = Gateway(setup, setup.redis, setup.processors, [f"--table-slots={SLOTS}"])
        fresh = cpu.resident_bytes(gateway.pid)
        # Free slots are reused first-in first-out: this many payments touch every one.
        load.run(setup, gateway.address, requests=SLOTS, connections=64)
        setup.wait_until_held(SLOTS)
        used = cpu.resident_bytes(gateway.pid)
        return {"fresh_mb": fresh["rss"] / 1e6, "rss_mb": used["rss"] / 1e6,
                "pss_mb": used["pss"] / 1e6, "anonymous_mb": used["anonymous"] / 1e6}
