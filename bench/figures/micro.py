"""Nanoseconds of each step of a payment's way apart (bench/micro), and of the ring against
moodycamel's queue."""
import json
import subprocess

from measure.parts import program
from measure.processes import Folder

NAME = "micro"


def measure(sizes):
    with Folder() as folder:
        process = folder.start("micro", [
            program("bench-micro"), "--benchmark_format=json",
            f"--benchmark_min_time={sizes['micro_seconds']}"], stdout=subprocess.PIPE)
        output = process.popen.stdout.read()
        if process.popen.wait() != 0:
            process.check()
    names = {"ring_push_pop/": "ring: ", "/real_time/threads:": ", threads: "}

    def plain(name):
        for old, new in names.items():
            name = name.replace(old, new)
        return name
    # Between threads it is the time that passes per push and pop that counts.
    return {plain(b["name"]): b["real_time" if "threads" in b["name"] else "cpu_time"]
            for b in json.loads(output)["benchmarks"]}
