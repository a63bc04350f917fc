#!/usr/bin/python3
"""Measures what docs/PERFORMANCE.md tells of: rounds of all figures, interleaved with the peers,
then a table against the targets, a JSON file and a plot per figure."""
import argparse
import json
import os
import pathlib
import signal
import sys
import time

from figures import (accept, allocations, alone, books, drain, forward, latency, memory, micro,
                     scale)
from figures.sizes import SIZES
from measure.parts import BUILD
from measure.processes import Failed
from report import docs, machine, plots, table

FIGURES = {f.NAME: f for f in (accept, forward, latency, drain, books, memory, allocations,
                               micro, scale, alone)}


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="Environment: BENCH=quick|full, ORIGINAL=binary of the "
        "original, ORIGINAL_RATE=payments a second that it keeps up with, GATEWAY=another "
        "tollgate binary, BUILD_DIR.")
    parser.add_argument("--only", help="figures, by comma: " + ", ".join(FIGURES))
    parser.add_argument("--rounds", type=int, help="the same number for every figure")
    parser.add_argument("--out", type=pathlib.Path, default=BUILD / "results",
                        help="folder for bench.json, table.txt, table.md and the plots")
    parser.add_argument("--from", dest="source", type=pathlib.Path, metavar="BENCH_JSON",
                        help="measure nothing; table and plots of an earlier run")
    parser.add_argument("--docs", action="store_true",
                        help="put the figures into README.md and docs/PERFORMANCE.md")
    options = parser.parse_args()
    options.only = options.only.split(",") if options.only else list(FIGURES)
    for name in options.only:
        if name not in FIGURES:
            parser.error(f"--only: no figure '{name}'; there are: {', '.join(FIGURES)}")
    options.size = os.environ.get("BENCH") or "full"
    if options.size not in SIZES:
        parser.error(f"BENCH: '{options.size}'; there are: {', '.join(SIZES)}")
    return options


def measure(options, sizes):
    """{figure: rounds}; each figure once per round, until it has its rounds."""
    wanted = {name: options.rounds or sizes["rounds"][name] for name in options.only}
    data = {name: [] for name in options.only}
    began, done, total = time.monotonic(), 0, sum(wanted.values())
    for number in range(max(wanted.values())):
        for name in options.only:
            if number >= wanted[name]:
                continue
            print(f"\r[{done:2}/{total}] {time.monotonic() - began:5.0f} s  round {number + 1}: "
                  f"{name:12}", end="", file=sys.stderr, flush=True)
            data[name].append(FIGURES[name].measure(sizes))
            done += 1
    print(f"\r[{done}/{total}] {time.monotonic() - began:.0f} s{'':30}", file=sys.stderr)
    return data


def plot(name, rounds, out):
    return getattr(plots, name)(rounds, out / f"{name}.svg")


def results(options):
    """(about the machine, {figure: rounds})"""
    if options.source:
        earlier = json.loads(options.source.read_text())
        return earlier["machine"], earlier["rounds"]
    about = {**machine.describe(), "size": options.size}
    print("  ".join(f"{key}: {value}" for key, value in about.items()), file=sys.stderr)
    data = measure(options, SIZES[options.size])
    if "scale" in data and "books" in data:
        scale.add_books(data["scale"], data["books"])
    return about, data


def main():
    options = arguments()
    about, data = results(options)
    rows = table.rows(data)
    drawn = table.drawn(rows)
    print(drawn)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "table.txt").write_text(drawn + "\n")
    (options.out / "table.md").write_text(table.markdown(rows) + "\n")
    (options.out / "bench.json").write_text(
        json.dumps({"machine": about, "table": rows, "rounds": data}, indent=1) + "\n")
    for name, rounds in data.items():
        plot(name, rounds, options.out)
    print(f"table, JSON and plots are in {os.path.relpath(options.out)}", file=sys.stderr)
    missed = sum(row["met"] is False for row in rows)
    print(f"{missed} of {sum(row['met'] is not None for row in rows)} targets missed",
          file=sys.stderr)
    if options.docs:
        docs.write(about, rows, data, options.out)


if __name__ == "__main__":
    # Also where a shell that runs it in the background has SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main()
    except Failed as failure:
        sys.exit(f"\nbench: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
