#!/usr/bin/env python3
"""The table of a comparison with real k6: runs.py FOLDER RESULT reads FOLDER/<side>.<round>.json,
prints each side's p99 against HAProxy's by itself, and writes all of it to RESULT."""
import json
import pathlib
import statistics
import sys

TARGET = 1.0  # times two bare loops behind the same HAProxy (PEERS="floor=…")
FIELDS = ("payment_median_ms", "payment_max_ms", "accepted", "failed", "lost", "inconsistent",
          "settled_difference", "share_of_bound")


def sides_of(folder):
    """{side: its figures, one per round}; HAProxy and Tollgate first."""
    runs = {}
    for path in sorted(folder.glob("*.json")):
        runs.setdefault(path.name.split(".")[0], []).append(json.loads(path.read_text()))
    sides = {}
    for name in sorted(runs, key=lambda name: (name != "haproxy", name != "tollgate", name)):
        p99 = [run["payment_p99_ms"] for run in runs[name]]
        sides[name] = {"p99_ms": p99, "p99_ms_median": statistics.median(p99),
                       **{field: [run.get(field) for run in runs[name]] for field in FIELDS}}
    floor = sides["haproxy"]["p99_ms_median"]
    for side in sides.values():
        side["ratio"] = side["p99_ms_median"] / floor
    return sides


def line(name, side):
    def count(field):
        # HAProxy by itself has no books.
        return "-" if name == "haproxy" or None in side[field] else str(sum(side[field]))
    each = " ".join(f"{value:.2f}" for value in side["p99_ms"])
    return (f"  {name:<16} {side['p99_ms_median']:>8.2f}   ({each})".ljust(58)
            + f"{side['ratio']:>11.2f}{statistics.median(side['payment_median_ms']):>12.2f}"
            + f"{sum(side['failed']):>9}{count('lost'):>7}{count('inconsistent'):>11}")


def main():
    folder, result = map(pathlib.Path, sys.argv[1:])
    sides = sides_of(folder)
    print("\n  POST /payments     p99 ms, median (each)".ljust(60) + "  x HAProxy   median ms"
          "   failed   lost   differed")
    for name, side in sides.items():
        print(line(name, side))
    result.write_text(json.dumps(sides, indent=2) + "\n")
    verdict = "without a peer named floor there is no target"
    if "floor" in sides:
        ratio = sides["tollgate"]["p99_ms_median"] / sides["floor"]["p99_ms_median"]
        verdict = (f"tollgate at {ratio:.2f} x two bare loops, at most {TARGET:.2f}: "
                   + ("met" if ratio <= TARGET else "MISSED"))
    print(f"\n  {verdict}. Written to {result}")


if __name__ == "__main__":
    main()
