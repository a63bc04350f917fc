#!/usr/bin/env python3
"""The rules of the house that a machine can check, in the spirit of tigerbeetle's src/tidy.zig.

Every #include is compared with the table of rooms in src/CMakeLists.txt (layers.py reads it): no
room includes a higher one, third-party headers stay in their rooms, private headers stay private.
The lengths of files and lines are limited. Each rule is first tested with a line that breaks it, so
that it cannot pass without a check.
"""
import pathlib
import re
import subprocess
import sys
import unittest

import layers

ROOT = pathlib.Path(__file__).resolve().parents[2]

ROOMS = layers.rooms()
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
    rules = ROOMS[room]
    for prefix in layers.HEADERS_OF.values():
        if header.startswith(prefix) and prefix not in layers.libraries_open_to(rules, ROOMS):
            return f"{header} is no library of {room}"
    if header.startswith("tollgate/"):
        target = header.split("/")[1]
        value = header.removeprefix("tollgate/") in rules.values
        if target not in (room, *rules.deps) and not value:
            return f"{room} may not include {target}"
    elif "/" in header and header.split("/")[0] in ROOMS:
        if header.split("/")[0] != room:
            return f"{header} is private to {header.split('/')[0]}"
        if path.startswith("include/"):
            return f"a public header includes the private {header}"
    return None


def includes(name):
    return re.findall(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', (ROOT / name).read_text())


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
            ("src/http/x.cc", '#include "tollgate/payments/limits.h"'),
            ("src/metrics/x.cc", '#include "tollgate/base/clock.h"'),
            ("src/forward/x.cc", "#include <curl/curl.h>"),
            ("src/api/x.cc", '#include "tollgate/forward/forwarder.h"'),
            ("src/api/x.cc", '#include "ledger/lua_scripts.h"'),
            ("include/tollgate/ledger/x.h", '#include "ledger/lua_scripts.h"'),
            ("src/reconcile/x.cc", '#include "tollgate/forward/cutoff.h"'),
            ("src/config/x.cc", '#include "tollgate/forward/forwarder.h"'),
        ]:
            self.assertIsNotNone(include_problem(path, line), f"{path}: {line}")
        self.assertIsNone(include_problem("src/app/x.cc", '#include "tollgate/net/listener.h"'))
        self.assertIsNone(include_problem("src/upstream/x.cc", "#include <curl/curl.h>"))
        self.assertIsNone(include_problem("src/net/x.cc", "#include <spdlog/spdlog.h>"))
        self.assertIsNone(
            include_problem("src/config/x.h", '#include "tollgate/forward/cutoff.h"'))

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

    def test_arrows_point_to_rooms_above_in_the_table(self):
        above = []
        for room in ROOMS.values():
            for target in [*room.deps, *(header.split("/")[0] for header in room.values)]:
                self.assertIn(target, above, f"{room.name} → {target}")
            above.append(room.name)
        self.assertIn("app", above)

    def test_every_arrow_is_used(self):
        used = {room: set() for room in ROOMS}
        for name in files():
            if room_of(name) is not None:
                used[room_of(name)].update(includes(name))
        for room in ROOMS.values():
            targets = {header.split("/")[1] for header in used[room.name]
                       if header.startswith("tollgate/")}
            self.assertEqual(set(room.deps) - targets, set(), room.name)
            self.assertEqual({f"tollgate/{h}" for h in room.values} - used[room.name], set())

    # Otherwise a header of values could include what the room may not include.
    def test_headers_of_values_include_nothing_but_values(self):
        for room in ROOMS.values():
            allowed = {f"tollgate/{header}" for header in room.values}
            for header in room.values:
                for included in includes(f"include/tollgate/{header}"):
                    if "/" in included and included not in allowed:
                        self.assertIn(included.split("/")[1], room.deps, f"{header}: {included}")

    def test_the_architecture_page_has_the_same_table(self):
        documented = layers.documented((ROOT / "docs/ARCHITECTURE.md").read_text())
        self.assertEqual({name: sorted(rooms) for name, rooms in documented.items()},
                         {room.name: sorted(room.deps) for room in ROOMS.values()})

    def test_files_and_lines_stay_readable(self):
        problems = []
        for name in files():
            lines = (ROOT / name).read_text().split("\n")
            if len(lines) - 1 > LINES_MAX:
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
                if "// Thread: " not in head:
                    problems.append(f"{name}: does not say which threads may use it")
        self.assertEqual(problems, [])

    def test_one_file_of_forwarding_changes_slots(self):
        call = re.compile(r"\btable\w*(\.|->)(SetStatus|SetClaimEpoch|Release)\b"
                          r"|(\.|->)(claim_epoch\.store)\b")
        self.assertTrue(call.search("table.Release(attempt.slot, {});"))
        self.assertTrue(call.search("parts_.table.SetStatus(attempt.slot,"))
        found = {}
        for name in files():
            if room_of(name) == "forward":
                text = (ROOT / name).read_text()
                found[name] = {match[2] or match[4] for match in call.finditer(text)}
        self.assertEqual({name: calls for name, calls in found.items() if calls}, {
            "src/forward/transitions.cc": {"SetStatus", "SetClaimEpoch", "Release"}})

    # The tests' mains are GoogleTest's and libFuzzer's: they have no data that a log may overwrite.
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

    # ThreadSanitizer's build leaves these folders out (cmake/room.cmake).
    def test_tests_of_one_thread_start_none(self):
        starts = re.compile(r"\bstd::(jthread\b|thread\b(?!::)|async\b)|\bpthread_create\b|\bfork\("
                            r"|\b(LoopThread|Committer|NameLookup|ChildProcess)\b"
                            r"|tests/support/(stack|child_process)\.h")
        for line in ("std::thread other([] {});", "std::vector<std::thread> all;",
                     "const auto answer = std::async(Ask);", "Committer committer(table);",
                     '#include "tests/support/stack.h"'):
            self.assertIsNotNone(starts.search(line), line)
        rooms = re.findall(r"tollgate_tests\((\w+)\b[^)]*\bONE_THREAD\b",
                           (ROOT / "tests/CMakeLists.txt").read_text())
        self.assertIn("forward", rooms)
        problems = [f"{name}: {found[0]}" for name in files()
                    if name.split("/")[0] == "tests" and name.split("/")[1] in rooms
                    and (found := starts.search((ROOT / name).read_text()))]
        self.assertEqual(problems, [])

    def test_no_unfinished_marks(self):
        mark = re.compile(r"\b(FIXME|TODO|XXX|HACK)\b")
        problems = [f"{name}:{number}" for name in files()
                    for number, line in enumerate((ROOT / name).read_text().split("\n"), 1)
                    if mark.search(line)]
        self.assertEqual(problems, [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
