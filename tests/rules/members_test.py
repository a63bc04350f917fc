#!/usr/bin/env python3
"""No class has more than 15 data members without a reason beside it: a line `// Members: …` right
before it. A struct of values alone (no function but operators and one-line helpers) is a record,
and needs none."""
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEMBERS_MAX = 15
CLASS = re.compile(r"^[ \t]*(?:class|struct)\s+(?:alignas\([^)]*\)\s+)?(?P<name>[\w:]+)[^;{()]*\{",
                   re.M)
NO_MEMBER = re.compile(r"(?:using|friend|enum|class|struct|static|template|typedef|explicit|virtual"
                       r"|constexpr|static_assert)\b")


def without_comments(text):
    """The same text with blanks for comments and texts in quotes, so that places stay."""
    return re.sub(r'//[^\n]*|"(?:\\.|[^"\\\n])*"', lambda m: " " * len(m.group(0)), text)


def body_of(text, begin):
    """What stands directly in the braces that open before `begin`, with `{}` for inner ones."""
    depth, out = 1, []
    for letter in text[begin:]:
        depth += (letter == "{") - (letter == "}")
        if depth == 0:
            break
        if depth == 1:
            out.append("{};" if letter == "}" else letter)
    return "".join(out)


def members(body):
    """The data members' names, and whether the body has functions beside them."""
    names, functions = [], False
    for statement in re.split(r";|\b(?:public|private|protected):", body):
        text = " ".join(statement.split())
        if not text or NO_MEMBER.match(text):
            continue
        head = re.split(r"[={]", text)[0].strip()
        plain = head
        while True:  # innermost first: std::function<void(bool)> and the like
            shorter = re.sub(r"<[^<>]*>", "", plain)
            if shorter == plain:
                break
            plain = shorter
        if "(" in plain.replace("alignas(", ""):
            functions = functions or "operator" not in plain
            continue
        for part in plain.split(","):
            if name := re.search(r"[\w>&*\]]\s+[&*]?(\w+)(?:\[[^\]]*\])?$|^\s*(\w+)$", part):
                names.append(name.group(1) or name.group(2))
    return names, functions


def too_large(text):
    """[(line, class, number of members)] of those without a reason."""
    clean, found = without_comments(text), []
    for match in CLASS.finditer(clean):
        names, functions = members(body_of(clean, match.end()))
        line = clean.count("\n", 0, match.start()) + 1
        above = []
        for before in reversed(text.splitlines()[:line - 1]):
            if not before.strip().startswith("//"):
                break
            above.append(before)
        reason = any("// Members: " in before for before in above)
        if len(names) > MEMBERS_MAX and functions and not reason:
            found.append((line, match.group("name"), len(names)))
    return found


class Members(unittest.TestCase):
    def test_the_rule_finds_a_class_that_grew(self):
        fields = "".join(f"  int64_t a{i} = 0;\n" for i in range(16))
        text = "class Big {\n public:\n  void Act();\n" + fields + "};\n"
        self.assertEqual(too_large(text), [(1, "Big", 16)])
        self.assertEqual(too_large("// Members: a reason.\n" + text), [])
        self.assertEqual(too_large(text.replace("  int64_t a0 = 0;\n", "")), [])
        self.assertEqual(too_large("struct Values {\n" + fields + "};\n"), [])

    def test_a_class_of_many_members_says_why(self):
        files = subprocess.run(["git", "ls-files", "src", "include"], cwd=ROOT, check=True,
                               capture_output=True, text=True).stdout.split()
        problems = [f"{name}:{line}: {what} has {number} data members; say why: // Members: …"
                    for name in files if name.endswith((".h", ".cc"))
                    for line, what, number in too_large((ROOT / name).read_text(encoding="utf-8"))]
        self.assertEqual(problems, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
