"""Peers that answer 202 by themselves: what they cost is what there is to reach."""
import pathlib

from measure.parts import address_for, installed, program
from measure.processes import listens, wait_until


class Floor:
    """The bare epoll loop."""

    def __init__(self, folder, tcp=False, name="floor"):
        self.address = address_for(folder, name, tcp)
        self.process = folder.start(name, [program("bench-floor"), "--listen", self.address])
        self.pids = [self.process.pid]
        wait_until("floor", lambda: listens(self.address), [self.process])


HAPROXY = """
global
    nbthread 1
    fd-hard-limit 50000
defaults
    mode http
    timeout connect 1s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 60s
    option http-keep-alive
frontend alone
    bind {address}
    http-request return status 202
"""


class Haproxy:
    """HAProxy that answers 202 by itself."""

    def __init__(self, folder, tcp=False):
        self.address = address_for(folder, "haproxy", tcp)
        bind = self.address if tcp else f"unix@{self.address}"
        (folder / "haproxy.cfg").write_text(HAPROXY.format(address=bind))
        self.process = folder.start("haproxy", [installed("haproxy"), "-db", "-f",
                                                folder / "haproxy.cfg"])
        self.pids = [self.process.pid]
        wait_until("haproxy", lambda: listens(self.address), [self.process])


NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    server {{ listen {address}; location / {{ return 202; }} }}
}}
"""


class Nginx:
    """nginx with `return 202`."""

    def __init__(self, folder, tcp=False):
        self.address = address_for(folder, "nginx", tcp)
        bind = self.address if tcp else f"unix:{self.address}"
        config = folder / "nginx.conf"
        config.write_text(NGINX.format(folder=folder.path, address=bind))
        self.process = folder.start("nginx", [installed("nginx"), "-c", config, "-e", "stderr"])
        wait_until("nginx", lambda: listens(self.address), [self.process])
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.pids = [int(pid) for pid in children.read_text().split()]
