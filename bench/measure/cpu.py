"""CPU time of other processes and their threads, in nanoseconds, and their memory."""
import pathlib
import time

CPUCLOCK_SCHED = 2


def process_ns(pid):
    """User and system time of a process and all its threads, as clock_getcpuclockid(3) has it."""
    clock = (~pid << 3) | CPUCLOCK_SCHED
    return time.clock_gettime_ns(clock)


def threads_ns(pid):
    """{thread name: ns}, summed over threads of one name; exact while they wait."""
    result = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        run_ns = int((task / "schedstat").read_text().split()[0])
        result[name] = result.get(name, 0) + run_ns
    return result


def kind_ns(threads, kind):
    """Of all threads "kind-N"."""
    return sum(ns for name, ns in threads.items() if name.startswith(kind + "-"))


def resident_bytes(pid):
    """What counts towards the process: {"rss", "pss", "anonymous", …}."""
    result = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split(":")
        result[name.lower()] = int(value.split()[0]) * 1024
    return result
