#!/usr/bin/env python3
"""`make run` and `make run-fleet` say that they are up when a payment goes through, and leave no
payment behind."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("TOLLGATE_BUILD_DIR", str(ROOT / "build" / "dev"))

# Replaces curl: the first answers of both gateways say that their books take no claims yet.
CURL = """#!/bin/sh
case "$*" in */admin/routing*)
  echo >>"$ASKED"
  if [ "$(wc -l <"$ASKED")" -le 3 ]; then
    {curl} "$@" | sed 's/"claims":true/"claims":false/g'
    exit
  fi
esac
exec {curl} "$@"
"""

# The state right after "up": how often the script had asked by then, the routing of both gateways,
# and the books.
COMMAND = r"""
echo "asked $(wc -l <"$ASKED")"
for n in 1 2; do curl -s --unix-socket "$RUN_DIR/admin-$n.sock" http://tollgate/admin/routing; done
curl -s "http://127.0.0.1:$PORT/payments-summary"; echo
"""


# A payment right after "up", and how long it takes until it is in the summary.
PAY = r"""
began=$(date +%s%N)
curl -si -XPOST "http://127.0.0.1:$PORT/payments" -H 'Content-Type: application/json' \
  -d '{"correlationId":"4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3","amount":19.90}' | head -n 1
until curl -s "http://127.0.0.1:$PORT/payments-summary" | grep -q '"totalRequests":1'; do
  sleep 0.01
done
echo "took $((($(date +%s%N) - began) / 1000000)) ms"
ls "$RUN_DIR"
"""


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(it.getsockname()[1]) for it in sockets]
    for it in sockets:
        it.close()
    return ports


class Run(unittest.TestCase):
    def test_one_gateway_with_its_books_in_a_file_needs_nothing_beside_it(self):
        with tempfile.TemporaryDirectory() as folder:
            listen, default, fallback = free_ports(3)
            # Neither Redis nor HAProxy can be found.
            tools = pathlib.Path(folder, "bin")
            tools.mkdir()
            for name in ("bash", "curl", "date", "grep", "head", "ls", "sleep", "cat", "mktemp",
                         "dirname", "setsid", "rm", "tail", "sed", "env"):
                (tools / name).symlink_to(shutil.which(name))
            done = subprocess.run(
                [ROOT / "tools" / "run" / "one.sh"], stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, check=False,
                env={"BUILD_DIR": BUILD, "PORT": listen, "DEFAULT_PORT": default,
                     "FALLBACK_PORT": fallback, "TMPDIR": folder, "COMMAND": PAY,
                     "PATH": str(tools), "REDIS_URL": "redis://of.another.gateway"})
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("HTTP/1.1 202", done.stdout)
        self.assertLess(int(re.search(r"took (\d+) ms", done.stdout)[1]), 1000, done.stdout)
        self.assertIn("books.db\n", done.stdout)

    def test_up_means_that_a_payment_goes_through(self):
        with tempfile.TemporaryDirectory() as folder:
            listen, default, fallback = free_ports(3)
            curl = pathlib.Path(folder, "curl")
            curl.write_text(CURL.format(curl=shutil.which("curl")), encoding="utf-8")
            curl.chmod(0o755)
            asked = pathlib.Path(folder, "asked")
            asked.touch()
            done = subprocess.run(
                [ROOT / "tools" / "run" / "stack.sh"], stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, check=False,
                env={**os.environ, "BUILD_DIR": BUILD, "PORT": listen, "DEFAULT_PORT": default,
                     "FALLBACK_PORT": fallback, "TMPDIR": folder, "COMMAND": COMMAND,
                     "PATH": f"{folder}:{os.environ['PATH']}", "ASKED": str(asked)})
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("Tollgate is up", done.stdout)
        times = int(re.search(r"(?m)^asked (\d+)$", done.stdout)[1])
        self.assertGreaterEqual(times, 5, "up while the books take no claims")
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
