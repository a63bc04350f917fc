"""The images that a run needs. What no registry gives is made from Debian's packages."""
import pathlib
import shutil
import subprocess
import tempfile

from measure.processes import Failed

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASE = "tollgate-bench-base"
HAPROXY = "tollgate-bench-haproxy"
REDIS = "tollgate-bench-redis"
FLOOR = "tollgate-bench-floor"
GATEWAY = "tollgate-bench"


def run(*argv, **options):
    """The output; a failure ends with the command's own words."""
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=False,
                          **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, argv[:4]))} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def check_engine():
    if shutil.which("docker") is None:
        raise Failed("no docker: install docker.io, and start dockerd as root")
    try:
        run("docker", "info")
    except Failed as error:
        raise Failed("the container engine does not answer: start dockerd as root") from error


def compose():
    """The command that runs compose files here."""
    if subprocess.run(["docker", "compose", "version"], capture_output=True,
                      check=False).returncode == 0:
        return ["docker", "compose"]
    if shutil.which("docker-compose") is None:
        raise Failed("no compose: install docker-compose")
    # Version 1 applies limits only so.
    return ["docker-compose", "--compatibility"]


def has(image):
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True,
                          check=False).returncode == 0


def _base():
    if has(BASE):
        return
    if has("debian:bookworm-slim"):
        run("docker", "tag", "debian:bookworm-slim", BASE)
        return
    if shutil.which("debootstrap") is None:
        raise Failed("no image debian:bookworm-slim: pull it, or install debootstrap, which makes "
                     "one of the same content")
    script = f"""set -e
        folder=$(mktemp -d)
        trap 'rm -rf "$folder"' EXIT
        debootstrap --variant=minbase bookworm "$folder" >&2
        tar -C "$folder" -c . | docker import - {BASE}"""
    run("bash", "-c", script)


def _from_package(image, package):
    if has(image):
        return
    text = (f"FROM {BASE}\nRUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get "
            f"install -y -qq --no-install-recommends {package} && rm -rf /var/lib/apt/lists/*\n")
    run("docker", "build", "--network", "host", "-t", image, "-", input=text)


def _floor(program):
    if not program.exists():
        raise Failed(f"{program} is not built: run `make bench` once, or name its folder with "
                     "BUILD_DIR")
    text = f"""FROM {GATEWAY}
USER root
COPY {program.name} /usr/local/bin/
HEALTHCHECK NONE
ENTRYPOINT ["{program.name}"]
"""
    with tempfile.TemporaryDirectory() as context:
        shutil.copy(program, context)
        run("docker", "build", "-t", FLOOR, "-f", "-", context, input=text)


def prepare(say, floor_program):
    """Makes what is not there; the gateway's own image anew each time."""
    for what, make in (
            ("base", _base),
            ("haproxy", lambda: _from_package(HAPROXY, "haproxy")),
            ("redis", lambda: _from_package(REDIS, "redis-server")),
            ("gateway", lambda: run("docker", "build", "--network", "host", "--build-arg",
                                    f"BASE={BASE}", "-t", GATEWAY, "-f",
                                    ROOT / "docker" / "Dockerfile", ROOT)),
            ("bare loop", lambda: _floor(floor_program))):
        say(f"image: {what}")
        make()
