#!/usr/bin/python3
"""All figures of docs/PERFORMANCE.md. `bench/run.sh --help` lists what it takes."""
import argparse
import json
import os
import signal
import statistics
import sys
import time

from figures import accept, books, drain, forward, latency, memory, scale
from measure.processes import Failed

FIGURES = {f.NAME: f for f in (accept, forward, latency, drain, books, memory, scale)}
SIZES = {
    "quick": {"rounds": 3, "accept": 200_000, "accept_warm_up": 20_000, "accept_connections": 64,
              "forward": 60_000, "forward_original": 15_000, "forward_warm_up": 2_000,
              "forward_connections": 64, "latency_seconds": 4, "drain_backlog": 120_000,
              "drain_rate": 500, "drain_seconds": 2, "books_few": 1_000, "books_many": 100_000,
              "scale_forward": 40_000, "scale_backlogs": (1_000, 10_000, 100_000)},
    "full": {"rounds": 5, "accept": 500_000, "accept_warm_up": 50_000, "accept_connections": 64,
             "forward": 200_000, "forward_original": 40_000, "forward_warm_up": 5_000,
             "forward_connections": 64, "latency_seconds": 15, "drain_backlog": 300_000,
             "drain_rate": 500, "drain_seconds": 5, "books_few": 1_000, "books_many": 1_000_000,
             "scale_forward": 100_000, "scale_backlogs": (1_000, 10_000, 100_000, 1_000_000)},
}


def flat(values, prefix=""):
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(FIGURES))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--json")
    options = parser.parse_args()
    sizes = SIZES[os.environ.get("BENCH", "full")]
    rounds = options.rounds or sizes["rounds"]
    names = options.only.split(",")
    data = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            began = time.monotonic()
            data[name].append(FIGURES[name].measure(sizes))
            print(f"round {number + 1}/{rounds}: {name}, {time.monotonic() - began:.1f} s",
                  file=sys.stderr, flush=True)
    for name in names:
        print(name)
        series = {}
        for one in data[name]:
            for key, value in flat(one):
                series.setdefault(key, []).append(value)
        for key, values in series.items():
            print(f"  {key:36} {statistics.median(values):12.2f}   "
                  f"{min(values):12.2f} … {max(values):.2f}")
    if options.json:
        with open(options.json, "w") as out:
            json.dump(data, out, indent=1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main()
    except Failed as failure:
        sys.exit(f"bench: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
