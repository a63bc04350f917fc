"""Cost per payment as things grow: threads, open connections, backlog. It must stay flat."""
from figures import accept, forward

NAME = "scale"


def measure(sizes):
    return {
        "acceptors": {n: accept.gateway(sizes, acceptors=n, tcp=True) for n in (1, 2, 4)},
        "workers": {n: forward.one(sizes, payments=sizes["scale_forward"],
                                   arguments=[f"--workers={n}", f"--acceptors={n}"])
                    for n in (1, 2, 4)},
        "connections": {n: accept.gateway(sizes, connections=n, tcp=True)
                        for n in (10, 100, 1_000, 10_000)},
        "backlog": {n: forward.one(sizes, payments=n) for n in sizes["scale_backlogs"]},
    }
