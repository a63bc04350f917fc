#!/usr/bin/env python3
"""The shipped HAProxy configuration, changed in one respect: haproxy_config.py KIND prints it."""
import pathlib
import sys

SHIPPED = pathlib.Path(__file__).resolve().parents[2] / "haproxy" / "haproxy.cfg"


def _changed(text, before):
    if text == before:
        raise ValueError(f"{SHIPPED} has changed: this variant of it is the same")
    return text


def answering(text):
    """HAProxy answers each payment with 202 by itself."""
    frontend = "frontend payments\n"
    answer = "    http-request return status 202 if METH_POST { path /payments }\n"
    return _changed(text.replace(frontend, frontend + answer), text)


def unchecked(text):
    """No health checks, for what answers no questions."""
    return _changed("".join(line for line in text.splitlines(keepends=True)
                            if "option httpchk" not in line and "http-check" not in line), text)


KINDS = {"answering": answering, "unchecked": unchecked}

if __name__ == "__main__":
    sys.stdout.write(KINDS[sys.argv[1]](SHIPPED.read_text()))
