#!/usr/bin/env python3
"""Writes the generated parts of docs/CONFIGURATION.md, docs/METRICS.md and tollgate.example.toml
from the binary itself: the settings from `tollgate --help`, the metrics from a gateway's /metrics.

    tools/reference_docs.py [BUILD_DIR]           writes them (build/dev by default)
    tools/reference_docs.py --check [BUILD_DIR]   says what is out of date, and exits with 1 if
                                                  anything is
"""
import contextlib
import http.client
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import textwrap
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BETWEEN = re.compile(
    r"((?:<!--|#) generated: tools/reference_docs.py(?: -->)?\n).*?"
    r"((?:<!--|#) end(?: -->|\n))", re.S)
COLUMNS = 100
PATIENCE_S = 20

# The settings in the order and under the headings of the page; each stands once.
SETTINGS = {
    "Listening": "SERVER_SOCKET LISTEN ADMIN_LISTEN ALLOW_PURGE",
    "Redis and the books": "BOOKS REDIS_SOCKET REDIS_URL REDIS_PREFIX REDIS_READ_TIMEOUT "
                           "REDIS_WRITE_TIMEOUT REDIS_POOL_TIMEOUT DEDUP_WINDOW BOOKS_BUCKETS "
                           "TAKEOVER_AFTER SUMMARY_WAIT",
    "Processors": "DEFAULT_URL FALLBACK_URL DEFAULT_FEE FALLBACK_FEE DEFAULT_WAS FALLBACK_WAS "
                  "CONNECT_TIMEOUT ANSWER_TIMEOUT IN_FLIGHT_MAX FLEET_IN_FLIGHT_MAX UNRESOLVED_MAX",
    "Routing": "MAX_WAIT DELAY_COST OUTAGE_EXPECTED CUTOFF AUDIT_LAG PROBE_INTERVAL "
               "HEALTH_INTERVAL",
    "The payment table": "DATA_DIR DURABILITY TABLE_SLOTS SYNC_INTERVAL SYNC_BATCH_MAX",
    "Clients": "CLIENT_BYTES_MAX CONNECTIONS_MAX PIPELINE_MAX HEADER_BYTES_MAX HEADER_LINES_MAX "
               "BODY_BYTES_MAX HEADER_TIMEOUT BODY_TIMEOUT IDLE_TIMEOUT WRITE_TIMEOUT",
    "Threads and the process": "ACCEPTORS WORKERS LINGER ACCEPTOR_REALTIME DRAIN_TIMEOUT LOG_LEVEL "
                               "GOMAXPROCS NUM_WORKERS",
}

# When to alert, for those metrics where that is sensible; docs/OPERATING.md says what to do.
ALERTS = {
    "tollgate_refused_total": "a reason other than `invalid` rises",
    "tollgate_ledger_away_total":
        "it rises for a minute: [Redis is away](OPERATING.md#redis-is-away)",
    "tollgate_contradictions_total":
        "it rises at all: [possible double charges](OPERATING.md#possible-double-charges)",
    "tollgate_conflicts_total": "it rises: a client uses an id twice",
    "tollgate_fenced_total": "above 0: [copied tables](OPERATING.md#copied-tables)",
    "tollgate_unresolved_oldest_seconds":
        "above 300: [unresolved payments](OPERATING.md#unresolved-payments)",
    "tollgate_breakers_open": "above 0 at all processors for a minute",
    "tollgate_table_used": "above 0.8 × `tollgate_table_slots` for a minute",
    "tollgate_table_damaged": "above 0: [damaged slots](OPERATING.md#damaged-slots)",
    "tollgate_silent_claims":
        "above 0 for ten minutes: [silent owners](OPERATING.md#silent-owners-and-take-over)",
    "tollgate_forwarding_seconds": "its 99th percentile is above what you promise",
    "tollgate_accept_pauses_total": "it rises: open files or connections are too few",
    "tollgate_client_memory_full_total": "it rises: `CLIENT_BYTES_MAX` is too small, or an attack",
}


def item(head, text):
    return textwrap.fill(f"- {head} {text}", COLUMNS, subsequent_indent="  ",
                         break_long_words=False, break_on_hyphens=False)


def sentence(text):
    text = text.strip().rstrip(".")
    if text.split(":")[0].isalpha() and "://" in text.split(" ")[0]:
        return text + "."  # it begins with a URL
    return text[:1].upper() + text[1:] + "."


def settings(build):
    """{VARIABLE: (flag, default or None, help)} as --help has them."""
    text = subprocess.run([build / "tollgate", "--help"], check=True, capture_output=True,
                          text=True).stdout
    found = re.findall(r"(?m)^  (--[a-z-]+) TEXT\S*\s+(.*) \(([A-Z_]+)(?:, default ([^)]*))?\)$",
                       text)
    return {variable: (flag, default or None, help_text)
            for flag, help_text, variable, default in found}


def settings_part(build):
    known = settings(build)
    listed = [name for names in SETTINGS.values() for name in names.split()]
    if sorted(listed) != sorted(known):
        raise SystemExit("reference_docs: SETTINGS and --help differ: "
                         f"{sorted(set(listed) ^ set(known))}")
    lines = []
    for heading, names in SETTINGS.items():
        lines += [f"### {heading}", ""]
        for name in names.split():
            _, default, help_text = known[name]
            head = f"**`{name}`**" + (f" (`{default}`):" if default else ":")
            lines.append(item(head, sentence(help_text)))
        lines.append("")
    return "\n".join(lines).strip()


def toml_value(text):
    """As one writes it by hand: numbers and switches without quotes."""
    plain = text in ("true", "false") or re.fullmatch(r"[0-9]+(\.[0-9]+)?", text)
    return text if plain else f'"{text}"'


def example_part(build):
    known = settings(build)
    lines = []
    for heading, names in SETTINGS.items():
        lines += [f"# --- {heading}", ""]
        for name in names.split():
            flag, default, help_text = known[name]
            lines += textwrap.wrap(sentence(help_text), COLUMNS, initial_indent="# ",
                                   subsequent_indent="# ", break_on_hyphens=False)
            key = flag.removeprefix("--").replace("-", "_")
            # A file that sets a setting of Redis says that the books are there.
            mark = "#" if key.startswith("redis_") or not default else ""
            lines += [f"{mark}{key} = {toml_value(default or '')}", ""]
    return "\n".join(lines).strip()


def exposition(build):
    """What a gateway without Redis and without payments answers to GET /metrics."""
    with tempfile.TemporaryDirectory(prefix="tollgate-docs.") as folder:
        path = f"{folder}/admin.sock"
        gateway = subprocess.Popen(
            [build / "tollgate", f"--server-socket={folder}/gateway.sock",
             f"--admin-listen={path}", f"--redis-socket={folder}/redis.sock",
             f"--data-dir={folder}", "--table-slots=64", "--drain-timeout=0s",
             "--default-url=http://127.0.0.1:9", "--fallback-url=http://127.0.0.1:9"],
            stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + PATIENCE_S
            while True:
                try:
                    with contextlib.closing(http.client.HTTPConnection("tollgate")) as connection:
                        connection.sock = socket.socket(socket.AF_UNIX)
                        connection.sock.connect(path)
                        connection.request("GET", "/metrics")
                        return connection.getresponse().read().decode()
                except OSError:
                    if time.monotonic() > deadline or gateway.poll() is not None:
                        raise
                    time.sleep(0.02)
        finally:
            gateway.terminate()
            gateway.wait()


def metrics_part(build):
    text = exposition(build)
    helps = dict(re.findall(r"(?m)^# HELP (\w+) (.*)$", text))
    kinds = dict(re.findall(r"(?m)^# TYPE (\w+) (\w+)$", text))
    unknown = set(ALERTS) - set(helps)
    if unknown:
        raise SystemExit(f"reference_docs: ALERTS has no such metrics: {sorted(unknown)}")
    lines = []
    for name, help_text in helps.items():
        labels = set()
        for found in re.findall(rf"(?m)^{name}(?:_bucket)?{{([^}}]*)}}", text):
            labels |= set(re.findall(r'(\w+)="', found)) - {"le"}
        kind = kinds[name] + "".join(f", by `{label}`" for label in sorted(labels))
        lines.append(item(f"**`{name}`** ({kind}):", sentence(help_text) + (
            f" *Alert* when {ALERTS[name]}." if name in ALERTS else "")))
    return "\n".join(lines)


def main(arguments):
    check = "--check" in arguments
    rest = [it for it in arguments if it != "--check"]
    build = pathlib.Path(rest[0] if rest else ROOT / "build" / "dev").resolve()
    old = []
    for name, part in (("docs/CONFIGURATION.md", settings_part), ("docs/METRICS.md", metrics_part),
                       ("tollgate.example.toml", example_part)):
        path = ROOT / name
        page = path.read_text(encoding="utf-8")
        text = part(build)
        whole, count = BETWEEN.subn(lambda m: f"{m[1]}\n{text}\n\n{m[2]}", page)
        if count != 1:
            raise SystemExit(f"reference_docs: {name} has no place for what is generated")
        if whole == page:
            continue
        old.append(name)
        if not check:
            path.write_text(whole, encoding="utf-8")
    if check and old:
        print(f"{', '.join(old)}: out of date; run tools/reference_docs.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
