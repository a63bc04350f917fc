"""p99 of POST /payments at the preview's rate, 550 users that post once a second, through the
shipped HAProxy configuration with two gateways, against HAProxy that answers by itself; and with
two bare epoll loops in the gateways' place: what stands behind HAProxy at all costs so much."""
from measure import load
from measure.parts import Balancer, Gateway, Setup
from measure.peers import Floor, Haproxy
from measure.processes import Folder

NAME = "latency"
USERS = 550


def _through(folder, address, sizes):
    result = load.run(folder, address, warm_up=2 * USERS, connections=USERS, rate=USERS,
                      seconds=sizes["latency_seconds"])
    return {name + "_us": value for name, value in result["latency_us"].items()}


def alone(sizes):
    with Folder() as folder:
        return _through(folder, Haproxy(folder, tcp=True).address, sizes)


def floors(sizes):
    with Folder() as folder:
        for number in (1, 2):
            Floor(folder, name=f"gateway-{number}")
        return _through(folder, Balancer(folder, checks=False).address, sizes)


def gateways(sizes):
    with Setup() as setup:
        for number in (1, 2):
            Gateway(setup, setup.redis, setup.processors, name=f"gateway-{number}")
        return _through(setup, Balancer(setup).address, sizes)


def measure(sizes):
    return {"gateway": gateways(sizes), "haproxy": alone(sizes), "floor": floors(sizes)}
