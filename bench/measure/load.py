"""The load generator, with a look at the clocks just before and after what it measures."""
import itertools
import json
import os
import random
import subprocess

from measure.parts import program
from measure.processes import Failed

_seeds = itertools.count(random.SystemRandom().getrandbits(48))


def run(folder, target, snapshot=dict, *, warm_up=0, good=202, **options):
    """Runs bench-load; options become flags. Returns its result with "before" and "after": what
    snapshot() gave then. Answers other than `good` make it fail: they cost less than a payment."""
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    process = folder.start(
        f"load-{next(_seeds)}",
        [program("bench-load"), "--target", target, f"--seed={next(_seeds)}", "--wait",
         f"--warm-up={warm_up}", *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if process.popen.stdout.readline() != b"warm\n":
        process.popen.wait()
        process.check()
    before = snapshot()
    process.popen.stdin.write(b"g")
    process.popen.stdin.close()
    line = process.popen.stdout.readline()
    after = snapshot()
    if process.popen.wait() != 0 or not line:
        process.check()
        raise Failed("bench-load gave no result\n" + process.last_words())
    process.popen.stdout.close()
    folder.processes.remove(process)
    result = json.loads(line)
    if set(result["answers"]) != {str(good)} or result["broken"]:
        raise Failed(f"bench-load at {os.path.basename(str(target))}: not all answers were {good}: "
                     f"{result['answers']}, {result['broken']} broken")
    result["count"] = sum(result["answers"].values())
    result["before"], result["after"] = before, after
    return result
