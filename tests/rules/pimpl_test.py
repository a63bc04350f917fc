#!/usr/bin/env python3
"""A public class hides its members behind a `struct Impl` only to keep a third-party header out of
the rooms that include it. All other members stand in the class itself."""
import pathlib
import re
import subprocess
import unittest

import layers

ROOT = pathlib.Path(__file__).resolve().parents[2]
THIRD_PARTY = tuple(layers.HEADERS_OF.values())
CLASS = re.compile(r"^(?:class|struct)\s+(?:alignas\([^)]*\)\s+)?(\w+)[^;{()]*\{", re.M)
HIDDEN = re.compile(r"^\s+(?:class|struct)\s+Impl;", re.M)
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)


def hiding(text):
    """The names of the classes in a header that declare an Impl."""
    names = []
    for impl in HIDDEN.finditer(text):
        names.append([match[1] for match in CLASS.finditer(text, 0, impl.start())][-1])
    return names


def definition_of(name, sources):
    """The file that defines the class' Impl; None if there is none."""
    begin = re.compile(rf"\b(?:class|struct)\s+{name}::Impl\b[^;{{]*\{{")
    return next((file for file, text in sources.items() if begin.search(text)), None)


def includes_third_party(file, sources):
    """Whether the file, or a private header that it includes, includes a third-party header."""
    to_read, seen = [file], set()
    while to_read:
        present = to_read.pop()
        if present in seen or present not in sources:
            continue
        seen.add(present)
        for header in INCLUDE.findall(sources[present]):
            if header.startswith(THIRD_PARTY):
                return True
            to_read.append(f"src/{header}")
    return False


def problems(headers, sources):
    """The Impls that hide only our own headers. Both: {file name: its text}."""
    found = []
    for header, text in headers.items():
        for name in hiding(text):
            file = definition_of(name, sources)
            if file is None or not includes_third_party(file, sources):
                found.append(f"{header}: {name}::Impl hides no third-party header")
    return found


class Pimpl(unittest.TestCase):
    HEADER = "class Door {\n public:\n  void Open();\n\n private:\n  struct Impl;\n};\n"
    IMPL = "struct Door::Impl final : Events {\n};\n"

    def found(self, **sources):
        files = {f"src/hall/{name}": text for name, text in sources.items()}
        return problems({"door.h": self.HEADER}, files)

    def test_the_rule_finds_an_impl_that_hides_our_own(self):
        for line in ("", '#include "hall/lock.h"\n', "#include <vector>\n"):
            self.assertEqual(self.found(**{"door.cc": line + self.IMPL, "lock.h": ""}),
                             ["door.h: Door::Impl hides no third-party header"])
        self.assertEqual(len(self.found()), 1)

    def test_the_rule_lets_an_impl_hide_a_third_party_header(self):
        self.assertEqual(self.found(**{"door.cc": "#include <curl/curl.h>\n" + self.IMPL}), [])
        self.assertEqual(self.found(**{"door.cc": '#include "hall/lock.h"\n' + self.IMPL,
                                       "lock.h": "#include <hiredis/hiredis.h>\n"}), [])

    def test_an_impl_hides_a_third_party_header(self):
        names = subprocess.run(["git", "ls-files", "src", "include"], cwd=ROOT, check=True,
                               capture_output=True, text=True).stdout.split()
        texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in names
                 if name.endswith((".h", ".cc"))}
        headers = {name: text for name, text in texts.items() if name.startswith("include/")}
        sources = {name: text for name, text in texts.items() if name.startswith("src/")}
        self.assertGreater(sum(len(hiding(text)) for text in headers.values()), 3)
        self.assertEqual(problems(headers, sources), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
