#!/usr/bin/env python3
"""docs/openapi.yaml by itself: its references and schemas, its examples, and that its paths are
those of the handlers. tests/process/openapi_test.py compares real answers with it."""
import pathlib
import re
import sys
import unittest

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import openapi  # noqa: E402

DOCUMENT = openapi.load()
WHOLE = openapi.resolve(DOCUMENT, DOCUMENT)


def operations():
    for path, item in WHOLE["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def responses():
    """(where, status, response) of all answers, including those that any path can give."""
    for path, method, operation in operations():
        for status, response in operation["responses"].items():
            yield f"{method} {path}", status, response
    for status, response in WHOLE["x-any-path"].items():
        yield "any path", status, response


class OpenApi(unittest.TestCase):
    def test_it_has_the_form_of_openapi_3_1(self):
        self.assertEqual(DOCUMENT["openapi"], "3.1.0")
        self.assertEqual(set(DOCUMENT) - {"tags", "servers"},
                         {"openapi", "info", "paths", "components", "x-any-path"})
        project = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
        self.assertIn(f"project(tollgate VERSION {DOCUMENT['info']['version']} ", project)
        seen = set()
        tags = {tag["name"] for tag in DOCUMENT["tags"]}
        for path, method, operation in operations():
            self.assertIn(method, openapi.METHODS, path)
            self.assertLessEqual(set(operation), {"tags", "operationId", "summary", "description",
                                                  "parameters", "requestBody", "responses"})
            self.assertLessEqual(set(operation["tags"]), tags, path)
            self.assertNotIn(operation["operationId"], seen)
            seen.add(operation["operationId"])
            in_path = {it["name"] for it in operation.get("parameters", []) if it["in"] == "path"}
            self.assertEqual(in_path, set(re.findall(r"{(\w+)}", path)), path)
        for where, status, response in responses():
            self.assertRegex(status, r"^[1-5]\d\d$", where)
            self.assertTrue(response["description"], where)
            self.assertLessEqual(set(response), {"description", "headers", "content"}, where)

    def test_the_validator_of_openapi_agrees_where_there_is_one(self):
        try:
            import openapi_spec_validator
        except ImportError:
            self.skipTest("Debian 12 has no openapi-spec-validator")
        openapi_spec_validator.validate(DOCUMENT)

    def test_schemas_are_schemas_and_examples_fit_them(self):
        for name, schema in WHOLE["components"]["schemas"].items():
            jsonschema.Draft202012Validator.check_schema(schema)
            for example in schema.get("examples", []):
                jsonschema.Draft202012Validator(schema).validate(example)
                if schema.get("type") == "object" and schema.get("required"):
                    with self.assertRaises(jsonschema.ValidationError, msg=name):
                        jsonschema.Draft202012Validator(schema).validate({})

    def test_errors_are_problems(self):
        problem = WHOLE["components"]["schemas"]["Problem"]
        for where, status, response in responses():
            if status[0] not in "45":
                continue
            self.assertEqual(list(response["content"]), ["application/problem+json"], where)
            self.assertEqual(response["content"]["application/problem+json"]["schema"], problem)
            self.assertEqual("Retry-After" in response.get("headers", {}), status == "503", where)
            self.assertEqual("Allow" in response.get("headers", {}), status == "405", where)

    def test_all_components_are_used(self):
        text = (ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8")
        for kind, components in DOCUMENT["components"].items():
            for name in components:
                self.assertIn(f"#/components/{kind}/{name}'", text)

    def test_its_paths_are_those_of_the_handlers(self):
        code = "\n".join(path.read_text(encoding="utf-8")
                         for path in sorted((ROOT / "src" / "api").glob("*.cc")))
        of_code = set(re.findall(r'"(/[a-z][a-z/-]*)"', code))
        self.assertIn("/payments", of_code)
        of_document = {re.sub(r"/{\w+}$", "", path) for path in DOCUMENT["paths"]}
        self.assertEqual(of_document, of_code)


if __name__ == "__main__":
    unittest.main(verbosity=2)
