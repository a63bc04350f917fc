#!/usr/bin/env python3
"""Compares the reference pages with the code: key names and packed sizes in docs/REDIS.md. It also
checks the files and links that the pages of docs/ name, and the width of their lines."""
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
REDIS = (ROOT / "docs" / "REDIS.md").read_text(encoding="utf-8")

# The pages whose lines must fit a screen. Rows of a table may be longer.
PAGES = ["README", "SECURITY", "docs/CONFIGURATION", "docs/DROP_IN", "docs/GLOSSARY",
         "docs/METRICS", "docs/OPERATING", "docs/PROCESSORS", "docs/REDIS", "docs/REFERENCES",
         "docs/RELEASING", "docs/TABLE_FILE"]
COLUMNS_MAX = 100
ROW_COLUMNS_MAX = 160

# For a heading in bold on the page and its size: the constant in src/ledger with that value.
PACKED = {
    "A take-over": "kTakeOverBytes",
    "A pending claim": "kPendingBytes",
    "A settled payment": "kBookedBytes",
    "A record's answer": "kRecordReplyBytes",
    "A recent payment": "kRecentBytes",
}


def rows(text):
    """The rows of the first table in this text, as lists of cells, without its head."""
    lines = re.search(r"(?m)(?:^\|.*\n)+", text)[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def keys_of_page():
    """The names in the first column of the table of keys, up to their variable part."""
    table = REDIS[REDIS.index("\n## Keys\n"):]
    return {re.match(r"`([a-z]+:?)", row[0])[1] for row in rows(table)}


def keys_of_code():
    """All names behind the prefix in the scripts and in the C++ of the ledger."""
    texts = [path.read_text(encoding="utf-8") for folder in ("lua", "")
             for path in (ROOT / "src" / "ledger" / folder).glob("*.lua" if folder else "*.cc")]
    code = "\n".join(line.split(" -- ")[0] for text in texts for line in text.split("\n"))
    found = re.findall(r"""(?:\bprefix|KEYS\[1\]) ?\.\. ?'([a-z]+:?)'""", code)
    found += re.findall(r'''options\.prefix \+ "([a-z]+:?)"''', code)
    return set(found)


def literals_of_code():
    """All string literals of the daemon as one text; adjacent literals are joined."""
    texts = []
    for path in sorted(list((ROOT / "src").rglob("*.cc")) + list((ROOT / "src").rglob("*.h"))
                       + list((ROOT / "include").rglob("*.h"))):
        text = re.sub(r"(?m)^\s*//.*$", "", path.read_text(encoding="utf-8"))
        for run in re.findall(r'(?:"(?:[^"\\\n]|\\.)*"\s*)+', text):
            texts.append("".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', run)).replace('\\"', '"'))
    return "\n".join(texts)


def constants():
    texts = "\n".join(path.read_text(encoding="utf-8")
                      for path in sorted((ROOT / "src" / "ledger").glob("*.[hc]*")))
    return {name: int(value) for name, value in
            re.findall(r"constexpr size_t (k\w+Bytes) = (\d+);", texts)}


def packed_size(heading):
    """The total size of the table behind this heading; checks its offsets too."""
    at = re.search(r"\*\*" + re.escape(heading) + r"\*\*", REDIS)
    if at is None:
        raise AssertionError(f"no heading {heading}")
    size = None
    for row in rows(REDIS[at.start():]):
        offset, count = int(row[0]), int(row[1])
        if size is not None and offset != size:
            raise AssertionError(f"{heading}: {offset} follows {size}")
        size = offset + count
    return size


class Redis(unittest.TestCase):
    def test_the_page_lists_the_keys_that_the_code_has(self):
        code = keys_of_code()
        self.assertGreater(len(code), 15, "no keys found: the pattern does not fit the code")
        # A key of version 0.1: it is checked for, and described under "Versions".
        self.assertEqual(keys_of_page(), code - {"pending"})

    def test_packed_values_have_the_sizes_of_the_code(self):
        of_code = constants()
        for heading, constant in PACKED.items():
            self.assertEqual(packed_size(heading), of_code[constant], heading)
        # The answers of a claim: with and without their owner.
        self.assertEqual(packed_size("A claim's answer"), of_code["kClaimReplyBytes"])
        tail = rows(REDIS[REDIS.index("these follow:"):])
        self.assertEqual(int(tail[0][0]), of_code["kClaimReplyBytes"])
        self.assertEqual(int(tail[-1][0]) + int(tail[-1][1]), of_code["kElsewhereReplyBytes"])


class BooksFile(unittest.TestCase):
    PAGE = (ROOT / "docs/BOOKS_FILE.md").read_text(encoding="utf-8")

    def test_the_page_lists_the_tables_and_columns_that_the_code_makes(self):
        folder = ROOT / "src/ledger/file"
        code = "".join((folder / name).read_text(encoding="utf-8")
                       for name in ("schema.cc", "schema.h"))
        texts = {name: "".join(re.findall(r'"([^"]*)"', text)) for name, text in
                 re.findall(r"constexpr const char\* (k\w+Columns) =((?:\s*\"[^\"]*\")+);", code)}
        code = re.sub(r'"\s*"', "", code)
        made = {name: re.findall(r"(?:^|, )(\w+)", columns) for name, columns in
                re.findall(r"CREATE TABLE (\w+)\(([^)]*)\)", code)}
        made["pending"] = ["id", *texts["kClaimColumns"].split(", ")]
        made["booked_<epoch>_<shelf>"] = re.findall(r"[(,] ?(\w+)", texts["kSettledColumns"])
        made["sums_<epoch>"] = re.findall(r"[(,] ?(\w+)", texts["kSumColumns"])
        listed = {name: re.findall(r"`(\w+)`", columns) for name, columns in
                  re.findall(r"(?m)^\| `([\w<>]+)` \| ((?:`\w+`(?:, )?)+) \|", self.PAGE)}
        self.assertEqual(listed, made)


class Pages(unittest.TestCase):
    def text_of(self, page):
        return (ROOT / f"{page}.md").read_text(encoding="utf-8")

    def test_lines_fit_a_screen(self):
        problems = []
        every = [str(path.relative_to(ROOT).with_suffix("")) for path in
                 [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]]
        self.assertLessEqual(set(PAGES), set(every))
        for page in sorted(every):
            for number, line in enumerate(self.text_of(page).split("\n"), 1):
                most = ROW_COLUMNS_MAX if line.startswith("|") else COLUMNS_MAX
                if len(line) > most:
                    problems.append(f"{page}.md:{number}: {len(line)} columns")
        self.assertEqual(problems, [])

    def test_sources_that_any_page_names_by_their_name_exist(self):
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True,
                                text=True).stdout.split()
        present = {name.rsplit("/", 1)[-1] for name in listed} | {"x_test.cc"}
        problems = [f"{path.name}: {name}"
                    for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")]
                    for name in re.findall(r"\b([a-z_0-9]+\.(?:h|cc|lua|py|sh))\b",
                                           path.read_text(encoding="utf-8"))
                    if name not in present]
        self.assertEqual(problems, [])

    def test_tests_that_the_status_names_exist(self):
        written = re.compile(r"\b(?:(?:TYPED_)?TEST(?:_[FP])?|INSTANTIATE_TEST_SUITE_P"
                             r"|RC_GTEST_\w+)\(\s*(\w+),\s*(\w+)")
        names = {pair for path in ROOT.glob("tests/*/*.cc")
                 for pair in written.findall(path.read_text(encoding="utf-8"))}
        problems = []
        page = " ".join(self.text_of("docs/STATUS").split())
        for quoted in re.findall(r"`([^`]+)`", page):
            found = re.fullmatch(r"([A-Z]\w+)(\*?)(?:\.(\{.+\}|[\w*…/]+))?", quoted)
            if not found or (not found[2] and not found[3]):
                continue
            for test in re.findall(r"\w+", found[3] or "") or [""]:
                if not any((suite.startswith(found[1]) if found[2] else suite == found[1])
                           and name.startswith(test) for suite, name in names):
                    problems.append(f"docs/STATUS.md: {found[1]}{found[2]}.{test}")
        self.assertGreater(len(names), 500)
        self.assertEqual(problems, [])

    def test_files_that_pages_name_exist(self):
        problems = []
        for page in PAGES:
            for name in re.findall(r"`((?:src|include|tests|tools|docs|bench)/[^`*<>\s]+)`",
                                   self.text_of(page)):
                if not (ROOT / name).exists():
                    problems.append(f"{page}.md: {name}")
        self.assertEqual(problems, [])

    def test_links_lead_somewhere(self):
        problems = []
        for page in PAGES:
            for link in re.findall(r"\]\(([^)\s]+)\)", self.text_of(page)):
                if link.startswith("http"):
                    continue
                name, _, anchor = link.partition("#")
                at = ROOT / f"{page}.md"
                target = at.parent / name if name else at
                if not target.exists():
                    problems.append(f"{page}.md: {link}")
                elif anchor and anchor not in self.anchors(target):
                    problems.append(f"{page}.md: {link}: no such heading")
        self.assertEqual(problems, [])

    # "…" and a single capital letter stand for the variable parts of a line.
    def test_messages_that_operators_are_told_of_are_in_the_code(self):
        literals = literals_of_code()
        page = re.sub(r"\s+", " ", re.sub(r"(?m)^    .*$", "", self.text_of("docs/OPERATING")))
        problems = []
        quoted = re.findall(r'"([^"]*)"', page)
        self.assertGreater(len(quoted), 40)
        for message in quoted:
            for part in re.split(r"…|\b[NMK]\b|`|<[a-z]+>", message):
                part = part.strip(" ;:,.")
                if len(part) > 3 and part not in literals:
                    problems.append(part)
        self.assertEqual(problems, [])

    def test_nobody_cites_a_document_that_is_not_here(self):
        listed = subprocess.run(["git", "ls-files", "src", "include", "docs", "tests", "tools"],
                                cwd=ROOT, capture_output=True, text=True, check=True)
        cites = re.compile(r"\(CONT" r"RACT\b|\bthe cont" r"ract\)|\bDESIGN(-BOOKS)?\b [0-9s]")
        problems = [f"{name}:{number}" for name in listed.stdout.split()
                    if name.endswith((".h", ".cc", ".md", ".lua", ".py", ".sh", ".yaml"))
                    for number, line in enumerate(
                        (ROOT / name).read_text(encoding="utf-8").split("\n"), 1)
                    if cites.search(line)]
        self.assertEqual(problems, [])

    @staticmethod
    def anchors(path):
        """The anchors of the headings, as GitHub makes them."""
        heads = re.findall(r"(?m)^#+ (.*)$", path.read_text(encoding="utf-8"))
        return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


if __name__ == "__main__":
    unittest.main(verbosity=2)
