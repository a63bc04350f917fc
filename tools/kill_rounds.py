#!/usr/bin/env python3
"""Many rounds of the fault tests, each kind in turn with a new seed, until so many faults were
brought about; then a table of what was found, and the same as JSON.

    tools/kill_rounds.py [--rounds 200] [--seed 1] [--only PATTERN] [--fault-test PROGRAM]
                         [--json FILE]

Every round kills, cuts, stops, copies, flushes or misleads something under load; every test ends
with the audit (tests/support/audit.h). Needs redis-server and haproxy; leaves nothing behind.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

# Filter of a test, rounds to ask it for.
KINDS = [
    ("KillTest.AGatewayKilledUnderLoadLosesNothingAndShowsNoClientAnError", 6),
    ("KillTest.AGatewayKilledAgainDuringItsRecoveryLosesNothing", 6),
    ("KillTest.BothGatewaysAndHaproxyKilledLoseNothing", 10),
    ("KillTest.SigtermUnderLoadDrainsAndExitsWithZero", 3),
    ("DiskFault.GatewaysKilledUnderLoadWithDiskDurabilityLoseNothing", 6),
    ("RedisFault.KilledAndRestartedLosesNothing", 8),
    ("RedisFault.TheTailOfItsFileCutOffLosesNothing", 6),
    ("RedisFault.TheTailCutOffWhileAGatewayIsDeadLosesNothing", 6),
    ("Absence.ProcessorsKilledUnderLoadAndStartedAgain", 6),
    ("Clocks.SkewedBetweenInstancesLoseNothingAndShiftNoPayment", 6),
    ("Clocks.MovedByWeeksAcrossAKillLoseNothing", 6),
    ("CopiedTable.OpenedWhileItsOriginalIsAtWorkChargesNothingTwice", 6),
    ("Identity.AnotherFleetInTheSameFolderLeavesTheTableAlone", 1),
    ("Identity.ACopyOfItsOwnTableInTheFolderIsLeftAlone", 1),
    ("Identity.ABackupOfATablePutBackGoesOnAndChargesNothingTwice", 6),
    ("RedisFault.AwayForLongerThanASlotRestsAndBackWithoutItsTailLosesNothing", 3),
    ("RedisFault.AllFlushedUnderLoadIsToldAgain", 6),
    ("RedisFault.DemotedAndPromotedAgainUnderLoadLosesNothing", 6),
    ("SilentOwner.WhatClientsRepeatIsTakenOverFromAGatewayThatIsLost", 1),
    ("SilentOwner.OneThatComesBackChargesNothingTwice", 1),
]
FIELDS = ["rounds", "accepted", "lost", "charged_twice", "stray", "wrong_amount",
          "summary_differences", "client_errors"]


def run(program, kind, rounds, seed, report):
    environment = dict(os.environ, TOLLGATE_FAULT_ROUNDS=str(rounds),
                       TOLLGATE_FAULT_SEED=str(seed), TOLLGATE_FAULT_REPORT=report)
    done = subprocess.run([program, f"--gtest_filter={kind}"], env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode == 0, done.stdout


def read(report):
    with open(report, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def add_up(lines):
    by_test = {}
    for line in lines:
        sums = by_test.setdefault(line["test"], dict.fromkeys(FIELDS, 0))
        for field in FIELDS:
            sums[field] += line[field]
    return by_test


def print_table(by_test):
    width = max(len(name) for name in by_test)
    print(f"\n{'test':<{width}}" + "".join(f"  {field.replace('_', ' ')}" for field in FIELDS))
    total = dict.fromkeys(FIELDS, 0)
    for name, sums in list(by_test.items()) + [("all", total)]:
        print(f"{name:<{width}}" + "".join(f"  {sums[f]:>{len(f)}}" for f in FIELDS))
        if name != "all":
            for field in FIELDS:
                total[field] += sums[field]
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="the kinds whose names this pattern finds")
    parser.add_argument("--fault-test", default="build/release/tests/fault_test")
    parser.add_argument("--json")
    options = parser.parse_args()
    if not os.access(options.fault_test, os.X_OK):
        sys.exit(f"kill_rounds: {options.fault_test} is missing; 'make kill-rounds' builds it")
    kinds = [kind for kind in KINDS if re.search(options.only, kind[0])]
    if not kinds:
        sys.exit(f"kill_rounds: no kind's name has '{options.only}'")
    failed = []
    idle = 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = os.path.join(folder, "report")
        open(report, "w", encoding="utf-8").close()
        cycle = 0
        while (done := sum(line["rounds"] for line in read(report))) < options.rounds:
            kind, rounds = kinds[cycle % len(kinds)]
            seed = options.seed + cycle
            good, output = run(options.fault_test, kind, rounds, seed, report)
            now = sum(line["rounds"] for line in read(report))
            print(f"{now:>5} of {options.rounds} rounds, {time.monotonic() - began:>5.0f} s: "
                  f"{kind} with seed {seed} {'passed' if good else 'FAILED'}", flush=True)
            if not good:
                failed.append({"test": kind, "seed": seed})
                print(output, file=sys.stderr)
            idle = idle + 1 if now == done else 0
            if idle == len(kinds) or idle > 3 and not good:
                break  # nothing works at all, or all is skipped
            cycle += 1
        by_test = add_up(read(report))
    total = print_table(by_test) if by_test else {}
    for it in failed:
        print(f"failed: {it['test']}, TOLLGATE_FAULT_SEED={it['seed']}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump({"seconds": round(time.monotonic() - began), "total": total,
                       "by_test": by_test, "failed": failed}, out, indent=2)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
