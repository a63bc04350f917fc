"""A small HTTP client for questions beside the load: one connection per question."""
import json

from measure.processes import connect


def ask(address, method, target, body=None, headers=None, timeout=30):
    """(status, body bytes)"""
    data = json.dumps(body).encode() if body is not None else b""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close",
             f"Content-Length: {len(data)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    with connect(address, timeout) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    head, _, rest = received.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), rest


def get_json(address, target, headers=None):
    """None if it does not answer with 200."""
    try:
        status, body = ask(address, "GET", target, headers=headers)
    except (OSError, IndexError, ValueError):
        return None
    return json.loads(body) if status == 200 else None
