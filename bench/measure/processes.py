"""Processes that a measurement starts: in a private folder, ended by their ids at exit."""
import atexit
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1
ANSWER_SECONDS_MAX = 30
_libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """A measurement that cannot be made; the text is for a person."""


def _child_setup():
    # A group of its own, so that Ctrl-C reaches the harness alone; ends with the harness anyhow.
    os.setpgid(0, 0)
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    def __init__(self, name, argv, log_path, environment=None, stdin=None, stdout=None):
        self.name, self.log_path = name, log_path
        # Nothing of the caller's settings: a variable named as one of the gateway's would count.
        plain = {k: os.environ[k] for k in ("PATH", "HOME", "LANG") if k in os.environ}
        with open(log_path, "ab") as log:
            self.popen = subprocess.Popen(
                [str(a) for a in argv], env={**plain, **(environment or {})},
                stdin=stdin or subprocess.DEVNULL, stdout=stdout or log, stderr=log,
                preexec_fn=_child_setup)
        self.pid = self.popen.pid

    def check(self):
        if self.popen.poll() is not None:
            raise Failed(f"{self.name} ended with {self.popen.returncode}; its last words:\n"
                         + self.last_words())

    def last_words(self):
        return pathlib.Path(self.log_path).read_text(errors="replace")[-1500:]

    def stop(self, grace_seconds=5):
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(grace_seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe:
                pipe.close()


class Folder:
    """A private folder and what runs in it; `with` ends and removes all of it."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="tollgate-bench."))
        self.processes = []
        atexit.register(self.close)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __truediv__(self, name):
        return self.path / name

    def start(self, name, argv, **options):
        process = Process(name, argv, self.path / f"{name}.log", **options)
        self.processes.append(process)
        return process

    def close(self):
        # Not to be cut short by a second Ctrl-C.
        handlers = {s: signal.signal(s, signal.SIG_IGN) for s in (signal.SIGINT, signal.SIGTERM)}
        # In the reverse order of their start: first who sends, last who is sent to.
        for process in reversed(self.processes):
            process.stop()
        self.processes.clear()
        shutil.rmtree(self.path, ignore_errors=True)
        atexit.unregister(self.close)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def wait_until(what, condition, processes=(), seconds=ANSWER_SECONDS_MAX, pause=0.02):
    """Until condition() gives something true, which is returned."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        for process in processes:
            process.check()
        if time.monotonic() > deadline:
            words = "\n".join(f"--- {p.name}\n{p.last_words()}" for p in processes)
            raise Failed(f"{what}: not within {seconds} s\n{words}")
        time.sleep(pause)


def connect(address, timeout=10):
    """address: a path, or HOST:PORT."""
    address = str(address)
    is_unix = "/" in address
    connection = socket.socket(socket.AF_UNIX if is_unix else socket.AF_INET)
    connection.settimeout(timeout)
    try:
        if is_unix:
            connection.connect(address)
        else:
            host, port = address.rsplit(":", 1)
            connection.connect((host, int(port)))
    except OSError:
        connection.close()
        raise
    return connection


def listens(address):
    try:
        connect(address, 1).close()
        return True
    except OSError:
        return False


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
