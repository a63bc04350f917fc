#!/usr/bin/env python3
"""The public scenarios by k6 against the whole set-up, from starts that are spread over the second:
does an auditor ever see a difference? Nobody tells the gateways the processors' fees.

    K6=… bench/k6/phases.py [--rounds 20] [--lanes 1] [--out FILE] [preview final]

A preview takes a minute, a final five. With two lanes two set-ups run side by side, which needs a
machine with room for both. Prints a line per run; ends with 1 if a run was not clean.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
FEES = {"preview": ("0.05", "0.15"), "final": ("0.07", "0.10")}
PORTS_EACH = 10
FIRST_PORT = 9700
RUN_SECONDS_MAX = 600


def environment(scenario, phase_ms, lane, folder):
    port = FIRST_PORT + PORTS_EACH * lane
    build = pathlib.Path(os.environ.get("BUILD_DIR", ROOT / "build" / "release"))
    default_fee, fallback_fee = FEES[scenario]
    return {**os.environ, "BUILD_DIR": str(build), "DEFAULT_SIM_FEE": default_fee,
            "FALLBACK_SIM_FEE": fallback_fee, "START_PHASE_MS": str(phase_ms),
            # As a program of others: it is told where everything is, and no fees.
            "GATEWAY": str(build / "tollgate"), "DATA_DIR": folder,
            "RESULT_FILE": f"{folder}/result.json", "PORT": str(port),
            "DEFAULT_PORT": str(port + 1), "FALLBACK_PORT": str(port + 2),
            "BASE_URL": f"http://localhost:{port}",
            "DEFAULT_URL": f"http://localhost:{port + 1}",
            "FALLBACK_URL": f"http://localhost:{port + 2}",
            "COMMAND": f"'{ROOT}/k6/run.sh' {scenario}"}


def play(scenario, phase_ms, lane):
    """The result of one run; with "complaints" alone if it did not come to one."""
    with tempfile.TemporaryDirectory(prefix="tollgate-phases.") as folder:
        done = subprocess.run([ROOT / "tools" / "run" / "stack.sh"],
                              env=environment(scenario, phase_ms, lane, folder),
                              capture_output=True, text=True, timeout=RUN_SECONDS_MAX, check=False)
        result = pathlib.Path(folder, "result.json")
        if not result.exists():
            return {"complaints": [(done.stdout + done.stderr)[-600:]]}
        return json.loads(result.read_text())


class Lanes:
    """Numbers of set-ups that nobody uses."""

    def __init__(self, count):
        self._free = list(range(count))
        self._lock = threading.Lock()

    def run(self, scenario, phase_ms):
        with self._lock:
            lane = self._free.pop()
        try:
            return play(scenario, phase_ms, lane)
        finally:
            with self._lock:
                self._free.append(lane)


def line(scenario, phase_ms, run):
    if "accepted" not in run:
        return f"  {scenario:<8} {phase_ms:>4}  did not end: {run['complaints'][0]}"
    return (f"  {scenario:<8} {phase_ms:>4} {run['audit_phase_ms']:>8.0f} {run['accepted']:>9}"
            f" {run['failed']:>7} {run['lost']:>5} {run['audits']:>7} {run['inconsistent']:>9}"
            f" {100 * run['share_of_bound']:>8.2f} {run['payment_p99_ms']:>8.2f}"
            + "".join(f"  NOT CLEAN: {text}" for text in run["complaints"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="*", default=["preview", "final"])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--lanes", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path)
    arguments = parser.parse_args()
    jobs = [(scenario, 1000 * i // arguments.rounds)
            for scenario in arguments.scenarios for i in range(arguments.rounds)]
    print("  scenario start audit at  accepted  failed  lost  audits  differed  % bound  p99 ms",
          flush=True)
    lanes = Lanes(arguments.lanes)
    runs = []
    with concurrent.futures.ThreadPoolExecutor(arguments.lanes) as pool:
        waiting = {pool.submit(lanes.run, *job): job for job in jobs}
        for future in concurrent.futures.as_completed(waiting):
            scenario, phase_ms = waiting[future]
            run = future.result()
            runs.append({"scenario": scenario, "start_phase_ms": phase_ms, **run})
            print(line(scenario, phase_ms, run), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(runs, indent=2) + "\n")
    unclean = [run for run in runs if run["complaints"]]
    audits = sum(run.get("audits", 0) for run in runs)
    differed = sum(run.get("inconsistent", 0) > 0 for run in runs)
    print(f"\n  {len(runs)} runs, {audits} audits; an auditor saw a difference in {differed} runs;"
          f" {len(unclean)} runs were not clean")
    return 1 if unclean else 0


if __name__ == "__main__":
    sys.exit(main())
