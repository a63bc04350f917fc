#!/usr/bin/env python3
"""tools/hooks/commit-msg accepts good messages and refuses the others."""
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOOK = ROOT / "tools" / "hooks" / "commit-msg"
BODY = "\n\nA script that fails half-way undoes nothing.\n"

GOOD = [
    "ledger: read before the first write in record" + BODY,
    "forward, ledger: an answer says which processor its name meant" + BODY,
    "docs: what is new to those who run it",  # a hint, no more
    "tests: " + 65 * "x" + BODY,
    "fixup! ledger: whatever it was",
    "Merge branch 'main'",
    "Revert \"table: something\"",
    "run: up\n\nWhy.\n# ------------------------ >8 ------------------------\ndiff --git\n",
]
BAD = [
    "",
    "# only a comment\n",
    "read before the first write" + BODY,
    "Ledger: read before the first write" + BODY,
    "ledgers: read before the first write" + BODY,
    "ledger:read before the first write" + BODY,
    "ledger: " + BODY,
    "ledger: read before the first write." + BODY,
    "ledger; forward: read before the first write" + BODY,
    "ledger,forward: read before the first write" + BODY,
    "tests: " + 66 * "x" + BODY,
    "ledger: read before the first write\nand this is no empty line" + BODY,
]


def run(message):
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(message)
        file.flush()
        return subprocess.run([HOOK, file.name], capture_output=True, text=True, check=False)


class CommitMessage(unittest.TestCase):
    def test_good_messages_pass(self):
        for message in GOOD:
            done = run(message)
            self.assertEqual(done.returncode, 0, f"{message!r}: {done.stderr}")

    def test_bad_messages_are_refused_with_a_reason(self):
        for message in BAD:
            done = run(message)
            self.assertEqual(done.returncode, 1, f"{message!r} passed")
            self.assertTrue(done.stderr.startswith("commit-msg: "), done.stderr)

    def test_a_body_is_asked_for(self):
        self.assertIn("says why", run(GOOD[2]).stderr)
        self.assertEqual(run(GOOD[0]).stderr, "")

    def test_every_room_is_a_prefix(self):
        for folder in sorted((ROOT / "src").iterdir()):
            if folder.is_dir():
                self.assertEqual(run(f"{folder.name}: it works" + BODY).returncode, 0, folder.name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
