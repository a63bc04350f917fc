"""docs/openapi.yaml for tests: the document with its references resolved, and a check of answers.

An answer is (status, headers with names in lower case, body as bytes).
"""
import json
import pathlib

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
JSON_TYPES = ("application/json", "application/problem+json")


def load():
    with open(ROOT / "docs" / "openapi.yaml", encoding="utf-8") as file:
        return yaml.safe_load(file)


def resolve(document, node):
    """The node with its references replaced by what they name. The document has no circles."""
    if isinstance(node, list):
        return [resolve(document, item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return resolve(document, target)
    return {key: resolve(document, value) for key, value in node.items()}


def problem_with_answer(response, answer):
    """How this answer differs from the (resolved) response; None if it does not."""
    _, headers, body = answer
    for name, header in response.get("headers", {}).items():
        value = headers.get(name.lower())
        if value is None:
            return f"no {name}"
        if value != header["schema"]["const"]:
            return f"{name}: {value}"
    content = response.get("content", {})
    if not content:
        return f"a body where none is: {body!r}" if body else None
    media_type = headers.get("content-type", "").split(";")[0]
    if media_type not in content:
        return f"Content-Type: {media_type}"
    value = json.loads(body) if media_type in JSON_TYPES else body.decode()
    try:
        jsonschema.Draft202012Validator(content[media_type]["schema"]).validate(value)
    except jsonschema.ValidationError as error:
        return f"{error.message} (at {list(error.absolute_path)})"
    return None
