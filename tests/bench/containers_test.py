#!/usr/bin/env python3
"""What bench/containers makes of control groups and of runs; the variants of haproxy.cfg."""
import json
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from containers import run, sides  # noqa: E402
from measure import haproxy_config  # noqa: E402
from measure.processes import Failed  # noqa: E402


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class ControlGroups(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        self.addCleanup(self.temporary.cleanup)

    def test_both_versions_say_the_same(self):
        write(self.folder, {
            "one/cpu/cpu.stat": "nr_periods 500\nnr_throttled 2\nthrottled_time 11000000\n",
            "one/cpuacct/cpuacct.usage": "780000000\n",
            "one/memory/memory.max_usage_in_bytes": "16200000\n",
            "two/cpu.stat": "usage_usec 780000\nuser_usec 1\nsystem_usec 1\nnr_periods 500\n"
                            "nr_throttled 2\nthrottled_usec 11000\n",
            "two/memory.peak": "16200000\n"})
        one = {name: self.folder / "one" / name for name in ("cpu", "cpuacct", "memory")}
        expected = {"cpu_s": 0.78, "periods": 500, "throttled": 2, "throttled_s": 0.011,
                    "memory_mb": 16.2}
        self.assertEqual(sides._read(one), expected)
        self.assertEqual(sides._read({"": self.folder / "two"}), expected)

    def test_a_run_is_what_was_spent_in_it(self):
        before = {"redis": {"cpu_s": 1.0, "periods": 10, "throttled": 3, "throttled_s": 0.5,
                            "memory_mb": 9.0}}
        after = {"redis": {"cpu_s": 1.5, "periods": 60, "throttled": 4, "throttled_s": 0.6,
                           "memory_mb": 12.0}}
        spent = sides.spent(before, after)["redis"]
        self.assertAlmostEqual(spent["cpu_s"], 0.5)
        self.assertEqual((spent["periods"], spent["throttled"]), (50, 1))
        self.assertEqual(spent["memory_mb"], 12.0, "the most of all, not a difference")


def a_run(p99, **figures):
    part = {"cpu_s": 1.0, "periods": 600, "throttled": 0, "throttled_s": 0.0, "memory_mb": 8.0}
    return {"k6": {"payment_p99_ms": p99, "lost": 0, "inconsistent": 0, "total": 369689.0,
                   **figures},
            "containers": {name: part for name in sides.SERVICES}}


class Figures(unittest.TestCase):
    def test_the_verdict_is_against_two_bare_loops(self):
        runs = {"loops": [a_run(2.0), a_run(1.9), a_run(2.1)],
                "tollgate": [a_run(2.2), a_run(9.0), a_run(2.1)]}
        self.assertIn("1.10 x two bare loops, at most 1.1: met", run.table(runs))
        runs["tollgate"][0] = a_run(2.3)
        self.assertIn("1.15 x two bare loops, at most 1.1: MISSED", run.table(runs))

    def test_without_the_loops_nothing_is_claimed(self):
        self.assertNotIn("at most", run.table({"tollgate": [a_run(2.0)]}))

    def test_a_run_with_failed_requests_is_no_figure(self):
        for accepted, failed in ((0, 0), (16_000, 1)):
            with self.assertRaises(Failed):
                run.checked({"accepted": accepted, "failed": failed})
        self.assertEqual(run.checked({"accepted": 1, "failed": 0})["accepted"], 1)


class Variants(unittest.TestCase):
    def test_each_differs_from_the_shipped_one_in_one_respect(self):
        shipped = haproxy_config.SHIPPED.read_text()
        answering = haproxy_config.answering(shipped)
        self.assertEqual(len(answering.splitlines()), len(shipped.splitlines()) + 1)
        self.assertNotIn("http-check", haproxy_config.unchecked(shipped))
        self.assertIn("server gateway-1", haproxy_config.unchecked(shipped))

    def test_one_that_changes_nothing_is_an_error(self):
        for change in haproxy_config.KINDS.values():
            with self.assertRaises(ValueError):
                change(json.dumps("another file"))


if __name__ == "__main__":
    unittest.main()
