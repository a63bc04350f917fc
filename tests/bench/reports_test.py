#!/usr/bin/env python3
"""What bench/ makes of its measurements: medians against targets, and callgrind's files."""
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "bench" / "instructions")]

import compare  # noqa: E402
from report import table  # noqa: E402


def accept_round(ours, floor, haproxy):
    over = {"gateway": {"us": ours, "process_us": ours + 1}, "floor": {"us": floor},
            "haproxy": {"us": haproxy}, "nginx": {"us": 7.0}}
    return {"tcp": over, "unix": over}


def verdicts(data):
    return {(row["what"], row["target"]): row["met"] for row in table.rows(data) if row["target"]}


class Table(unittest.TestCase):
    WHAT = "CPU per accepted payment, TCP"

    def test_a_figure_is_held_against_the_peer_of_its_own_round(self):
        # The second round ran on a machine that was twice as slow: the ratios are the same.
        rounds = [accept_round(6.9, 5, 8), accept_round(13.8, 10, 16), accept_round(6.9, 5, 8)]
        self.assertIs(verdicts({"accept": rounds})[self.WHAT, "≤ 1.4 × bare loop"], True)
        rounds = [accept_round(7.1, 5, 7), accept_round(14.2, 10, 14), accept_round(7.1, 5, 7)]
        self.assertIs(verdicts({"accept": rounds})[self.WHAT, "≤ 1.4 × bare loop"], False)
        self.assertIs(verdicts({"accept": rounds})[self.WHAT, "≤ HAProxy's 202"], False)

    def test_without_the_original_nothing_is_claimed_of_it(self):
        ours = {"gateway_us": 20, "redis_us": 5, "booked_per_second": 30_000}
        alone = verdicts({"forward": [{"gateway": ours}]})
        self.assertIsNone(alone["CPU per payment, accept to recorded", "≤ 1/4 original"])
        self.assertIs(alone["CPU per payment, accept to recorded", "≤ 30"], True)
        theirs = {"gateway_us": 100, "redis_us": 30, "booked_per_second": 11_000}
        both = verdicts({"forward": [{"gateway": ours, "original": theirs}]})
        self.assertIs(both["CPU per payment, accept to recorded", "≤ 1/4 original"], True)
        self.assertIs(both["booked, all on the same cores", "≥ 3 × original"], False)

    def test_none_means_none(self):
        clean = {"ours": 0.0, "curl": 0.0, "hiredis": 1.0}
        self.assertIs(verdicts({"allocations": [clean]})["allocations of ours per payment", "0"],
                      True)
        once = verdicts({"allocations": [clean, clean, {**clean, "ours": 0.0001}]})
        self.assertIs(once["allocations of ours per payment", "0"], False)

    def test_the_drawn_table_is_straight_and_says_what_was_missed(self):
        text = table.drawn(table.rows({"accept": [accept_round(9, 5, 8)]}))
        self.assertEqual(len({len(line) for line in text.splitlines()}), 1)
        self.assertIn("MISSED", text)
        self.assertIn("≤ 1.4 × bare loop = 7", text)


CALLGRIND = """# callgrind format
desc: Trigger: Client Request: step
summary: 900
ob=(1) /some/where/bench-instructions
fl=(1) a.cc
fn=(1) Ours()
10 100
+2 50
cob=(2) /lib/libc.so.6
cfn=(2) memcmp
calls=3 0
* 600
ob=(2)
fn=(2)
5 600
ob=(1)
fn=(1)
-1 150
"""


class Compare(unittest.TestCase):
    def run_of(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder)
            (path / "times").write_text("10\n")
            (path / "callgrind.1").write_text(text)
            return compare.read_run(path)

    def test_only_what_is_ours_counts(self):
        run = self.run_of(CALLGRIND)
        self.assertEqual(compare.ours(run["step"]), 30)
        self.assertEqual(sum(run["step"].values()), 90)

    def test_growth_beyond_the_tolerance_and_new_steps_are_wrong(self):
        run = self.run_of(CALLGRIND)
        self.assertEqual(compare.compare(run, {"step": 30}), [])
        self.assertEqual(compare.compare(run, {"step": 29}), [])
        self.assertEqual(compare.compare(run, {"step": 28}), ["step"])
        self.assertEqual(compare.compare(run, {}), ["step"])


if __name__ == "__main__":
    unittest.main()
