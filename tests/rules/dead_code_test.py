#!/usr/bin/env python3
"""No dead declarations: what a header declares is defined and used, and so is each constant.

Names are compared, not signatures: a function that is not defined is missed where another class
defines one of the same name. What is found is dead.
"""
import collections
import functools
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOISE = re.compile(r"//[^\n]*|/\*.*?\*/|^[ \t]*#[^\n]*|R\"(\w*)\((?:.|\n)*?\)\1\""
                   r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])'", re.S | re.M)
SCOPE = re.compile(r"\b(namespace|class|struct|union)\b[^()]*$")
FUNCTION = re.compile(r"[\w>&*\]]\s+[&*]?(?P<name>[A-Za-z]\w*)\s*\((?:.|\n)*\)"
                      r"[\s\w]*(?:->[^;{]*)?$")
MEMBER = re.compile(r"[\w>&*\]]\s+[&*]?(?P<name>[a-z]\w*_)(?:\s*=[^=].*)?$", re.S)
CONSTANT = re.compile(r"\bconstexpr\b[^;=(){]*\b(k[A-Z]\w*)\s*[=({]")
DEFINED = re.compile(r"(?:\s|const|noexcept|override|final|&)*(?:->[^;{}()]*)?\{")


def code(text):
    """The text without comments, preprocessor lines and literals."""
    return NOISE.sub(lambda match: '""' if match.group(0)[0] in "\"'R" else " ", text)


def statements(text):
    """The statements at the level of namespaces and types, but for bodies of functions."""
    scopes = []  # True: of a namespace or type
    statement = ""
    for token in re.findall(r"[{};]|[^{};]+", text):
        open_scope = all(scopes)
        if token == "{":
            scopes.append(open_scope and bool(SCOPE.search(statement)))
            if scopes[-1]:
                statement = ""
        elif token == "}":
            if scopes and scopes.pop():
                statement = ""
            elif all(scopes) and FUNCTION.search(statement.strip()):
                statement = ""  # behind the body of a function
        elif token == ";":
            if open_scope:
                yield re.sub(r"^\s*(?:public|private|protected)\s*:(?!:)", "", statement).strip()
                statement = ""
        elif open_scope:
            statement += token


def declared(text):
    """The functions and the members with an end stroke that a header's text declares."""
    functions, members = set(), set()
    for statement in statements(text):
        if re.match(r"(?:using|typedef|friend|explicit|static_assert|return|template\s*<>)\b",
                    statement):
            continue
        member = MEMBER.search(statement)
        if member and "(" not in statement.split("=")[0].replace("()", ""):
            members.add(member.group("name"))
        elif "=" not in re.sub(r"\(.*\)", "", statement, flags=re.S):
            function = FUNCTION.search(statement)
            if function and "operator" not in statement:
                functions.add(function.group("name"))
    return functions, members


def defined(text):
    """The names of the functions that have a body in `text`, but for constructors."""
    names, open_names = set(), []
    for match in re.finditer(r"(\w+)\s*\(|[()]", text):
        if match.group(0) != ")":
            open_names.append(match.group(1))
        elif open_names:
            name = open_names.pop()
            if name and DEFINED.match(text, match.end()):
                names.add(name)
    return names


@functools.cache
def tree():
    files = {}
    for top in ("include", "src", "tests", "bench", "tools"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in (".h", ".cc"):
                files[path.relative_to(ROOT).as_posix()] = path.read_text()
    return files


def room(path):
    return path.removeprefix("include/tollgate/").removeprefix("src/").split("/")[0]


def problems(files):
    """What headers of `files` ({path: text}) declare in vain."""
    bare = {path: code(text) for path, text in files.items()}
    words, words_of = collections.Counter(), collections.defaultdict(collections.Counter)
    for path, text in bare.items():
        own = collections.Counter(re.findall(r"\w+", text))
        words.update(own)
        words_of[room(path)].update(own)
    bodies = defined("\n".join(text for path, text in bare.items()
                               if path.startswith(("src", "include"))))
    found = []
    for path in files:
        for name in CONSTANT.findall(bare[path]):
            if words[name] < 2:
                found.append(f"{path}: {name} is never used")
        if not path.endswith(".h") or not path.startswith(("src", "include")):
            continue
        functions, members = declared(bare[path])
        for name in sorted(functions):
            if name not in bodies:
                found.append(f"{path}: {name} is declared and never defined")
            elif words[name] < 3:
                found.append(f"{path}: {name} is declared and defined, and nobody calls it")
        # A member with an end stroke is private.
        found += [f"{path}: {name} is never used" for name in sorted(members)
                  if words_of[room(path)][name] < 2]
    return found


class DeadCodeTest(unittest.TestCase):
    HEADER = """
      namespace a {
      class B {  // Gone();
       public:
        explicit B(int x) : x_(x) {}
        int Value() const { return Twice(x_); }
        bool Lost(int value) const;
        static std::vector<int> Found(std::string_view name = "x");
        virtual void Event() = 0;
        B& operator=(const B&) = delete;
       private:
        int Twice(int value) const { int lost(value); return lost; }
        void Idle();
        static constexpr int kUsual = 3;
        int x_ = 0;
        std::vector<int> spare_;
      };
      }
      """
    SOURCE = """
      std::vector<int> B::Found(std::string_view name) { return {}; }
      void B::Idle() { if (Lost(1)) { Found("Lost("); } }
      """

    def test_what_is_dead_is_found(self):
        files = {"src/a/b.h": self.HEADER, "src/a/b.cc": self.SOURCE}
        self.assertEqual(problems(files), [
            "src/a/b.h: kUsual is never used",
            "src/a/b.h: Idle is declared and defined, and nobody calls it",
            "src/a/b.h: Lost is declared and never defined",
            "src/a/b.h: spare_ is never used",
        ])

    def test_functions_and_members_are_told_apart(self):
        functions, members = declared(code(self.HEADER))
        self.assertEqual(functions, {"Lost", "Found", "Idle"})
        self.assertEqual(members, {"x_", "spare_"})

    def test_the_tree_declares_nothing_in_vain(self):
        files = tree()
        headers = [path for path in files if path.endswith(".h") and path.startswith("src/")]
        self.assertGreater(sum(len(declared(code(files[path]))[0]) for path in headers), 300)
        self.assertEqual(problems(files), [])


if __name__ == "__main__":
    unittest.main()
