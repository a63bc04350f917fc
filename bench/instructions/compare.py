"""Reads what callgrind wrote for bench-instructions and holds it against the baseline."""
import json
import pathlib
import re
import sys

TOLERANCE = 0.05
OURS = "bench-instructions"
COST = re.compile(r"^(?:[+-]?\d+|\*) \d+$")
NAME = re.compile(r"^(c?ob|c?fn|c?fi|c?fl|fe)=\((\d+)\)(?: (.*))?$")


def read_part(path, names):
    """(step, {(object, function): self cost}); `names` spans the parts of a run."""
    step, costs, where, after_calls = None, {}, {"ob": "", "fn": ""}, False
    for line in path.read_text().splitlines():
        if line.startswith("desc: Trigger: Client Request: "):
            step = line.rsplit(": ", 1)[1]
        elif match := NAME.match(line):
            kind, number, name = match.groups()
            space = (kind.lstrip("c")[0:2], number)
            if name is not None:
                names[space] = name
            if kind in where:
                where[kind] = names[space]
        elif line.startswith("calls="):
            after_calls = True  # the next line is the called function's cost
        elif COST.match(line):
            if not after_calls:
                key = (pathlib.PurePath(where["ob"]).name, where["fn"])
                costs[key] = costs.get(key, 0) + int(line.split()[-1])
            after_calls = False
    return step, costs


def read_run(folder):
    """{step: {(object, function): instructions per time}}"""
    times = int((folder / "times").read_text())
    names, result = {}, {}
    parts = sorted(folder.glob("callgrind.*"), key=lambda p: int(p.suffix[1:]))
    for path in parts:
        step, costs = read_part(path, names)
        if step:
            result[step] = {key: cost / times for key, cost in costs.items()}
    return result


def ours(costs):
    return sum(cost for (obj, _), cost in costs.items() if obj == OURS)


def largest(costs, count=6):
    own = {fn: cost for (obj, fn), cost in costs.items() if obj == OURS}
    return sorted(own.items(), key=lambda item: -item[1])[:count]


def compare(run, baseline):
    """Prints the table; the steps that are past the baseline or have none."""
    wrong = []
    print(f"{'instructions per step':24}{'now':>8}{'baseline':>10}{'':>9}   with libraries")
    for step, costs in run.items():
        now, was = ours(costs), baseline.get(step)
        change = f"{now / was - 1:+.1%}" if was else "new"
        print(f"{step:24}{now:8.0f}{was or 0:10.0f}{change:>9}{sum(costs.values()):12.0f}")
        if not was or now > was * (1 + TOLERANCE):
            wrong.append(step)
    return wrong


def main(folder, baseline_path, accept):
    run = read_run(pathlib.Path(folder))
    path = pathlib.Path(baseline_path)
    baseline = json.loads(path.read_text()) if path.exists() else {}
    wrong = compare(run, baseline)
    if accept:
        path.write_text(json.dumps({step: round(ours(c)) for step, c in run.items()}, indent=2)
                        + "\n")
        print(f"{path} is what it costs now")
        return 0
    gone = sorted(set(baseline) - set(run))
    for step in wrong:
        print(f"\n{step} costs more than {TOLERANCE:.0%} above its baseline, or has none."
              " The most goes to:")
        for function, cost in largest(run[step]):
            print(f"  {cost:8.0f}  {function[:90]}")
    for step in gone:
        print(f"\n{step} is in the baseline and was not measured")
    if wrong or gone:
        print("\nIf that is the price of something good: bench/instructions/run.sh --accept, and"
              " say in the commit why.")
    return 1 if wrong or gone else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:] == ["--accept"]))
