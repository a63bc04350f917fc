"""A set-up of containers: brought up by compose, read through its control groups, taken down."""
import json
import os
import pathlib
import subprocess
import time

from containers import images
from measure import haproxy_config
from measure.processes import Failed

HOST = "http://localhost"
PROJECT = "tollgate-bench"
UP_SECONDS_MAX = 60
NO_PAYMENT = "00000000-0000-4000-8000-000000000000"
SERVICES = ("gateway-1", "gateway-2", "haproxy", "redis")


def _haproxy(folder, side):
    """The shipped configuration, changed in the one respect that the side is about."""
    text = haproxy_config.SHIPPED.read_text()
    if side == "haproxy":
        text = haproxy_config.answering(text)
    if side == "loops":
        text = haproxy_config.unchecked(text)
    path = folder / f"{side}.cfg"
    path.write_text(text)
    return path


class Side:
    """`name`: tollgate, haproxy (answers by itself) or loops (bare loops for gateways)."""

    def __init__(self, name, folder, fees):
        self.name = name
        override = {"services": {
            "haproxy": {"volumes": [f"{_haproxy(folder, name)}:/etc/haproxy/haproxy.cfg:ro"]},
            **{f"payment-processor-{which}": {
                "command": ["--listen", "0.0.0.0:8080", "--fee", fee]}
                for which, fee in fees.items()}}}
        if name == "loops":
            for gateway in SERVICES[:2]:
                override["services"][gateway] = {"image": images.FLOOR,
                                                 "healthcheck": {"disable": True}}
        path = folder / f"{name}.json"  # JSON is YAML
        path.write_text(json.dumps(override))
        self.command = [*images.compose(), "-p", PROJECT,
                        "-f", str(images.ROOT / "docker" / "compose.simulated.yml"),
                        "-f", str(path)]
        self.environment = {**os.environ, "TOLLGATE_IMAGE": images.GATEWAY,
                            "HAPROXY_IMAGE": images.HAPROXY, "REDIS_IMAGE": images.REDIS}

    def compose(self, *arguments):
        images.run(*self.command, *arguments, env=self.environment)

    def __enter__(self):
        self._down()  # what an earlier run may have left, with its books
        try:
            self.compose("up", "-d")
            until = time.monotonic() + UP_SECONDS_MAX
            while not self._answers():
                if time.monotonic() > until:
                    raise Failed(f"{self.name} does not answer on port 9999")
                time.sleep(0.2)
            self.groups = {name: _groups(self._id(name)) for name in SERVICES}
        except BaseException:
            self._down()
            raise
        return self

    def __exit__(self, *_):
        self._down()

    def _down(self):
        self.compose("down", "-v", "-t", "12")

    def check(self):
        """Raises if a container has died meanwhile: its figures began anew."""
        for name in SERVICES:
            state = images.run("docker", "inspect", "-f", "{{.RestartCount}} {{.State.Running}}",
                               self._id(name)).strip()
            if state != "0 true":
                raise Failed(f"{self.name}: {name} did not run through: restarts and "
                             f"running are {state}")

    def _id(self, service):
        return images.run(*self.command, "ps", "-q", service, env=self.environment).strip()

    def _answers(self):
        path = "/payments-summary"
        if self.name != "tollgate":  # one that keeps no books answers a payment
            path = "/payments"
        post = [] if self.name == "tollgate" else ["-d", "{}"]
        return (_status(f"{HOST}:9999{path}", *post) in ("200", "202")
                # Not service-health, of which the fleet has one call in 5 s.
                and all(_status(f"{HOST}:{port}/payments/{NO_PAYMENT}") == "404"
                        for port in (8001, 8002)))

    def read(self):
        """{service: its CPU in s, periods, throttled periods and s, most memory in MB}"""
        return {name: _read(group) for name, group in self.groups.items()}


def _status(url, *arguments):
    return subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "2",
                           *arguments, url], capture_output=True, text=True, check=False).stdout


def _groups(container):
    """{controller: folder} of a container's control group; one folder "" with version 2."""
    pid = images.run("docker", "inspect", "-f", "{{.State.Pid}}", container).strip()
    if pid == "0":
        raise Failed("a container ended right after its start: docker logs says why")
    root = pathlib.Path("/sys/fs/cgroup")
    found = {}
    for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            folder = root / controller / path.lstrip("/") if controller else root / path.lstrip("/")
            found[controller] = folder
    return found


def _numbers(path):
    return {key: int(value) for key, value in
            (line.split() for line in path.read_text().splitlines())}


def _read(groups):
    if "cpu" in groups:  # version 1
        stat = _numbers(groups["cpu"] / "cpu.stat")
        cpu = int((groups["cpuacct"] / "cpuacct.usage").read_text()) / 1e9
        throttled = stat["throttled_time"] / 1e9
        memory = int((groups["memory"] / "memory.max_usage_in_bytes").read_text())
    else:
        stat = _numbers(groups[""] / "cpu.stat")
        cpu = stat["usage_usec"] / 1e6
        throttled = stat.get("throttled_usec", 0) / 1e6
        peak = groups[""] / "memory.peak"
        memory = int((peak if peak.exists() else groups[""] / "memory.current").read_text())
    return {"cpu_s": cpu, "periods": stat.get("nr_periods", 0),
            "throttled": stat.get("nr_throttled", 0), "throttled_s": throttled,
            "memory_mb": memory / 1e6}


def spent(before, after):
    return {service: {**{key: after[service][key] - before[service][key]
                         for key in ("cpu_s", "periods", "throttled", "throttled_s")},
                      "memory_mb": after[service]["memory_mb"]}
            for service in after}
