#!/usr/bin/env python3
"""The rules that tools/mutants.py takes out are still where tests/mutants says.

Without this test a rename that breaks a mutant would only be found by a run of all mutants, which
takes long. The check and the report are first tested with examples that they must find.
"""
import dataclasses
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import mutants  # noqa: E402

EDIT = mutants.Edit(file="src/x/x.cc", old="Look();", new="")
GOOD = mutants.Mutant(name="it is looked at first", room="x", edits=(EDIT,), program="x_test",
                      tests="XTest.Looks*")


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for name, text in (("src/x/x.cc", "Look();\nSend();\nSend();\n"),
                           ("tests/x/x_test.cc", "TEST_F(XTest, LooksFirst) {}\n")):
            path = self.root / name
            path.parent.mkdir(parents=True)
            path.write_text(text, encoding="utf-8")

    def problems(self, *changes):
        rules = [dataclasses.replace(GOOD, **change) for change in changes]
        return mutants.check(rules, self.root)

    def edited(self, **change):
        return self.problems({"edits": (EDIT, dataclasses.replace(EDIT, **change))})[0]

    def test_what_is_in_its_place_is_no_problem(self):
        self.assertEqual(self.problems({}), [])

    def test_a_text_that_moved_or_is_not_the_only_one_is_seen(self):
        self.assertRegex(self.edited(old="Looks();"), "is 0 times in src/x/x.cc")
        self.assertRegex(self.edited(old="Send();"), "is 2 times in src/x/x.cc")
        self.assertRegex(self.edited(old=""), "is 0 times")
        self.assertRegex(self.edited(file="src/x/y.cc"), "there is no src/x/y.cc")

    def test_a_rule_that_stays_and_one_that_is_there_twice_are_seen(self):
        self.assertRegex(self.edited(new=EDIT.old), "changes nothing")
        self.assertRegex(self.problems({}, {})[0], "2 rules have this name")

    def test_a_test_that_was_renamed_is_seen(self):
        self.assertRegex(self.problems({"tests": "XTest.Asks*"})[0], "x_test has no test")
        self.assertRegex(self.problems({"tests": "XTest.Looks*:YTest.*"})[0], "'YTest")
        self.assertRegex(self.problems({"program": "y_test"})[0], "y_test has no test")

    def test_a_key_that_there_is_not_is_refused(self):
        path = self.root / "tests" / "mutants" / "x.toml"
        path.parent.mkdir()
        text = "[[mutant]]\nname = 'a'\nfile = 'b'\nold = 'c'\nnew = 'd'\n"
        path.write_text(text + "also = [{file = 'e', old = 'f', new = 'g'}]\n")
        self.assertEqual([edit.file for edit in mutants.read_mutants(self.root)[0].edits],
                         ["b", "e"])
        path.write_text(text + "test = 'h'\n")
        with self.assertRaises(TypeError):
            mutants.read_mutants(self.root)


class Tree(unittest.TestCase):
    def test_every_rule_is_in_its_place(self):
        rules = mutants.read_mutants(ROOT)
        self.assertGreater(len(rules), 40)
        self.assertEqual(mutants.check(rules, ROOT), [])


class WhatItSaid(unittest.TestCase):
    def test_the_simulations_kinds_the_most_frequent_first(self):
        one = "00000000-0000-0001-0000-00000000000"
        said = mutants.what_it_said(
            "[ RUN      ] Simulation.A\nx.cc:1: Failure\nSEED=1 replays it:\n"
            f"{one}1: lost\n{one}2: charged twice\n{one}3: charged twice\n\n"
            "[  FAILED  ] Simulation.A (5 ms)\n[ RUN      ] Simulation.B\n"
            "[  SKIPPED ] Simulation.B (0 ms)\n")
        self.assertEqual(said, "Simulation.A: charged twice, lost")

    def test_another_tests_first_lines(self):
        said = mutants.what_it_said("[ RUN      ] X.A\nx.cc:1: Failure\nValue of: a\n  Actual: 1\n"
                                    "[  FAILED  ] X.A (5 ms)\n[ RUN      ] X.B\n")
        self.assertEqual(said, "X.A: Value of: a, Actual: 1")

    def test_a_program_that_died(self):
        said = mutants.what_it_said("[ RUN      ] X.A\nassertion failed: a at x.cc:1\n")
        self.assertEqual(said, "X.A: assertion failed: a at x.cc:1")
        self.assertEqual(mutants.what_it_said("[ RUN      ] X.A\n"), "X.A: it died")


if __name__ == "__main__":
    unittest.main(verbosity=2)
