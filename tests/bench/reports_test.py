#!/usr/bin/env python3
"""How bench/ evaluates measurements: medians against targets, and callgrind's files."""
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
import unittest.mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench" / folder) for folder in ("", "instructions", "k6")]

import compare  # noqa: E402
import runs  # noqa: E402
import shares  # noqa: E402
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
        # The second round ran on a machine of half the speed: the ratios are the same.
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


def k6_run(p99, lost=0, share=0.99, **more):
    return {"payment_p99_ms": p99, "payment_median_ms": 1.0, "payment_max_ms": 9.0,
            "accepted": 10, "failed": 0, "lost": lost, "inconsistent": 0, "audits": 4,
            "settled_difference": 0, "share_of_bound": share, "booked_settled": 10,
            "booked_at_end": 10, "clean": True, **more}


class K6(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, content):
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def agree(self, share, **more):
        sim = self.write("sim.csv", "schedule,share\nfinal,0.5\npreview,0.99\n")
        real = self.write("k6.json", k6_run(1.0, share=share, **more))
        with unittest.mock.patch.object(sys, "argv", ["shares", "preview", sim, real]), \
                contextlib.redirect_stdout(io.StringIO()):
            return not shares.main()

    def test_sides_are_medians_against_haproxy_by_itself(self):
        for name, times in {"haproxy": (1, 2, 9), "tollgate": (3, 1, 2.5)}.items():
            for number, p99 in enumerate(times):
                self.write(f"{name}.{number + 1}.json", k6_run(p99, lost=number))
        sides = runs.sides_of(self.folder)
        self.assertEqual(list(sides), ["haproxy", "tollgate"])
        self.assertEqual(sides["tollgate"]["ratio"], 1.25)
        cells = runs.line("tollgate", sides["tollgate"]).split()
        self.assertEqual(cells[-2:], ["3", "0"], "what was lost is summed over the rounds")
        self.assertEqual(runs.line("haproxy", sides["haproxy"]).split()[-2:], ["-", "-"])

    def test_simulator_and_daemon_agree_within_a_point_of_a_clean_run(self):
        self.assertTrue(self.agree(0.985))
        self.assertFalse(self.agree(0.979))
        self.assertFalse(self.agree(0.985, clean=False))


if __name__ == "__main__":
    unittest.main()
