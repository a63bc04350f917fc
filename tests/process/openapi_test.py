#!/usr/bin/env python3
"""Real gateways give every answer that docs/openapi.yaml documents. Each is compared with it:
status, media type, headers and body."""
import http.client
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TOLLGATE_BUILD_DIR", ROOT / "build" / "dev"))
sys.path.insert(0, str(ROOT / "tests" / "support"))
import openapi  # noqa: E402

DOCUMENT = openapi.load()
PATIENCE_S = 30


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("tollgate", timeout=PATIENCE_S)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(path, method, target, body=None):
    """(status, headers, body) of one request to a Unix socket."""
    connection = UnixConnection(path)
    try:
        connection.request(method, target, body)
        return taken(connection.getresponse())
    finally:
        connection.close()


def taken(answer):
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()


def read_answer(sock):
    answer = http.client.HTTPResponse(sock)
    answer.begin()
    return taken(answer)


def connect(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(PATIENCE_S)
    sock.connect(str(path))
    return sock


def ask_raw(path, text):
    """The answer to these bytes, which need not be a valid request."""
    with connect(path) as sock:
        sock.sendall(text)
        return read_answer(sock)


def until(what, condition):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {PATIENCE_S} s: {what}")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as it:
        return it.getsockname()[1]


class Answers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="tollgate-openapi."))
        cls.processes = []
        cls.seen = set()  # (path of the document or "any", method, status)
        redis = cls.folder / "redis.sock"
        cls.start("redis-server", "--port", "0", "--unixsocket", redis, "--dir", cls.folder,
                  "--save", "")
        cls.ports = [free_port(), free_port()]
        for port in cls.ports:
            cls.start(BUILD / "processor-sim", "--listen", f"127.0.0.1:{port}")
        until("redis", redis.exists)
        cls.main = cls.gateway("main", allow_purge="true")
        until("claims", lambda: cls.takes_claims(cls.main))

    @classmethod
    def tearDownClass(cls):
        for process in reversed(cls.processes):
            process.kill()
            process.wait()
        shutil.rmtree(cls.folder)

    @classmethod
    def start(cls, *words):
        with open(cls.folder / "log", "ab") as log:
            process = subprocess.Popen([str(word) for word in words], stdout=log, stderr=log)
        cls.processes.append(process)
        return process

    @classmethod
    def gateway(cls, name, **settings):
        """A gateway on <name>.sock and <name>-admin.sock; the arguments are what differs."""
        socket_path = cls.folder / f"{name}.sock"
        words = {
            "server_socket": socket_path,
            "admin_listen": cls.folder / f"{name}-admin.sock",
            "data_dir": cls.folder / f"{name}-data",
            "redis_socket": cls.folder / "redis.sock",
            "redis_prefix": f"{name}:",
            "default_url": f"http://127.0.0.1:{cls.ports[0]}",
            "fallback_url": f"http://127.0.0.1:{cls.ports[1]}",
            "drain_timeout": "1s",
        } | settings
        process = cls.start(BUILD / "tollgate", *(
            f"--{key.replace('_', '-')}={value}" for key, value in words.items()))
        until(name, socket_path.exists)
        cls.of_socket = getattr(cls, "of_socket", {}) | {socket_path: process}
        return socket_path

    @classmethod
    def stop(cls, socket_path):
        process = cls.of_socket[socket_path]
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0

    @staticmethod
    def takes_claims(socket_path):
        admin = socket_path.with_name(socket_path.stem + "-admin.sock")
        page = json.loads(ask(admin, "GET", "/admin/routing")[2])
        return all(worker and worker["claims"] for worker in page["workers"])

    def hold(self, path, method, status, answer, places=None):
        """The answer is `status`, and as documented for that path (or for any path)."""
        self.assertEqual(answer[0], status, answer)
        for place in places or (path, "any"):
            if place == "any":
                responses = DOCUMENT["x-any-path"]
            else:
                responses = DOCUMENT["paths"][place].get(method, {}).get("responses", {})
            if str(status) in responses:
                response = openapi.resolve(DOCUMENT, responses[str(status)])
                self.assertIsNone(openapi.problem_with_answer(response, answer),
                                  f"{method} {path}: {answer}")
                self.seen.add((place, method if place != "any" else "any", str(status)))
                return answer[2]
        self.fail(f"{method} {path}: {status} is not documented")

    def post(self, socket_path, payment, status=202):
        return self.hold("/payments", "post", status,
                         ask(socket_path, "POST", "/payments", payment))

    def state(self, socket_path, payment_id):
        answer = ask(socket_path, "GET", f"/payments/{payment_id}")
        if answer[0] != 200:
            return None
        return json.loads(self.hold("/payments/{correlationId}", "get", 200, answer))["state"]

    @staticmethod
    def payment(payment_id=None, amount="19.90"):
        return f'{{"correlationId":"{payment_id or uuid.uuid4()}","amount":{amount}}}'

    def configure(self, index, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[index])
        connection.request("PUT", path, body, {"X-Rinha-Token": "123"})
        self.assertIn(connection.getresponse().status, (200, 204))
        connection.close()

    def test_1_payments(self):
        ids = [str(uuid.uuid4()) for _ in range(3)]
        self.post(self.main, self.payment(ids[0]))
        until("booked", lambda: self.state(self.main, ids[0]) == "booked")
        for wrong in ("", "{", "[]", '{"amount":1}', self.payment("x"), self.payment(amount="0"),
                      self.payment(amount="1.001"), self.payment(amount='"1"')):
            self.post(self.main, wrong, 400)
        # The default processor holds this id with another amount.
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[0])
        connection.request("POST", "/payments", json.dumps(
            {"correlationId": ids[1], "amount": 1.0, "requestedAt": "2025-07-15T12:34:56.000Z"}))
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()
        self.post(self.main, self.payment(ids[1], "2.00"))
        until("rejected", lambda: self.state(self.main, ids[1]) == "rejected")
        # The answers about a payment are invalid, so its outcome is unknown.
        for index in (0, 1):
            self.configure(index, "/admin/configurations/faults", '{"kind":"garbage"}')
        self.post(self.main, self.payment(ids[2]))
        until("unresolved", lambda: self.state(self.main, ids[2]) == "unresolved")
        for index in (0, 1):
            self.configure(index, "/admin/configurations/faults", '{"kind":"none"}')
        until("booked", lambda: self.state(self.main, ids[2]) == "booked")

    def test_2_summaries(self):
        for query in ("", "?from=2025-07-15T12:34:56.000Z", "?to=2055-07-15T12:34:56%2B02:00",
                      "?from=&other=1"):
            answer = ask(self.main, "GET", "/payments-summary" + query)
            totals = json.loads(self.hold("/payments-summary", "get", 200, answer))
            self.assertEqual(list(totals)[:2], ["default", "fallback"])
        for query in ("?from=yesterday", "?to=2025-07-15", "?from=%zz",
                      "?from=2025-07-15T00:00:00Z&from=2025-07-15T00:00:00Z"):
            self.hold("/payments-summary", "get", 400,
                      ask(self.main, "GET", "/payments-summary" + query))

    def test_3_unknown_payments_and_paths(self):
        for last in (uuid.uuid4(), "no-uuid"):
            self.hold("/payments/{correlationId}", "get", 404,
                      ask(self.main, "GET", f"/payments/{last}"))
        admin = self.folder / "main-admin.sock"
        for socket_path in (self.main, admin):
            self.hold("/", "get", 404, ask(socket_path, "GET", "/nothing"), ["any"])

    def test_4_methods(self):
        admin = self.folder / "main-admin.sock"
        for path, item in DOCUMENT["paths"].items():
            (documented, operation), = item.items()
            at = admin if "admin" in operation["tags"] else self.main
            other = "GET" if documented == "post" else "POST"
            target = path.replace("{correlationId}", str(uuid.uuid4()))
            self.hold(path, documented, 405, ask(at, other, target))
            if documented == "get" and "{" not in path:
                whole, head = ask(at, "GET", target), ask(at, "HEAD", target)
                self.assertEqual((head[0], head[2]), (whole[0], b""), path)

    def test_5_health_and_admin_pages(self):
        admin = self.folder / "main-admin.sock"
        for socket_path in (self.main, admin):
            for path in ("/healthz", "/readyz"):
                self.hold(path, "get", 200, ask(socket_path, "GET", path))
        for path in ("/metrics", "/admin/routing"):
            self.hold(path, "get", 200, ask(admin, "GET", path))

    def test_6_purging(self):
        forbids = self.gateway("forbids", default_url=f"http://127.0.0.1:{free_port()}",
                               fallback_url=f"http://127.0.0.1:{free_port()}")
        self.hold("/purge-payments", "post", 403, ask(forbids, "POST", "/purge-payments"))
        # Both of its processors are away, so accepted payments stay in its table.
        until("claims", lambda: self.takes_claims(forbids))
        waits = str(uuid.uuid4())
        self.post(forbids, self.payment(waits))
        until("accepted", lambda: self.state(forbids, waits) in ("accepted", "claimed"))
        self.hold("/purge-payments", "post", 200, ask(self.main, "POST", "/purge-payments"))

    def test_7_without_books_and_without_room(self):
        away = self.gateway("away", redis_socket=self.folder / "nobody.sock", table_slots=2,
                            allow_purge="true", header_timeout="300ms",
                            client_bytes_max=1 << 20)
        self.hold("/payments-summary", "get", 503, ask(away, "GET", "/payments-summary"))
        self.hold("/payments/{correlationId}", "get", 503,
                  ask(away, "GET", f"/payments/{uuid.uuid4()}"))
        self.hold("/purge-payments", "post", 503, ask(away, "POST", "/purge-payments"))
        self.hold("/readyz", "get", 200, ask(away, "GET", "/readyz"))
        for _ in range(2):
            self.post(away, self.payment())
        self.post(away, self.payment(), 503)
        self.hold("/", "get", 408, ask_raw(away, b"GET / HTTP/1.1\r\n"), ["any"])
        self.hold("/payments", "post", 503, self.half_requests(away), ["any"])

    @staticmethod
    def half_requests(socket_path):
        """The answer to one of many incomplete requests, when no memory is left for more."""
        half = b"POST /payments HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n" + 50000 * b" "
        sockets = []
        try:
            for _ in range(64):
                sockets.append(connect(socket_path))
                sockets[-1].sendall(half)
                ready, _, _ = select.select(sockets, [], [], 0.05)
                if ready:
                    return read_answer(ready[0])
            raise AssertionError("half requests take any amount of memory")
        finally:
            for sock in sockets:
                sock.close()

    def test_8_books_of_another_fleet(self):
        first = self.gateway("first")
        until("claims", lambda: self.takes_claims(first))
        self.stop(first)
        again = self.gateway("first", redis_prefix="main:")
        until("not ready", lambda: ask(again, "GET", "/readyz")[0] == 503)
        self.hold("/readyz", "get", 503, ask(again, "GET", "/readyz"))

    def test_9_requests_that_break_http(self):
        head = b"GET /readyz HTTP/1.1\r\n"
        for status, text in (
                (400, head + b"\r\n"),
                (400, head + b"Host: a\nX: b\r\n\r\n"),
                (400, head + b"Host : a\r\n\r\n"),
                (417, head + b"Host: a\r\nExpect: 200-ok\r\n\r\n"),
                (431, head + b"Host: a\r\n" + 200 * b"X: y\r\n" + b"\r\n"),
                (431, head + b"X: " + 20000 * b"y" + b"\r\n\r\n"),
                (501, head + b"Host: a\r\nTransfer-Encoding: gzip\r\n\r\n"),
                (505, b"GET /readyz HTTP/2.0\r\nHost: a\r\n\r\n")):
            self.hold("/readyz", "get", status, ask_raw(self.main, text), ["any"])
        too_large = b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n"
        self.hold("/payments", "post", 413, ask_raw(self.main, too_large % b"/payments"))
        self.hold("/readyz", "get", 413, ask_raw(self.main, too_large % b"/readyz"), ["any"])

    def test_all_documented_answers_were_given(self):
        documented = {(path, method, status)
                      for path, item in DOCUMENT["paths"].items()
                      for method, operation in item.items()
                      for status in operation["responses"]}
        documented |= {("any", "any", status) for status in DOCUMENT["x-any-path"]}
        self.assertEqual(documented - self.seen, set())


if __name__ == "__main__":
    unittest.main(verbosity=2)
