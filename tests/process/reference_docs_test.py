#!/usr/bin/env python3
"""The generated pages agree with the binary, and the example configuration is valid."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TOLLGATE_BUILD_DIR", ROOT / "build" / "dev"))
EXAMPLE = ROOT / "tollgate.example.toml"
sys.path.insert(0, str(ROOT / "tools"))
import reference_docs  # noqa: E402


def check_config(path, **environment):
    """{setting: (value, where it comes from)} of `tollgate --check-config` with this file alone."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [BUILD / "tollgate", "--config", path, "--check-config"], cwd=folder,
            capture_output=True, text=True, check=False,
            env={"PATH": os.environ["PATH"], "DATA_DIR": folder} | environment)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    settings, _, processors = done.stdout.partition("\nprocessors\n")
    return {line.split()[0]: (line[22:66].strip(), line[66:]) for line in settings.splitlines()}, \
        processors


class ReferenceDocs(unittest.TestCase):
    def test_generated_pages_are_what_the_binary_says(self):
        self.assertEqual(reference_docs.main(["--check", str(BUILD)]), 0,
                         "run tools/reference_docs.py")

    def test_the_example_gives_every_setting_its_default(self):
        of_file, _ = check_config(EXAMPLE)
        with tempfile.NamedTemporaryFile(suffix=".toml") as empty:
            of_none, _ = check_config(empty.name)

        def values(settings):
            return {name: value for name, (value, _) in settings.items() if name != "data_dir"}
        self.assertEqual(values(of_file), values(of_none))
        text = EXAMPLE.read_text(encoding="utf-8")
        for name, (_, source) in of_file.items():
            self.assertRegex(text, rf"(?m)^#?{name} = ")
            self.assertEqual(source.startswith("file"),
                             re.search(rf"(?m)^{name} = ", text) is not None, name)

    def test_the_examples_list_of_processors_is_one(self):
        text = EXAMPLE.read_text(encoding="utf-8")
        settings, processors = text.split("# --- A list of processors")
        kept = re.sub(r"(?m)^(default|fallback)_(url|fee) = .*$", "", settings)
        listed = re.sub(r"(?m)^#(?=[\[a-z])", "", processors.partition("\n")[2])
        with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as file:
            file.write(kept + listed)
            file.flush()
            _, shown = check_config(file.name)
        for part in ("default", "fallback", "fee 0.15", "identity default", "header X-Client"):
            self.assertIn(part, shown)


if __name__ == "__main__":
    unittest.main(verbosity=2)
