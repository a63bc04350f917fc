#!/usr/bin/python3
"""How far behind the omniscient bound each rule stays, over random schedules: one SVG for each pair
of fees. Reads what `schedule-sim --csv FILE` wrote.

    tools/schedule_sim/plot.py FILE FOLDER
"""
import collections
import csv
import pathlib
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "tollgate", "font.size": 9, "axes.grid": True,
                            "grid.alpha": 0.3, "axes.spines.top": False,
                            "axes.spines.right": False})
from matplotlib import pyplot  # noqa: E402

OURS = {"expected cost": "#2a6f97", "expected cost, audit-safe": "#c1121f"}


def behind(path):
    """{fees: {rule: [points behind the bound]}} of the random schedules."""
    result = collections.defaultdict(lambda: collections.defaultdict(list))
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["schedule"] == "random":
                lost = 100 * (float(row["bound"]) - float(row["share"]))
                result[row["fees"]][row["rule"]].append(lost)
    return result


def draw(fees, rules, folder):
    figure, axes = pyplot.subplots(figsize=(7, 4))
    for rule, values in rules.items():
        values = sorted(values)
        shares = [100 * (i + 1) / len(values) for i in range(len(values))]
        axes.plot(values, shares, label=rule, color=OURS.get(rule),
                  alpha=1 if rule in OURS else 0.6, linewidth=2 if rule in OURS else 1)
    axes.set_xscale("symlog", linthresh=0.5)
    axes.set_xlim(left=0)
    axes.set_ylim(0, 100)
    axes.set_xlabel("points behind the bound")
    axes.set_ylabel("% of schedules at most that far")
    axes.set_title(f"{len(next(iter(rules.values())))} random schedules, fees {fees}", loc="left")
    axes.legend(fontsize=8, loc="lower right")
    figure.tight_layout()
    path = folder / f"behind-{fees.replace('/', '-')}.svg"
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    print(path)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    found = behind(sys.argv[1])
    if not found:
        sys.exit(f"plot: {sys.argv[1]} has no random schedules; run schedule-sim --csv first")
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for fees, rules in found.items():
        draw(fees, rules, folder)


if __name__ == "__main__":
    main()
