"""How much is measured: BENCH=quick takes some two minutes on an idle machine of two
cores, BENCH=full some fifteen."""

SIZES = {
    # Says nothing about speed: whether every figure still comes out.
    "smoke": {
        "rounds": dict.fromkeys(("accept", "forward", "latency", "drain", "books", "memory",
                                 "allocations", "micro", "scale", "alone"), 1),
        "accept": 5_000, "accept_warm_up": 1_000, "accept_connections": 64,
        "forward": 5_000, "forward_original": 2_000, "forward_warm_up": 1_000,
        "forward_connections": 64,
        "latency_seconds": 0.5,
        "drain_backlog": 60_000, "drain_rate": 200, "drain_seconds": 0.2,
        "books_few": 1_000, "books_many": 3_000,
        "allocations": 3_000, "alone": 5, "alone_paced": 20, "micro_seconds": 0.001,
        "scale_accept": 12_000, "scale_forward": 2_000, "scale_backlogs": (1_000, 2_000),
    },
    "quick": {
        "rounds": {"accept": 3, "forward": 3, "latency": 3, "drain": 2, "books": 1, "memory": 1,
                   "allocations": 1, "micro": 1, "scale": 1,
                   "alone": 1},
        "accept": 100_000, "accept_warm_up": 20_000, "accept_connections": 64,
        "forward": 40_000, "forward_original": 10_000, "forward_warm_up": 2_000,
        "forward_connections": 64,
        "latency_seconds": 3,
        "drain_backlog": 100_000, "drain_rate": 500, "drain_seconds": 1.5,
        "books_few": 1_000, "books_many": 100_000,
        "allocations": 20_000, "alone": 40, "alone_paced": 150, "micro_seconds": 0.05,
        "scale_accept": 50_000, "scale_forward": 20_000,
        "scale_backlogs": (1_000, 10_000, 50_000),
    },
    "full": {
        "rounds": {"accept": 5, "forward": 5, "latency": 5, "drain": 5, "books": 3, "memory": 3,
                   "allocations": 3, "micro": 3, "scale": 3,
                   "alone": 3},
        "accept": 300_000, "accept_warm_up": 50_000, "accept_connections": 64,
        "forward": 100_000, "forward_original": 30_000, "forward_warm_up": 5_000,
        "forward_connections": 64,
        "latency_seconds": 10,
        "drain_backlog": 200_000, "drain_rate": 500, "drain_seconds": 3,
        "books_few": 1_000, "books_many": 1_000_000,
        "allocations": 50_000, "alone": 60, "alone_paced": 250, "micro_seconds": 0.2,
        "scale_accept": 100_000, "scale_forward": 50_000,
        "scale_backlogs": (1_000, 10_000, 100_000),
    },
}
