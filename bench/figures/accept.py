"""CPU per accepted payment, with nothing behind the gateway: no Redis, no processors, so that its
workers can claim nothing and every payment stays in the table."""
from measure import cpu, load
from measure.parts import Gateway
from measure.peers import Floor, Haproxy, Nginx
from measure.processes import Folder

NAME = "accept"


def peer(kind, sizes, tcp, connections=None, requests=None):
    with Folder() as folder:
        server = kind(folder, tcp)

        def snapshot():
            return {"cpu": sum(cpu.process_ns(pid) for pid in server.pids)}
        result = load.run(folder, server.address, snapshot, warm_up=sizes["accept_warm_up"],
                          requests=requests or sizes["accept"],
                          connections=connections or sizes["accept_connections"])
        return {"us": (result["after"]["cpu"] - result["before"]["cpu"]) / 1e3 / result["count"],
                "per_second": result["per_second"], "p99_us": result["latency_us"]["p99"]}


def gateway(sizes, acceptors=1, workers=1, connections=None, requests=None,
            tcp=False):
    """One run against a gateway whose table holds all of it."""
    requests = requests or sizes["accept"]
    slots = requests + sizes["accept_warm_up"] + 1024
    with Folder() as folder:
        server = Gateway(folder, arguments=[
            f"--table-slots={slots}", f"--acceptors={acceptors}", f"--workers={workers}",
            "--drain-timeout=0s"], tcp=tcp)

        def snapshot():
            return {"cpu": cpu.process_ns(server.pid), "threads": cpu.threads_ns(server.pid)}
        result = load.run(folder, server.address, snapshot, warm_up=sizes["accept_warm_up"],
                          requests=requests,
                          connections=connections or sizes["accept_connections"])
        before, after = result["before"], result["after"]

        def spent(kind):
            return cpu.kind_ns(after["threads"], kind) - cpu.kind_ns(before["threads"], kind)
        per = 1e3 * result["count"]
        return {"us": spent("acceptor") / per, "worker_us": spent("worker") / per,
                "process_us": (after["cpu"] - before["cpu"]) / per,
                "per_second": result["per_second"], "p99_us": result["latency_us"]["p99"]}


def measure(sizes):
    """One round: every variant once, over each kind of socket."""
    def all_over(tcp):
        return {"gateway": gateway(sizes, tcp=tcp), "floor": peer(Floor, sizes, tcp),
                "haproxy": peer(Haproxy, sizes, tcp), "nginx": peer(Nginx, sizes, tcp)}
    return {"unix": all_over(False), "tcp": all_over(True)}
