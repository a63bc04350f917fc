#!/usr/bin/python3
"""Counts the instructions that redis-server executes per payment, from claim to record, in user
space. A real gateway books PAYMENTS payments on a Redis that runs under callgrind; it is so slow
there that batches are full. Time is too noisy to tell two gateways apart, this is not.

    bench/instructions/redis.py [TOLLGATE…]    the binaries to compare, in turns; by default the
                                               one in BUILD_DIR (build/bench)
    bench/instructions/redis.py --aged         the one in BUILD_DIR on books that are new, that have
                                               an older shelf, and that are as after 10^8 payments
"""
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from figures import forward  # noqa: E402
from measure import load, parts  # noqa: E402
from measure.processes import Failed, listens, wait_until  # noqa: E402

PAYMENTS = 10_000
WARM_UP = 2_000
ROUNDS = 3
AGED_PAYMENTS = 100_000_000


class CountedRedis(parts.Redis):
    """Redis under callgrind, which counts between `count(True)` and `count(False)` alone."""

    def __init__(self, folder):
        self.socket = folder / "redis.sock"
        self.result = folder / "callgrind.out"
        self.process = folder.start("redis", [
            parts.installed("valgrind"), "--tool=callgrind", "--instr-atstart=no",
            f"--callgrind-out-file={self.result}", parts.installed("redis-server"), "--port", "0",
            "--unixsocket", self.socket, "--dir", folder.path, "--appendonly", "yes",
            "--appendfsync", "everysec", "--save", "", "--loglevel", "warning"])
        self.pid = self.process.pid
        wait_until("redis under callgrind", lambda: listens(self.socket), [self.process])

    def count(self, on):
        subprocess.run([parts.installed("callgrind_control"), "-i", "on" if on else "off",
                        str(self.pid)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def counted(self):
        """Ends Redis. The instructions that were counted."""
        self.process.stop(grace_seconds=60)
        found = re.search(r"^totals: (\d+)", self.result.read_text(), re.M)
        if not found or found.group(1) == "0":
            raise Failed(f"callgrind has counted nothing: see {self.result}")
        return int(found.group(1))


def make_older(redis, shelf_number):
    """The books as they are when this shelf has begun, after many others."""
    text = redis.command("GET", "tollgate:shelf").decode().split(" ")
    text[0], text[4], text[5], text[6] = str(shelf_number), text[1], text[3], "0"
    redis.command("SET", "tollgate:shelf", " ".join(text))


def make_aged(redis):
    """The books as after 10^8 payments: numbers, sums and shelves."""
    make_older(redis, 100)
    for table in redis.command("HKEYS", "tollgate:numbers"):
        redis.command("HINCRBY", "tollgate:numbers", table, AGED_PAYMENTS)
    for key in redis.command("KEYS", "tollgate:s:0:*"):
        if key.endswith(b":recent"):
            continue
        for field in redis.command("HKEYS", key):
            by = AGED_PAYMENTS * (1 if field[:1] == b"c" else 1990)
            redis.command("HINCRBY", key, field, by)


def measure(binary, prepare=lambda redis: None):
    """Instructions per payment; `prepare` changes the books after the warm-up."""
    with parts.Setup(with_redis=False) as setup:
        setup.redis = CountedRedis(setup)
        gateway = parts.Gateway(setup, setup.redis, setup.processors, binary=binary,
                                arguments=[f"--table-slots={PAYMENTS + WARM_UP + 1024}"])
        forward.post_and_drain(setup, gateway, WARM_UP, connections=16)
        prepare(setup.redis)
        booked = gateway.booked()
        setup.redis.count(True)
        load.run(setup, gateway.address, dict, requests=PAYMENTS, connections=64)
        wait_until("all payments booked", lambda: gateway.booked() >= booked + PAYMENTS,
                   setup.processes, seconds=120)
        setup.redis.count(False)
        return setup.redis.counted() / PAYMENTS


def compare_ages():
    states = {"new books": lambda redis: None, "an older shelf": lambda r: make_older(r, 2),
              "as after 10^8 payments": make_aged}
    counts = {name: [] for name in states}
    for _ in range(ROUNDS):
        for name, prepare in states.items():
            counts[name].append(measure(parts.program("tollgate"), prepare))
    for name, values in counts.items():
        values.sort()
        print(f"{values[ROUNDS // 2]:9,.0f} instructions of redis-server per payment "
              f"({values[0]:,.0f} … {values[-1]:,.0f}): {name}")


def main():
    if sys.argv[1:] == ["--aged"]:
        return compare_ages()
    binaries = sys.argv[1:] or [parts.program("tollgate")]
    if any(b.startswith("-") for b in map(str, binaries)):
        sys.exit(__doc__)
    counts = {b: [] for b in binaries}
    for number in range(ROUNDS):
        for binary in binaries:
            print(f"\rround {number + 1} of {ROUNDS}: {binary} ", end="", file=sys.stderr,
                  flush=True)
            counts[binary].append(measure(os.path.abspath(binary)))
    print(file=sys.stderr)
    first = sorted(counts[binaries[0]])[ROUNDS // 2]
    for binary in binaries:
        values = sorted(counts[binary])
        middle = values[ROUNDS // 2]
        print(f"{middle:9,.0f} instructions of redis-server per payment "
              f"({values[0]:,.0f} … {values[-1]:,.0f}), {middle / first:.2f} ×  {binary}")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"redis.py: {failure}")
