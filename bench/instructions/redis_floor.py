#!/usr/bin/python3
"""Counts the instructions of redis-server for the commands that the scripts claim and record issue
per payment, sent plainly: what the books cost without Lua. bench/instructions/redis.py counts the
same from a real gateway, with Lua.

    bench/instructions/redis_floor.py [--older]    --older: with a shelf before the present one

The commands of all batches are sent step by step, and each step is counted by itself.
"""
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from instructions.redis import CountedRedis  # noqa: E402
from measure import parts  # noqa: E402
from measure.processes import Failed, Folder, connect  # noqa: E402

BATCH = 256
BATCHES = 40
SHELF_FILLING = 0   # payments on the shelf before, as on a warm gateway's first shelf
P = b"tollgate:"
AT = bytes.fromhex("0000019809cf")
LEVELS = 6          # of the tree of sums


def packed(words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


class Plain:
    """A connection on which commands are sent together and their replies skipped."""

    def __init__(self, redis):
        self.connection = connect(redis.socket, timeout=120)
        self.stream = self.connection.makefile("rb")

    def send(self, commands):
        for command in commands:
            self.connection.sendall(packed(command))
            self._skip()

    def send_together(self, commands):
        self.connection.sendall(b"".join(map(packed, commands)))
        for _ in commands:
            self._skip()

    def _skip(self):
        line = self.stream.readline()
        if line[:1] == b"-":
            raise Failed("redis: " + line.decode())
        if line[:1] == b"$" and line[1:2] != b"-":
            self.stream.read(int(line[1:]) + 2)
        if line[:1] == b"*":
            for _ in range(int(line[1:])):
                self._skip()


def bucket(shelf, payment):
    return P + b"k:0:%d:" % shelf + payment[:2], payment[2:]


def steps(batches, older):
    """(name, for each batch its commands), in the order of a payment's way."""
    shelves = (2, 1) if older else (1,)
    value = b"\0\0" + AT + b"\0\0\0\0\7\306"
    claim = os.urandom(16) + bytes(8) + b"\0\1\0" + AT + b"\0\0\0\0\7\306" + bytes(26)
    entering = [[b"MGET", P + b"epoch", P + b"shelf", P + b"journal"],
                [b"HINCRBY", P + b"numbers", b"t" * 16, b"1"],
                [b"HGET", P + b"tables", b"t" * 16]]
    sums = [[b"c\0a", b"a\0a"], [P + b"s:0:%d:1" % 1]]
    fields, keys = sums[0], [P + b"s:0:%d:1" % level for level in range(LEVELS)]
    yield "both: epoch, number, names", [2 * entering for _ in batches]
    yield "claim: HMGET of claims", [[[b"HMGET", P + b"claims", *ids]] for ids in batches]
    yield "claim: HGET on each shelf", [
        [[b"HGET", *bucket(shelf, i)] for i in ids for shelf in shelves] for ids in batches]
    yield "claim: HSET of claims", [
        [[b"HSET", P + b"claims", *(w for i in ids for w in (i, claim))]] for ids in batches]
    yield "record: HMGET of claims", [[[b"HMGET", P + b"claims", *ids]] for ids in batches]
    yield "record: TIME, sums", [
        [[b"TIME"], *([b"HMGET", k, *fields] for k in keys),
         *([b"HSET", k, fields[0], b"10240", fields[1], b"20377600"] for k in keys)]
        for _ in batches]
    yield "record: SET of the journal", [
        [[b"SET", P + b"journal", b"".join(ids) + BATCH * value]] for ids in batches]
    yield "record: HSET on the shelf", [
        [[b"HSET", *bucket(shelves[0], i), value] for i in ids] for ids in batches]
    yield "record: HDEL of claims, DEL", [
        [[b"HDEL", P + b"claims", *ids], [b"DEL", P + b"journal"]] for ids in batches]


def total_of(path):
    return int(re.search(r"^totals: (\d+)", path.read_text(), re.M).group(1))


def measure(older):
    """[(step, instructions per payment)]"""
    with Folder() as folder:
        redis = CountedRedis(folder)
        plain = Plain(redis)
        batches = [[os.urandom(16) for _ in range(BATCH)] for _ in range(BATCHES)]
        warm = [[os.urandom(16) for _ in range(BATCH)] for _ in range(4)]
        for _, commands in steps(warm, older):
            for batch in commands:
                plain.send_together(batch)
        redis.count(True)
        result = []
        for number, (name, commands) in enumerate(steps(batches, older), 1):
            for batch in commands:
                plain.send_together(batch)
            subprocess.run([parts.installed("callgrind_control"), "-d", str(redis.pid)], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            path = redis.result.with_name(f"{redis.result.name}.{number}")
            result.append((name, total_of(path) / BATCH / BATCHES))
        return result


def main():
    if sys.argv[1:] not in ([], ["--older"]):
        sys.exit(__doc__)
    result = measure(sys.argv[1:] == ["--older"])
    for name, count in result:
        print(f"{count:9,.0f}  {name}")
    print(f"{sum(count for _, count in result):9,.0f}  instructions of redis-server per payment")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"redis_floor.py: {failure}")
