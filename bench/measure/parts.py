"""The parts of a set-up, each started in a Folder: gateway, original, Redis, processors, peers."""
import os
import pathlib
import shutil
import socket

from measure import http
from measure.processes import Failed, free_port, listens, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD_DIR", ROOT / "build" / "bench"))
ORIGINAL = os.environ.get("ORIGINAL", "")
TOKEN = {"X-Rinha-Token": "123"}
EVERYTHING = "?from=2000-01-01T00:00:00.000Z&to=2100-01-01T00:00:00.000Z"


def program(name):
    path = BUILD / name
    if not path.exists():
        raise Failed(f"{path} is missing; bench/run.sh builds it")
    return path


def installed(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise Failed(f"{name} is not installed; tools/deps.sh --bench installs it")
    return path


class Redis:
    def __init__(self, folder, *arguments):
        self.socket = folder / "redis.sock"
        self.process = folder.start("redis", [
            installed("redis-server"), "--port", "0", "--unixsocket", self.socket, "--dir",
            folder.path, "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
            "--loglevel", "warning", *arguments])
        self.pid = self.process.pid
        wait_until("redis", lambda: listens(self.socket), [self.process])

    def command(self, *words):
        """The raw reply of one command: int, bytes, or a list of these."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            connection.connect(str(self.socket))
            parts = [w if isinstance(w, bytes) else str(w).encode() for w in words]
            connection.sendall(b"*%d\r\n" % len(parts)
                               + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
            return self._read(connection.makefile("rb"))

    def _read(self, stream):
        line = stream.readline().rstrip()
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise Failed("redis: " + rest.decode(errors="replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return stream.read(int(rest) + 2)[:-2] if int(rest) >= 0 else None
        if kind == b"*":
            return [self._read(stream) for _ in range(int(rest))]
        return rest

    def info(self, section):
        lines = self.command("INFO", section).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)


class Processor:
    """A simulated processor on a free port."""

    def __init__(self, folder, name, fee):
        self.address = f"127.0.0.1:{free_port()}"
        self.process = folder.start(f"processor-{name}", [
            program("processor-sim"), "--listen", self.address, "--fee", fee])
        self.pid = self.process.pid
        wait_until(name, lambda: listens(self.address), [self.process])

    def held(self):
        answer = http.get_json(self.address, "/admin/payments-summary" + EVERYTHING, TOKEN)
        return answer["totalRequests"] if answer else 0

    def configure(self, what, **body):
        status, _ = http.ask(self.address, "PUT", "/admin/configurations/" + what, body, TOKEN)
        if status not in (200, 204):
            raise Failed(f"processor: {what} {body} answered {status}")


def address_for(folder, name, tcp):
    return f"127.0.0.1:{free_port()}" if tcp else str(folder / f"{name}.sock")


def environment(folder, redis, processors):
    urls = [f"http://{p.address}" for p in processors] or ["http://127.0.0.1:9"] * 2
    return {"REDIS_SOCKET": str(redis.socket if redis else folder / "no-redis.sock"),
            "DEFAULT_URL": urls[0], "FALLBACK_URL": urls[1]}


class Gateway:
    """Without Redis or processors what it accepts stays in its table."""

    def __init__(self, folder, redis=None, processors=(), arguments=(), tcp=False):
        self.address = address_for(folder, "gateway", tcp)
        where = environment(folder, redis, processors)
        where["LISTEN" if tcp else "SERVER_SOCKET"] = self.address
        data = folder / "data"
        data.mkdir(exist_ok=True)
        self.process = folder.start(
            "gateway", [os.environ.get("GATEWAY") or program("tollgate"), "--data-dir", data,
                        "--allow-purge=true", *arguments], environment=where)
        self.pid = self.process.pid
        wait_until("gateway", lambda: listens(self.address), [self.process])

    def booked(self):
        summary = http.get_json(self.address, "/payments-summary")
        return sum(p["totalRequests"] for p in summary.values()) if summary else 0


class Original(Gateway):
    """The Go gateway that ORIGINAL names, as its containers start it."""

    def __init__(self, folder, redis, processors, workers=50):
        self.address = address_for(folder, "gateway", tcp=False)
        self.process = folder.start("original", [ORIGINAL], environment={
            **environment(folder, redis, processors), "SERVER_SOCKET": self.address,
            "NUM_WORKERS": str(workers), "GOMAXPROCS": "3",
            "REDIS_READ_TIMEOUT": "5s", "REDIS_WRITE_TIMEOUT": "5s", "REDIS_POOL_TIMEOUT": "10s"})
        self.pid = self.process.pid
        wait_until("original", lambda: listens(self.address), [self.process])


class Floor:
    """The bare epoll loop."""

    def __init__(self, folder, tcp=False):
        self.address = address_for(folder, "floor", tcp)
        self.process = folder.start("floor", [program("bench-floor"), "--listen", self.address])
        self.pids = [self.process.pid]
        wait_until("floor", lambda: listens(self.address), [self.process])


HAPROXY = """
global
    nbthread 1
    fd-hard-limit 50000
defaults
    mode http
    timeout connect 1s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 60s
    option http-keep-alive
frontend alone
    bind {address}
    http-request return status 202
"""


class Haproxy:
    """HAProxy that answers 202 by itself."""

    def __init__(self, folder, tcp=False):
        self.address = address_for(folder, "haproxy", tcp)
        bind = self.address if tcp else f"unix@{self.address}"
        (folder / "haproxy.cfg").write_text(HAPROXY.format(address=bind))
        self.process = folder.start("haproxy", [installed("haproxy"), "-db", "-f",
                                                folder / "haproxy.cfg"])
        self.pids = [self.process.pid]
        wait_until("haproxy", lambda: listens(self.address), [self.process])


NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    server {{ listen {address}; location / {{ return 202; }} }}
}}
"""


class Nginx:
    """nginx with `return 202`."""

    def __init__(self, folder, tcp=False):
        self.address = address_for(folder, "nginx", tcp)
        bind = self.address if tcp else f"unix:{self.address}"
        config = folder / "nginx.conf"
        config.write_text(NGINX.format(folder=folder.path, address=bind))
        self.process = folder.start("nginx", [installed("nginx"), "-c", config, "-e", "stderr"])
        wait_until("nginx", lambda: listens(self.address), [self.process])
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.pids = [int(pid) for pid in children.read_text().split()]
