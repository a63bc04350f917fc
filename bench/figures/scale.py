"""Cost per payment as things grow: threads, open connections, backlog. It must stay flat.
The largest backlog is that of the books' figure, which fills them with it."""
from figures import accept, forward
from measure.peers import Floor

NAME = "scale"


def _with_floor(sizes, connections):
    """What the kernel asks for grows with the connections as well."""
    options = {"tcp": True, "connections": connections, "requests": sizes["scale_accept"]}
    floor = accept.peer(Floor, sizes, **options)
    return {**accept.gateway(sizes, **options), "floor_us": floor["us"]}


def measure(sizes):
    requests = sizes["scale_accept"]
    return {
        "acceptors": {n: accept.gateway(sizes, acceptors=n, tcp=True, requests=requests)
                      for n in (1, 2, 4)},
        "workers": {n: forward.one(sizes, payments=sizes["scale_forward"],
                                   arguments=[f"--workers={n}", f"--acceptors={n}"])
                    for n in (1, 2, 4)},
        "connections": {n: _with_floor(sizes, n) for n in (10, 100, 1_000, 10_000)},
        "backlog": {n: forward.one(sizes, payments=n) for n in sizes["scale_backlogs"]},
    }


def add_books(rounds, books_rounds):
    """The books' figure has the cost with its backlog as well."""
    for scale, books in zip(rounds, books_rounds):
        many = books["sizes"]["many"]
        scale["backlog"].setdefault(books["many_payments"], many)
