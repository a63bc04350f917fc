"""Allocations per payment on the threads that a payment passes, by who asks for them, counted by a
gateway whose malloc is ours (bench/allocations).

Each site counts with the least of three windows: what a payment costs is in every one of them; a
line of the log about a route that changed is not."""
import pathlib
import struct
import subprocess

from measure import load
from measure.parts import Gateway, Setup, program

NAME = "allocations"
WINDOWS = 3
SITE = struct.Struct("<QQQ24s16s")  # bench/allocations/allocation_sites.h
OF_CURL = ("libcurl", "libnghttp2", "libssl", "libcrypto", "librtmp", "libssh2", "libpsl")


def _counts(path):
    """{(library, offset): allocations} of acceptors and workers so far."""
    result = {}
    for address, count, offset, library, thread in SITE.iter_unpack(path.read_bytes()):
        if address > 1 and thread.startswith((b"acceptor-", b"worker-")):
            site = (library.rstrip(b"\0").decode(), offset)
            result[site] = result.get(site, 0) + count
    return result


def _owner(library):
    if library.startswith(OF_CURL):
        return "curl"
    if library.startswith("libhiredis"):
        return "hiredis"
    return "libc" if library.startswith("libc.so") else "ours"


def _name(library, offset):
    """Of the function that asks, where the build knows it."""
    if not library.startswith("tollgate"):
        return f"{library}+{offset:#x}"
    done = subprocess.run(["addr2line", "-Cfpse", str(program(library)), hex(offset - 1)],
                          capture_output=True, text=True, check=False)
    return done.stdout.splitlines()[0] if done.returncode == 0 else f"{library}+{offset:#x}"


def measure(sizes):
    payments = sizes["allocations"]
    with Setup() as setup:
        path = pathlib.Path(setup / "allocations")
        gateway = Gateway(setup, setup.redis, setup.processors,
                          # So few connections to processors that the warm-up makes them all.
                          [f"--table-slots={(WINDOWS + 3) * payments + 1024}",
                           "--in-flight-max=32"],
                          binary=program("tollgate-counted"),
                          environment={"TOLLGATE_ALLOCATIONS": str(path)})
        posted = 0

        def post():
            # The gateway is asked nothing meanwhile: a summary allocates as well.
            nonlocal posted
            load.run(setup, gateway.address, requests=payments,
                     connections=sizes["forward_connections"])
            posted += payments
            setup.wait_until_held(posted)
        # Pools that grow on demand have grown after as much again.
        post()
        post()
        counts = [_counts(path)]
        for _ in range(WINDOWS):
            post()
            counts.append(_counts(path))
    least = {site: min(after.get(site, 0) - before.get(site, 0)
                       for before, after in zip(counts, counts[1:])) for site in counts[-1]}
    spent = {site: count / payments for site, count in least.items() if count > 0}
    result = {owner: 0.0 for owner in ("ours", "curl", "hiredis", "libc")}
    for (library, _), per_payment in spent.items():
        result[_owner(library)] += per_payment
    most = sorted(spent.items(), key=lambda item: -item[1])[:20]
    result["sites"] = {_name(*site): per_payment for site, per_payment in most}
    return result
