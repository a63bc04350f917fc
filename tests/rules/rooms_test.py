#!/usr/bin/env python3
"""The rules of the house that a machine can check, in the spirit of tigerbeetle's src/tidy.zig.

Every #include is held against the table of rooms in docs/ARCHITECTURE.md: arrows never point
upward, third-party headers stay in their rooms, private headers stay private. Files and lines are
bounded. Each rule is first shown a line that breaks it, so that it cannot pass by not looking.
"""
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# room: the rooms it may include besides itself.
ALLOWED = {
    "base": set(),
    "payments": {"base"},
    "http": set(),
    "net": {"base"},
    "table": {"payments", "base", "net"},
    "metrics": {"base", "payments"},
    "upstream": {"net", "payments", "base"},
    "ledger": {"net", "payments", "base"},
    "server": {"http", "net", "base"},
    "forward": {"ledger", "upstream", "table", "metrics", "payments", "base", "net"},
    "health": {"ledger", "upstream", "table", "metrics", "payments", "base", "net"},
    "api": {"server", "http", "ledger", "upstream", "table", "metrics", "payments", "base", "net"},
}
ALLOWED["config"] = {"net", "payments", "base"}
ALLOWED["reconcile"] = {"config", "ledger", "upstream", "net", "payments", "base"}
ALLOWED["app"] = set(ALLOWED) - {"reconcile"}
# Headers of values that a room may include although it may not include their rooms.
VALUES = {
    "config": {"forward/cutoff.h", "ledger/redis_options.h", "server/server_options.h",
               "table/durability.h", "upstream/processor_options.h"},
}

# header prefix: the rooms that may include it.
THIRD_PARTY = {
    "spdlog/": None,  # set up in base; every room may log
    "simdjson": {"payments"},
    "curl/": {"upstream"},
    "hiredis/": {"ledger"},
    "prometheus/": {"metrics"},
    "CLI/": {"config"},
    "toml++/": {"config"},
}
LINES_MAX = 400
COLUMNS_MAX = 100


def room_of(path):
    parts = pathlib.PurePosixPath(path).parts
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    if parts[:2] == ("include", "tollgate") and len(parts) > 3:
        return parts[2]
    return None


def include_problem(path, line):
    """What is wrong with this #include line in this file; None if nothing."""
    match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
    room = room_of(path)
    if not match or room is None:
        return None
    header = match.group(1)
    for prefix, rooms in THIRD_PARTY.items():
        if header.startswith(prefix) and rooms is not None and room not in rooms:
            return f"{header} belongs to {', '.join(sorted(rooms))}, not to {room}"
    if header.startswith("tollgate/"):
        target = header.split("/")[1]
        if header.removeprefix("tollgate/") in VALUES.get(room, ()):
            return None
        if target != room and target not in ALLOWED[room]:
            return f"{room} may not include {target}"
    elif "/" in header and header.split("/")[0] in ALLOWED:
        if header.split("/")[0] != room:
            return f"{header} is private to {header.split('/')[0]}"
        if path.startswith("include/"):
            return f"a public header includes the private {header}"
    return None


def main_problem(text):
    """What is wrong with the way this file starts a program; None if nothing or it has no main."""
    if "BENCHMARK_MAIN" in text:
        return "BENCHMARK_MAIN is a main that does not call OccupyStandardDescriptors first"
    for match in re.finditer(r"(?m)^\s*(?:int|auto)\s+main\s*\([^)]*\)[^{;]*\{\s*([^;]*;)", text):
        if match.group(1) != "tollgate::base::OccupyStandardDescriptors();":
            return "the first statement of main is not tollgate::base::OccupyStandardDescriptors()"
    return None


def files():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    names = listed.stdout.split("\n") if listed.returncode == 0 else [
        str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if "build" not in p.parts]
    return [n for n in names if n.endswith((".h", ".cc")) and (ROOT / n).is_file()]


class Rules(unittest.TestCase):
    def test_each_rule_sees_a_line_that_breaks_it(self):
        for path, line in [
            ("src/base/x.cc", '#include "tollgate/net/event_loop.h"'),
            ("src/http/x.cc", '#include "tollgate/base/clock.h"'),
            ("src/forward/x.cc", "#include <curl/curl.h>"),
            ("src/api/x.cc", '#include "tollgate/forward/forwarder.h"'),
            ("src/api/x.cc", '#include "ledger/lua_scripts.h"'),
            ("include/tollgate/ledger/x.h", '#include "ledger/lua_scripts.h"'),
        ]:
            self.assertIsNotNone(include_problem(path, line), f"{path}: {line}")
        self.assertIsNone(include_problem("src/app/x.cc", '#include "tollgate/net/listener.h"'))
        self.assertIsNone(include_problem("src/upstream/x.cc", "#include <curl/curl.h>"))

    def test_includes_keep_to_the_table_of_rooms(self):
        problems = []
        seen = 0
        for name in files():
            for number, line in enumerate((ROOT / name).read_text().split("\n"), 1):
                seen += line.lstrip().startswith("#include")
                problem = include_problem(name, line)
                if problem:
                    problems.append(f"{name}:{number}: {problem}")
        self.assertGreater(seen, 100, "no includes found: run this from the checkout")
        self.assertEqual(problems, [])

    def test_files_and_lines_stay_readable(self):
        problems = []
        for name in files():
            lines = (ROOT / name).read_text().split("\n")
            if len(lines) - 1 > LINES_MAX and not name.startswith("tests/"):
                problems.append(f"{name}: {len(lines) - 1} lines, at most {LINES_MAX}")
            for number, line in enumerate(lines, 1):
                if len(line) > COLUMNS_MAX and "http" not in line:
                    problems.append(f"{name}:{number}: {len(line)} columns")
        self.assertEqual(problems, [])

    def test_public_headers_say_who_may_call_them(self):
        problems = []
        for name in files():
            if name.startswith("include/tollgate/"):
                head = (ROOT / name).read_text().split("#pragma once")[0]
                if not head.startswith("//"):
                    problems.append(f"{name}: no opening comment")
        self.assertEqual(problems, [])

    # Tests' mains are GoogleTest's and libFuzzer's: they keep nothing that a log could spoil.
    def test_every_program_first_keeps_the_standard_descriptors_from_other_use(self):
        call = "tollgate::base::OccupyStandardDescriptors();"
        self.assertIsNone(main_problem(f"int main() {{\n  {call}\n  return 0;\n}}"))
        for broken in ("int main() {\n  return 0;\n}",
                       f"int main(int argc, char** argv) {{\n  Run();\n  {call}\n}}",
                       f"auto main() -> int {{\n  Run();\n  {call}\n}}",
                       "BENCHMARK_MAIN();"):
            self.assertIsNotNone(main_problem(broken), broken)
        programs = {}
        for name in files():
            text = (ROOT / name).read_text()
            if re.search(r"\bmain\s*\(\s*(int|\)|void)|BENCHMARK_MAIN", text):
                programs[name] = main_problem(text)
        self.assertIn("src/main.cc", programs)
        self.assertEqual({n: p for n, p in programs.items() if p}, {})

    def test_no_unfinished_marks(self):
        mark = re.compile(r"\b(FIXME|TODO|XXX|HACK)\b")
        problems = [f"{name}:{number}" for name in files()
                    for number, line in enumerate((ROOT / name).read_text().split("\n"), 1)
                    if mark.search(line)]
        self.assertEqual(problems, [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
