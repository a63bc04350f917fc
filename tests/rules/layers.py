"""The table of rooms, read from src/CMakeLists.txt: what each room may include.

    tollgate_room(<name> [DEPS <room>...] [VALUES <header>...] [LIBS <target>...]
                  [PUBLIC_LIBS <target>...])
"""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]

# The headers of a third-party target, by the beginning of their names.
HEADERS_OF = {
    "spdlog::spdlog": "spdlog/",
    "simdjson::simdjson": "simdjson",
    "PkgConfig::CURL": "curl/",
    "PkgConfig::HIREDIS": "hiredis/",
    "PkgConfig::SQLITE": "sqlite3",
    "prometheus-cpp::core": "prometheus/",
    "CLI11::CLI11": "CLI/",
    "PkgConfig::TOMLPLUSPLUS": "toml++/",
}
KEYWORDS = ("DEPS", "VALUES", "LIBS", "PUBLIC_LIBS")


class Room:
    def __init__(self, name, lists):
        self.name = name
        self.deps = lists["DEPS"]
        self.values = lists["VALUES"]  # "forward/cutoff.h"
        self.private_libraries = {HEADERS_OF[target] for target in lists["LIBS"]}
        self.public_libraries = {HEADERS_OF[target] for target in lists["PUBLIC_LIBS"]}


def parse(text):
    """The rooms of a CMakeLists.txt, by name, in its order."""
    rooms = {}
    for call in re.findall(r"(?m)^tollgate_room\(([^)]*)\)", text):
        name, *words = call.split()
        lists = {keyword: [] for keyword in KEYWORDS}
        keyword = None
        for word in words:
            if word in lists:
                keyword = word
            else:
                lists[keyword].append(word)
        rooms[name] = Room(name, lists)
    return rooms


def rooms():
    return parse((ROOT / "src/CMakeLists.txt").read_text())


def libraries_open_to(room, all_rooms):
    """The third-party headers that `room` may include."""
    own = room.private_libraries | room.public_libraries
    return own.union(*(r.public_libraries for r in all_rooms.values()))


def documented(text):
    """The table of rooms in docs/ARCHITECTURE.md: by name, what each may include."""
    section = text.split("## A guide to the rooms", 1)[1]
    rows = re.findall(r"(?m)^\| `(\w+)` \| ([^|]*) \|", section)
    return {name: re.findall(r"`(\w+)`", cell) for name, cell in rows}
