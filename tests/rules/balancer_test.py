#!/usr/bin/env python3
"""The shipped HAProxy configuration does not format log lines that are never written.

Without a log format HAProxy formats a line "Connect from …" for each request (from a Unix socket
"Connect to …") before it checks the log level. This test enables every level, so it would see the
line.
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
    """A gateway that is ready and answers 202 to each POST."""
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


class Client(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("balancer", timeout=20)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Balancer(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        text = CONFIG.read_text(encoding="utf-8")
        everything = text.replace("local0 warning", "local0 debug")
        self.assertNotEqual(everything, text, "haproxy.cfg has another level than this test knows")
        (self.folder / "haproxy.cfg").write_text(everything, encoding="utf-8")
        self.front = self.folder / "front.sock"

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
                env={**os.environ, "SOCKETS": str(self.folder), "LISTEN": f"unix@{self.front}"})
        self.addCleanup(haproxy.wait)
        self.addCleanup(haproxy.terminate)
        deadline = time.monotonic() + 20
        while True:
            try:
                client = Client(self.front)
                client.connect()
                client.close()
                return
            except OSError:
                self.assertLess(time.monotonic(), deadline, self.log())
                time.sleep(0.02)

    def post(self):
        client = Client(self.front)
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
        self.assertNotRegex(self.log(), "Connect (from|to)")
        self.assertEqual(self.lines_about_payments(202), [])

    def test_what_no_gateway_answers_has_one_line(self):
        self.start()
        self.assertEqual(self.post(), 503)
        deadline = time.monotonic() + 20
        while not self.lines_about_payments(503):
            self.assertLess(time.monotonic(), deadline, self.log())
            time.sleep(0.02)
        self.assertNotRegex(self.log(), "Connect (from|to)")


if __name__ == "__main__":
    unittest.main(verbosity=2)
