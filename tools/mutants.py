#!/usr/bin/env python3
"""Takes one rule out of the sources at a time and runs the test that must find the hole.

    tools/mutants.py [PATTERN]          take out the rules whose names match; all without one
    tools/mutants.py --list [PATTERN]   their names, files and tests
    tools/mutants.py --check            is each rule's text in its file, once? Builds nothing

The rules stand in tests/mutants/*.toml, one file per room or topic. It works in a copy of the
sources as they are now, build/mutants, which stays for the next run: only what changed is built
again.
Prints a line per rule and ends with 1 if one escapes.
"""
import argparse
import collections
import dataclasses
import fcntl
import fnmatch
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[1]
SOURCES = ("CMakeLists.txt", "CMakePresets.json", "bench", "cmake", "include", "src", "tests",
           "tools")
RUN_SECONDS_MAX = 900
NEVER_ENDS = f"it does not end within {RUN_SECONDS_MAX} s"


@dataclasses.dataclass(frozen=True)
class Edit:
    """`new` stands for the text `old` of `file`."""
    file: str
    old: str
    new: str


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One rule, taken out by its edits while `tests` of `program` run."""
    name: str
    room: str
    edits: tuple[Edit, ...]  # several where a rule is kept in several places
    program: str = "forward_test"
    tests: str = "Simulation.*"  # a filter of GoogleTest's
    seeds: int = 0               # the simulation needs at least so many to find it


def read_mutants(root: pathlib.Path) -> list[Mutant]:
    """Raises KeyError or TypeError at a key that is missing, or that there is not."""
    mutants = []
    for path in sorted((root / "tests" / "mutants").glob("*.toml")):
        with path.open("rb") as stream:
            tables = tomllib.load(stream)["mutant"]
        for table in tables:
            first = Edit(table.pop("file"), table.pop("old"), table.pop("new"))
            others = [Edit(**edit) for edit in table.pop("also", [])]
            mutants.append(Mutant(room=path.stem, edits=(first, *others), **table))
    return mutants


def place_problem(mutant: Mutant, root: pathlib.Path) -> str | None:
    """Why one of its texts cannot be replaced; None if each can."""
    for edit in mutant.edits:
        path = root / edit.file
        if not path.is_file():
            return f"there is no {edit.file}"
        times = path.read_text(encoding="utf-8").count(edit.old) if edit.old else 0
        if times != 1:
            return f"its text is {times} times in {edit.file}"
        if edit.old == edit.new:
            return f"it changes nothing in {edit.file}"
    return None


def tests_of(program: str, root: pathlib.Path) -> set[str]:
    """The tests of a program, as suite.test, by what its folder's files say."""
    found: set[str] = set()
    for path in (root / "tests" / program.removesuffix("_test")).glob("*.cc"):
        pairs = re.findall(r"\bTEST(?:_[FP])?\(\s*(\w+),\s*(\w+)\)", path.read_text("utf-8"))
        found.update(f"{suite}.{test}" for suite, test in pairs)
    return found


def check(mutants: list[Mutant], root: pathlib.Path) -> list[str]:
    """What is wrong with the rules, a line each."""
    problems = []
    names = collections.Counter(mutant.name for mutant in mutants)
    tests = {program: tests_of(program, root) for program in {m.program for m in mutants}}
    for mutant in mutants:
        if problem := place_problem(mutant, root):
            problems.append(f"{mutant.name}: {problem}")
        for one in mutant.tests.split(":"):
            if not fnmatch.filter(tests[mutant.program], one):
                problems.append(f"{mutant.name}: {mutant.program} has no test '{one}'")
    problems += [f"{name}: {times} rules have this name" for name, times in names.items()
                 if times > 1]
    return problems


def sources(root: pathlib.Path) -> set[pathlib.Path]:
    found: set[pathlib.Path] = set()
    for name in SOURCES:
        path = root / name
        files = path.rglob("*") if path.is_dir() else [path]
        found.update(f.relative_to(root) for f in files
                     if f.is_file() and "__pycache__" not in f.parts)
    return found


def copy_sources(copy: pathlib.Path) -> None:
    """Makes the copy's sources those of now. What is the same keeps its time, and is not built."""
    wanted = sources(ROOT)
    for name in sources(copy) - wanted:
        (copy / name).unlink()
    for name in wanted:
        there = copy / name
        if there.is_file() and there.read_bytes() == (ROOT / name).read_bytes():
            continue
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, there)


class Copy:
    """The copy in which the rules are taken out."""

    def __init__(self, folder: pathlib.Path, jobs: int, seeds: int):
        self.folder, self.jobs, self.seeds = folder, jobs, seeds
        self.output = ""  # of the last build or run

    def configure(self) -> bool:
        return self._call(["cmake", "--preset", "dev", "--log-level=ERROR"])

    def build(self, programs: list[str]) -> bool:
        return self._call(["cmake", "--build", "build/dev", "-j", str(self.jobs), "--target",
                           *programs])

    def passes(self, program: str, tests: str, seeds: int = 0) -> bool:
        environment = {**os.environ, "TOLLGATE_SIM_SEEDS": str(max(seeds, self.seeds))}
        return self._call([f"build/dev/tests/{program}", f"--gtest_filter={tests}",
                           "--gtest_fail_fast"], environment, RUN_SECONDS_MAX)

    def _call(self, command: list[str], environment: dict[str, str] | None = None,
              seconds_max: float | None = None) -> bool:
        with tempfile.TemporaryFile() as output:
            try:
                code = subprocess.run(command, cwd=self.folder, env=environment, stdout=output,
                                      stderr=subprocess.STDOUT, timeout=seconds_max,
                                      check=False).returncode
            except subprocess.TimeoutExpired:
                code = None
            output.seek(0)
            self.output = output.read().decode(errors="replace")
        if code is None:
            self.output += f"\n{NEVER_ENDS}"
        return code == 0


def what_it_said(output: str) -> str:
    """The test that failed and, in a few words, of what."""
    # After a failure the tests that are left out are listed as well; one that died is not.
    failed = re.findall(r"(?m)^\[  FAILED  \] (\S+) \(", output)
    running = re.findall(r"(?m)^\[ RUN      \] (\S+)", output)
    where = (failed[:1] or running[-1:] or ["no test"])[0]
    told: list[str] = []
    if "replays it:\n" in output:  # the simulation's list, a line per payment
        lines = output.split("replays it:\n", 1)[1].split("\n\n")[0].splitlines()
        kinds = collections.Counter(
            re.sub(r"\S+\.table", "the table", line.removeprefix(line[:36] + ": "))
            for line in lines if not line.startswith("["))
        told = [kind for kind, _ in kinds.most_common(2)]
    elif broken := re.search(r"(?m)^.*assertion failed.*$", output):
        told = [broken.group(0).strip()]
    elif ": Failure\n" in output:
        told = re.split(r"\n(?:\n|\[)", output.split(": Failure\n", 1)[1])[0].splitlines()[:3]
    elif output.endswith(NEVER_ENDS):
        told = [NEVER_ENDS]
    else:
        told = ["it died"]
    return f"{where}: " + ", ".join(" ".join(line.split())[:90] for line in told)


def try_one(mutant: Mutant, copy: Copy) -> tuple[str, str]:
    """Its verdict, and what was said."""
    if problem := place_problem(mutant, copy.folder):
        return "does not apply", problem
    paths = {copy.folder / edit.file for edit in mutant.edits}
    before = {path: path.read_text(encoding="utf-8") for path in paths}
    for edit in mutant.edits:
        path = copy.folder / edit.file
        text = path.read_text(encoding="utf-8").replace(edit.old, edit.new)
        path.write_text(text, encoding="utf-8")
    try:
        if not copy.build([mutant.program]):
            errors = re.findall(r"error: .*", copy.output)
            return "does not build", errors[0] if errors else ""
        if copy.passes(mutant.program, mutant.tests, mutant.seeds):
            return "NOT FOUND", ""
        return "found", what_it_said(copy.output)
    finally:
        for path, text in before.items():
            path.write_text(text, encoding="utf-8")


def baseline_problem(mutants: list[Mutant], copy: Copy) -> str | None:
    """The unchanged sources build, and pass each test that has to fail."""
    if not copy.configure() or not copy.build(sorted({m.program for m in mutants})):
        return "the unchanged sources do not build"
    for program, tests in sorted({(m.program, m.tests) for m in mutants}):
        seeds = max(m.seeds for m in mutants if (m.program, m.tests) == (program, tests))
        if not copy.passes(program, tests, seeds):
            return f"the unchanged sources fail {tests} of {program}"
        if "Running 0 tests" in copy.output:
            return f"{program} has no test '{tests}'"
    return None


def run(mutants: list[Mutant], copy: Copy) -> list[dict[str, object]] | None:
    """A result per rule; None if the unchanged sources are no good."""
    copy_sources(copy.folder)
    if problem := baseline_problem(mutants, copy):
        print(copy.output[-4000:], file=sys.stderr)
        print(f"mutants: {problem}", file=sys.stderr)
        return None
    results: list[dict[str, object]] = []
    for number, mutant in enumerate(mutants, 1):
        began = time.monotonic()
        verdict, said = try_one(mutant, copy)
        print(f"{number:>3} of {len(mutants)}  {mutant.name:<84} {verdict}"
              + (f": {said}" if said else ""), flush=True)
        results.append({"name": mutant.name, "room": mutant.room, "file": mutant.edits[0].file,
                        "program": mutant.program, "tests": mutant.tests, "verdict": verdict,
                        "said": said, "seconds": round(time.monotonic() - began)})
    return results


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("pattern", nargs="?", default="", help="a regular expression, in the name")
    parser.add_argument("--check", action="store_true", help="build nothing; does each apply?")
    parser.add_argument("--list", action="store_true", help="build nothing; say which there are")
    parser.add_argument("--seeds", type=int, default=2000, help="of the simulation, 2000")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="of the build")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="the results")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    mutants = read_mutants(ROOT)
    if options.check:
        problems = check(mutants, ROOT)
        for problem in problems:
            print(f"mutants: {problem}", file=sys.stderr)
        return 1 if problems or not mutants else 0
    mutants = [m for m in mutants if re.search(options.pattern, m.name)]
    if not mutants:
        sys.exit(f"mutants: no rule's name matches '{options.pattern}'")
    if options.list:
        for mutant in mutants:
            print(f"{mutant.name:<84} {mutant.edits[0].file}  {mutant.program} {mutant.tests}")
        return 0
    folder = ROOT / "build" / "mutants"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one run at a time
        began = time.monotonic()
        results = run(mutants, Copy(folder, options.jobs, options.seeds))
    if results is None:
        return 2
    escaped = [r for r in results if r["verdict"] != "found"]
    if options.json:
        options.json.write_text(json.dumps(
            {"seconds": round(time.monotonic() - began), "seeds": options.seeds,
             "mutants": results}, indent=2) + "\n", encoding="utf-8")
    print(f"{len(results) - len(escaped)} of {len(results)} found")
    return 1 if escaped else 0


if __name__ == "__main__":
    sys.exit(main())
