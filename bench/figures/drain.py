"""p99 of POST /payments while a backlog drains at full speed, against the same gateway when there
is none. The backlog is taken while Redis is not there yet; Redis then starts the draining."""
from measure import load
from measure.parts import Gateway, Redis, Setup
from measure.processes import Failed, wait_until

NAME = "drain"
CONNECTIONS = 64
WARM_UP = 200
BACKLOG_MAX = 1_600_000


def measure(sizes):
    backlog = sizes["drain_backlog"]
    while True:
        figures = with_backlog(backlog, sizes["drain_rate"], sizes["drain_seconds"])
        if figures is not None:
            return figures
        backlog *= 2  # a fast machine
        if backlog > BACKLOG_MAX:
            raise Failed(f"a backlog of {backlog // 2} is gone before the load ends: "
                         "shorten drain_seconds in bench/figures/sizes.py")


def with_backlog(backlog, rate, seconds):
    """None if all of it was gone before the load's end."""
    open_loop = {"connections": CONNECTIONS, "rate": rate, "seconds": seconds}
    with Setup(with_redis=False) as setup:
        # Nothing that was freed has rested when the last payment comes.
        slots = backlog + WARM_UP + int(3 * rate * seconds)
        gateway = Gateway(setup, None, setup.processors, [f"--table-slots={slots}"])
        load.run(setup, gateway.address, requests=backlog, connections=CONNECTIONS)
        setup.redis = Redis(setup, name="no-redis")
        wait_until("the backlog drains", lambda: setup.held() > backlog / 50, setup.processes)
        at_begin = setup.held()
        draining = load.run(setup, gateway.address, **open_loop)
        at_end = setup.held()
        if at_end >= backlog:
            return None
        setup.wait_until_held(backlog + draining["count"])
        idle = load.run(setup, gateway.address, warm_up=WARM_UP, **open_loop)
        return {"draining": {f"{k}_us": v for k, v in draining["latency_us"].items()},
                "idle": {f"{k}_us": v for k, v in idle["latency_us"].items()},
                "drained_per_second": (at_end - at_begin) / draining["seconds"]}
