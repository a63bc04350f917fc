"""Plays a public scenario against the shipped containers, and against what stands for the least
that is possible there, in turns. Needs a container engine, compose, k6, and to be root for the
control groups; says what is missing."""
import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from containers import images, sides
from measure.processes import Failed

FEES = {"preview": {"default": "0.05", "fallback": "0.15"},
        "final": {"default": "0.07", "fallback": "0.10"}}
P99_MAX = 1.1  # times that of two bare loops


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="Environment: K6=the k6 program, BUILD_DIR=folder with "
        "bench-floor (build/bench), and those of k6/run.sh (MAX_REQUESTS, TIME_SCALE).")
    parser.add_argument("--scenario", choices=sorted(FEES), default="preview")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sides", default="haproxy,loops,tollgate",
                        help="by comma: haproxy, loops, tollgate")
    parser.add_argument("--out", type=pathlib.Path,
                        default=images.ROOT / "build" / "bench" / "containers.json")
    options = parser.parse_args()
    options.sides = options.sides.split(",")
    for side in options.sides:
        if side not in ("haproxy", "loops", "tollgate"):
            parser.error(f"--sides: no side '{side}'")
    return options


def say(text):
    print(f"{time.strftime('%T')}  {text}", flush=True)


def play(scenario, folder, k6):
    """k6's own figures of one run."""
    result = folder / "result.json"
    result.unlink(missing_ok=True)
    environment = {**os.environ, "K6": k6, "RESULT_FILE": str(result),
                   "BASE_URL": f"{sides.HOST}:9999", "DEFAULT_URL": f"{sides.HOST}:8001",
                   "FALLBACK_URL": f"{sides.HOST}:8002"}
    run = subprocess.run([images.ROOT / "k6" / "run.sh", scenario], capture_output=True, text=True,
                         env=environment, check=False)
    if not result.exists():
        raise Failed(f"k6 left no result:\n{run.stdout[-1500:]}{run.stderr[-1500:]}")
    return checked(json.loads(result.read_text()))


def checked(figures):
    if not figures["accepted"] or figures["failed"]:
        raise Failed(f"{figures['accepted']} payments were accepted and "
                     f"{figures['failed']} requests failed: not a figure")
    return figures


def one(options, name, folder, k6):
    with sides.Side(name, folder, FEES[options.scenario]) as side:
        time.sleep(3)  # what a start costs is not what a run costs
        before = side.read()
        figures = play(options.scenario, folder, k6)
        spent = sides.spent(before, side.read())
        side.check()
        for name, part in spent.items():
            if part["periods"] == 0:
                raise Failed(f"{name} has no CPU quota: its limit is not in force")
        return {"k6": figures, "containers": spent}


def table(runs):
    lines = ["side        p99 ms, median (each)              score     lost  differed"]
    for name, rounds in runs.items():
        p99 = [run["k6"]["payment_p99_ms"] for run in rounds]
        each = " ".join(f"{value:.2f}" for value in p99)
        books = name == "tollgate"
        score = (f"{statistics.median(run['k6']['total'] for run in rounds):12.2f}"
                 if books and "total" in rounds[0]["k6"] else f"{'-':>12}")
        lost = sum(run["k6"]["lost"] for run in rounds) if books else "-"
        differed = sum(run["k6"]["inconsistent"] for run in rounds) if books else "-"
        lines.append(f"{name:<10}{statistics.median(p99):8.2f}  ({each})".ljust(44)
                     + f"{score}{lost:>9}{differed:>10}")
    lines.append("")
    lines.append("side        container     CPU s   throttled periods (of, each run)  "
                 "   peak MB with cache")
    for name, rounds in runs.items():
        for service in sides.SERVICES:
            parts = [run["containers"][service] for run in rounds]
            throttled = " ".join(f"{part['throttled']}/{part['periods']}" for part in parts)
            lines.append(f"{name:<12}{service:<12}"
                         f"{statistics.median(part['cpu_s'] for part in parts):7.2f}   "
                         f"{throttled:<36}{max(part['memory_mb'] for part in parts):10.1f}")
    if "tollgate" in runs and "loops" in runs:
        ours, theirs = (statistics.median(run["k6"]["payment_p99_ms"] for run in runs[side])
                        for side in ("tollgate", "loops"))
        verdict = "met" if ours <= P99_MAX * theirs else "MISSED"
        lines.append(f"\np99 of Tollgate: {ours / theirs:.2f} x two bare loops, at most {P99_MAX}: "
                     f"{verdict}")
    return "\n".join(lines)


def main():
    options = arguments()
    k6 = os.environ.get("K6", "k6")
    build = pathlib.Path(os.environ.get("BUILD_DIR", images.ROOT / "build" / "bench"))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if shutil.which(k6) is None:
            raise Failed(f"{k6} is not found; K6=… names the k6 program")
        images.check_engine()
        images.prepare(say, build.resolve() / "bench-floor")
        runs = {name: [] for name in options.sides}
        with tempfile.TemporaryDirectory(prefix="tollgate-containers-") as folder:
            for number in range(options.rounds):
                # Each side is first once, as a first run has colder caches.
                first = number % len(options.sides)
                for name in options.sides[first:] + options.sides[:first]:
                    say(f"round {number + 1} of {options.rounds}: {name}")
                    runs[name].append(one(options, name, pathlib.Path(folder), k6))
                    options.out.write_text(json.dumps(runs, indent=1) + "\n")
    except Failed as error:
        print(f"containers: {error}", file=sys.stderr)
        return 2
    print(table(runs))
    print(f"written to {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
