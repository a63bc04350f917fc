"""The parts of a set-up, each started in a Folder: gateway, original, Redis, processors."""
import os
import pathlib
import shutil
import socket

from measure import haproxy_config, http
from measure.processes import Failed, Folder, free_port, listens, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD_DIR") or ROOT / "build" / "bench").resolve()
# The Go gateway's binary, if there is one. Some of its versions never send what their queue of
# 1,000 did not take: those need a rate that they keep up with instead of a backlog.
ORIGINAL = os.environ.get("ORIGINAL", "")
ORIGINAL_RATE = int(os.environ.get("ORIGINAL_RATE") or 0)
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
    def __init__(self, folder, name="redis"):
        self.socket = folder / f"{name}.sock"
        self.process = folder.start(name, [
            installed("redis-server"), "--port", "0", "--unixsocket", self.socket, "--dir",
            folder.path, "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
            "--loglevel", "warning"])
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


def surroundings(folder, redis, processors):
    urls = [f"http://{p.address}" for p in processors] or ["http://127.0.0.1:9"] * 2
    return {"REDIS_SOCKET": str(redis.socket if redis else folder / "no-redis.sock"),
            "DEFAULT_URL": urls[0], "FALLBACK_URL": urls[1]}


class Gateway:
    """Without Redis or processors what it accepts stays in its table."""

    def __init__(self, folder, redis=None, processors=(), arguments=(), tcp=False, name="gateway",
                 binary=None, environment=None):
        self.address = address_for(folder, name, tcp)
        where = {**surroundings(folder, redis, processors), **(environment or {})}
        where["LISTEN" if tcp else "SERVER_SOCKET"] = self.address
        data = folder / f"{name}-data"
        data.mkdir()
        binary = binary or os.environ.get("GATEWAY") or program("tollgate")
        self.process = folder.start(name, [binary, "--data-dir", data, *arguments],
                                    environment=where)
        self.pid = self.process.pid
        wait_until("gateway", lambda: listens(self.address), [self.process])

    def summary(self, query=""):
        """None if there is none."""
        return http.get_json(self.address, "/payments-summary" + query)

    def booked(self):
        summary = self.summary()
        return sum(p["totalRequests"] for p in summary.values()) if summary else 0


class Original(Gateway):
    """The Go gateway that ORIGINAL names, as its containers start it."""

    def __init__(self, folder, redis, processors, workers=50):
        self.address = address_for(folder, "gateway", tcp=False)
        self.process = folder.start("original", [ORIGINAL], environment={
            **surroundings(folder, redis, processors), "SERVER_SOCKET": self.address,
            "NUM_WORKERS": str(workers), "GOMAXPROCS": "3",
            "REDIS_READ_TIMEOUT": "5s", "REDIS_WRITE_TIMEOUT": "5s", "REDIS_POOL_TIMEOUT": "10s"})
        self.pid = self.process.pid
        wait_until("original", lambda: listens(self.address), [self.process])


class Balancer:
    """HAProxy with the shipped configuration, in front of gateway-1 and gateway-2; without its
    health checks in front of what answers no questions."""

    def __init__(self, folder, checks=True):
        self.address = address_for(folder, "balancer", tcp=True)
        config = haproxy_config.SHIPPED
        if not checks:
            config = folder / "unchecked.cfg"
            config.write_text(haproxy_config.unchecked(haproxy_config.SHIPPED.read_text()))
        self.process = folder.start("balancer", [installed("haproxy"), "-db", "-f", config],
                                    environment={"SOCKETS": str(folder.path),
                                                 "LISTEN": self.address})
        wait_until("balancer", lambda: http.get_json(self.address, "/payments-summary")
                   if checks else listens(self.address), [self.process])


class Setup(Folder):
    """Redis and two processors in a folder of their own, ready for gateways."""

    def __init__(self, with_redis=True):
        super().__init__()
        self.processors = [Processor(self, "default", 0.05), Processor(self, "fallback", 0.15)]
        self.redis = Redis(self) if with_redis else None

    def held(self):
        return sum(p.held() for p in self.processors)

    def wait_until_held(self, count):
        """Until the processors hold `count` payments; fails when nothing moves for 20 s."""
        held = 0

        def more():
            total = self.held()
            return total if total > held else None
        while held < count:
            held = wait_until(f"more than {held} of {count} payments held", more, self.processes,
                              seconds=20)
