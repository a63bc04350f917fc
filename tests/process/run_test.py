#!/usr/bin/env python3
"""`make run`: it says that it is up when a payment goes through, and leaves none of its own."""
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("TOLLGATE_BUILD_DIR", str(ROOT / "build" / "dev"))

# What a newcomer could see in the moment after "up": why payments go where they go at both
# gateways, and the books.
COMMAND = r"""
for n in 1 2; do curl -s --unix-socket "$RUN_DIR/admin-$n.sock" http://tollgate/admin/routing; done
curl -s "http://127.0.0.1:$PORT/payments-summary"; echo
"""


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(it.getsockname()[1]) for it in sockets]
    for it in sockets:
        it.close()
    return ports


class Run(unittest.TestCase):
    def test_up_means_that_a_payment_goes_through(self):
        with tempfile.TemporaryDirectory() as folder:
            listen, default, fallback = free_ports(3)
            done = subprocess.run(
                [ROOT / "tools" / "run" / "stack.sh"], stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, check=False,
                env={**os.environ, "BUILD_DIR": BUILD, "PORT": listen, "DEFAULT_PORT": default,
                     "FALLBACK_PORT": fallback, "TMPDIR": folder, "COMMAND": COMMAND})
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("Tollgate is up", done.stdout)
        pages = [json.loads(it) for it in done.stdout.splitlines() if it.startswith("{")]
        self.assertEqual(len(pages), 3, done.stdout)
        for page in pages[:2]:
            self.assertTrue(page["workers"])
            for worker in page["workers"]:
                self.assertTrue(worker["claims"], page)
        for totals in pages[2].values():
            self.assertEqual(totals["totalRequests"], 0, pages[2])


if __name__ == "__main__":
    unittest.main(verbosity=2)
