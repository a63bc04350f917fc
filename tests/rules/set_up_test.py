#!/usr/bin/env python3
"""The set-ups for containers: the image has what it needs, and the limits are within the contest's.

The Dockerfile copies folders by name; this test configures CMake from these folders alone. It adds
up the limits of the compose files, as an engine would apply them.
"""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def services(name):
    """{service: its text with the anchored blocks that it merges}; reads by indentation."""
    text = read(name)
    anchors = dict(re.findall(r"(?ms)^x-[a-z-]+: &([a-z-]+)\n(.*?)(?=^\S)", text))
    body = re.search(r"(?ms)^services:\n(.*?)(?=^\S)", text)[1]
    found = re.findall(r"(?ms)^  ([a-z0-9-]+):\n(.*?)(?=^  [a-z]|\Z)", body)
    return {
        service: block + "".join(anchors[a] for a in re.findall(r"(?m)^    <<: \*([a-z-]+)", block))
        for service, block in found
    }


def limits(block):
    match = re.search(r'limits: {cpus: "([0-9.]+)", memory: ([0-9]+)MB?}', block)
    return (float(match[1]), int(match[2])) if match else None


class SetUp(unittest.TestCase):
    def test_the_limits_sum_to_what_the_contest_allows(self):
        for name in ("docker/compose.yml", "docker/compose.simulated.yml"):
            of = {s: limits(block) for s, block in services(name).items()}
            limited = {s: it for s, it in of.items() if not s.startswith("payment-processor")}
            self.assertEqual(set(limited), {"gateway-1", "gateway-2", "haproxy", "redis"}, name)
            self.assertNotIn(None, limited.values(), name)
            self.assertLessEqual(round(sum(cpus for cpus, _ in limited.values()), 3), 1.5, name)
            self.assertLessEqual(sum(memory for _, memory in limited.values()), 350, name)

    def test_a_stop_leaves_time_to_drain(self):
        default = r'"drain_timeout",\s*"(\d+)s"'
        drain_s = int(re.search(default, read("src/config/settings.cc"))[1])
        for name in ("docker/compose.yml", "docker/compose.simulated.yml"):
            for service, block in services(name).items():
                if not service.startswith("gateway"):
                    continue
                grace_s = int(re.search(r"stop_grace_period: (\d+)s", block)[1])
                self.assertGreater(grace_s, drain_s, f"{name} {service}")

    def test_what_the_image_copies_is_all_that_cmake_reads(self):
        copied = re.findall(r"(?m)^COPY (?!--from)(.*)$", read("docker/Dockerfile"))
        ignored = {line.strip("/ ") for line in read(".dockerignore").splitlines()}
        with tempfile.TemporaryDirectory() as folder:
            for line in copied:
                *sources, target = line.split()
                for source in sources:
                    self.assertNotIn(source, ignored)
                    where = os.path.join(ROOT, source)
                    if os.path.isdir(where):
                        shutil.copytree(where, os.path.join(folder, target))
                    else:
                        shutil.copy(where, folder)
            done = subprocess.run(
                ["cmake", "--preset", "release", "-DTOLLGATE_TESTS=OFF", "--log-level=WARNING"],
                cwd=folder, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_room_or_a_folder_of_tests_without_a_source_stops_the_configuration(self):
        for call, told in (("tollgate_room(nothing)", "the room nothing has no sources"),
                           ("tollgate_tests(nothing)", "there are no tests in tests/nothing")):
            with tempfile.TemporaryDirectory() as folder:
                with open(os.path.join(folder, "CMakeLists.txt"), "w", encoding="utf-8") as file:
                    file.write(f"cmake_minimum_required(VERSION 3.25)\nproject(empty NONE)\n"
                               f"include({ROOT}/cmake/room.cmake)\n{call}\n")
                done = subprocess.run(["cmake", "-S", folder, "-B", os.path.join(folder, "build")],
                                      capture_output=True, text=True, check=False)
                self.assertNotEqual(done.returncode, 0, call)
                self.assertIn(told, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
