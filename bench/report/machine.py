"""What a run ran on, in words that tell no names or places."""
import os
import pathlib
import platform
import re
import subprocess

from measure.parts import installed, program


def _first_line(argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).splitlines()[0].strip()


def _field(path, name):
    for line in pathlib.Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.split(":", 1)[1].strip()
    return "unknown"


def describe():
    haproxy = _first_line([installed("haproxy"), "-v"])
    redis = re.search(r"v=(\S+)", _first_line([installed("redis-server"), "--version"]))
    return {
        "cpu": _field("/proc/cpuinfo", "model name"), "cores": os.cpu_count(),
        "memory_gb": round(int(_field("/proc/meminfo", "MemTotal").split()[0]) / 1e6, 1),
        "kernel": ".".join(platform.release().split(".")[:2]),
        "hypervisor": "hypervisor" in _field("/proc/cpuinfo", "flags").split(),
        "tollgate": _first_line([program("tollgate"), "--version"]),
        "redis": redis.group(1) if redis else "unknown",
        "haproxy": re.sub(r"version (\S+?)-.*", r"\1", haproxy),
        "nginx": _first_line([installed("nginx"), "-v"]).rsplit("/", 1)[-1],
        "load_average_at_start": round(os.getloadavg()[0], 2),
    }
