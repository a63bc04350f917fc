#!/usr/bin/env python3
"""Whether the schedule simulator and the daemon agree: shares.py SCENARIO SIM_CSV K6_RESULT prints
both shares of the bound, and exits 1 if they are more than a point apart or the run is not clean.
"""
import csv
import json
import pathlib
import sys

POINTS_MAX = 1


def main():
    scenario, sim_file, real_file = sys.argv[1:]
    with open(sim_file, encoding="utf-8") as lines:
        sim = next(100 * float(row["share"])
                   for row in csv.DictReader(lines) if row["schedule"] == scenario)
    real = json.loads(pathlib.Path(real_file).read_text())
    share = 100 * real["share_of_bound"]
    apart = abs(sim - share)
    print(f"  {scenario}: schedule-sim {sim:.2f} %, the daemon {share:.2f} %, {apart:.2f} points"
          f" apart (at most {POINTS_MAX})")
    print(f"  the daemon: {real['accepted']} accepted, {real['failed']} failed,"
          f" {real['booked_settled']} booked once settled ({real['booked_at_end']} at the end),"
          f" {real['inconsistent']} of {real['audits']} audits differed,"
          f" p99 {real['payment_p99_ms']:.2f} ms")
    return apart > POINTS_MAX or not real["clean"]


if __name__ == "__main__":
    sys.exit(main())
