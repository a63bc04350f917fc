#!/usr/bin/env python3
"""The shipped HAProxy configuration spends nothing on lines that nobody reads.

Without a log format HAProxy formats "Connect from …" for each request, before it looks whether that
level is wanted: some 7 % of its time. Here every level is wanted, so such a line would be seen.
"""
import http.client
import http.server
import os
import pathlib
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
import unittest

CONFIG = pathlib.Path(__file__).resolve().parents[2] / "haproxy" / "haproxy.cfg"


class Gateway(http.server.BaseHTTPRequestHandler):
    """Ready, and answers 202 to what is posted."""
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(202 if self.command == "POST" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = answer  # noqa: N815 (the library's names)

    def address_string(self):
        return "balancer"

    def log_message(self, *_):
        pass


class Gateways(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Balancer(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        text = CONFIG.read_text(encoding="utf-8")
        everything = text.replace("local0 warning", "local0 debug")
        self.assertNotEqual(everything, text, "this test looks for another level than haproxy.cfg has")
        (self.folder / "haproxy.cfg").write_text(everything, encoding="utf-8")
        self.port = free_port()

    def serve(self):
        for number in (1, 2):
            server = Gateways(str(self.folder / f"gateway-{number}.sock"), Gateway)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.addCleanup(server.server_close)
            self.addCleanup(server.shutdown)

    def start(self):
        with open(self.folder / "log", "wb") as log:
            haproxy = subprocess.Popen(
                ["haproxy", "-db", "-f", self.folder / "haproxy.cfg"], stderr=log,
                env={**os.environ, "SOCKETS": str(self.folder), "LISTEN": f"127.0.0.1:{self.port}"})
        self.addCleanup(haproxy.wait)
        self.addCleanup(haproxy.terminate)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                self.assertLess(time.monotonic(), deadline, self.log())
                time.sleep(0.02)

    def post(self):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            client.request("POST", "/payments", body=b"{}")
            return client.getresponse().status
        finally:
            client.close()

    def log(self):
        return (self.folder / "log").read_text(encoding="utf-8")

    def lines_about_payments(self, status):
        return [line for line in self.log().splitlines()
                if "POST /payments" in line and f" {status} " in line]

    def test_what_is_answered_well_has_no_line(self):
        self.serve()
        self.start()
        for _ in range(3):
            self.assertEqual(self.post(), 202)
        self.assertNotIn("Connect from", self.log())
        self.assertEqual(self.lines_about_payments(202), [])

    def test_what_no_gateway_answers_has_one_line(self):
        self.start()
        self.assertEqual(self.post(), 503)
        deadline = time.monotonic() + 20
        while not self.lines_about_payments(503):
            self.assertLess(time.monotonic(), deadline, self.log())
            time.sleep(0.02)
        self.assertNotIn("Connect from", self.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
