"""The vendors' OpenAPI files, and what of a message does not agree with them.

    specs = wire_specs.load()  # SkipTest where the files are not
    for problem in specs["openai"].reply("/chat/completions", "post", body):
        print(problem)

The files are not ours to copy. They are looked for in the folder that
LLM_GATEWAY_WIRE_SPECS names, which tools/testing/run_tests.sh sets if the
folder lies beside the checkout.
"""

import functools
import os
import re
import sys
import unittest

from tests.openapi import known_gaps
from tests.sdk import sdks

VARIABLE = "LLM_GATEWAY_WIRE_SPECS"
NAMES = ("openai", "anthropic", "ollama", "openrouter")


def load():
    """All specifications by name, read when they are first used."""
    folder = os.environ.get(VARIABLE, "")
    missing = [name for name in NAMES
               if not os.path.exists(_path(folder, name))]
    if not folder or missing:
        reason = ("skipped: no vendor's OpenAPI files; %s names %s" % (
            VARIABLE, "no folder" if not folder else
            "a folder without " + ", ".join(missing)))
        print(reason)
        raise unittest.SkipTest(reason)
    packages = sdks.packages("python")
    if packages not in sys.path:
        sys.path.insert(0, packages)
    return {name: Spec(name, _path(folder, name)) for name in NAMES}


def _path(folder, name):
    return os.path.join(folder, name + ".openapi.yaml")


class Problem:
    """One thing that does not agree, and where in the message it is."""

    def __init__(self, spec, what, path, message):
        self.spec = spec
        self.what = what  # Such as "reply /chat/completions".
        self.path = "/" + "/".join(str(part) for part in path)
        self.message = message if len(message) < 300 else (
            message[:200] + " ... " + message[-90:])

    def __str__(self):
        return "%s: %s at %s: %s" % (self.spec, self.what, self.path,
                                     self.message)

    @property
    def is_known(self):
        """Whether it is a gap that known_gaps tells the reason of."""
        return self.known_of(self.spec)

    def known_of(self, speaker):
        """The same of somebody who speaks the file's format in his manner."""
        return any(gap.spec == speaker and
                   re.search(gap.what, self.what) and
                   re.search(gap.path, self.path) and
                   re.search(gap.message, self.message)
                   for gap in known_gaps.GAPS)


class Spec:
    """One specification. Its methods return the problems that are not known.
    """

    def __init__(self, name, path):
        self.name = name
        self._path = path

    def request(self, path, body):
        """What is wrong with the body of a POST."""
        schema = self._operation(path, "post")["requestBody"]["content"][
            "application/json"]["schema"]
        return self._problems("request " + path, schema, body)

    def reply(self, path, method, body, status=200):
        """What is wrong with the body of a whole answer."""
        schema = self._content(path, method, status)["application/json"][
            "schema"]
        return self._problems("reply " + path, schema, body)

    def event(self, path, data):
        """What is wrong with one object of a stream."""
        content = self._content(path, "post", 200)
        if path == "/v1/messages":  # Whose stream has no place in its file.
            return self.component("MessageStreamEvent", data)
        schema = (content.get("text/event-stream") or
                  content["application/x-ndjson"])["schema"]
        # One file describes the whole event, with its `data`.
        envelope = self._resolve(schema)
        if envelope.get("required") == ["data"]:
            schema = envelope["properties"]["data"]
        return self._problems("event " + path, schema, data)

    def component(self, schema, body):
        """What is wrong with an object, by the name of its schema."""
        return self._problems(schema, {
            "$ref": "#/components/schemas/" + schema}, body)

    @functools.cached_property
    def _document(self):
        import yaml  # pylint: disable=import-outside-toplevel
        with open(self._path, "rb") as file:
            return _modern(yaml.load(file, Loader=yaml.CSafeLoader))

    @functools.cached_property
    def _root(self):
        # pylint: disable=import-outside-toplevel
        from jsonschema import Draft202012Validator
        return Draft202012Validator(self._document)

    def _operation(self, path, method):
        return self._document["paths"][path][method]

    def _content(self, path, method, status):
        responses = self._operation(path, method)["responses"]
        for key in (str(status), "%dXX" % (status // 100), "default"):
            if key in responses:
                return self._resolve(responses[key])["content"]
        raise AssertionError("%s: %s has no status %d"
                             % (self.name, path, status))

    def _resolve(self, schema):
        while "$ref" in schema:
            at = self._document
            for part in schema["$ref"].lstrip("#/").split("/"):
                at = at[part.replace("~1", "/").replace("~0", "~")]
            schema = at
        return schema

    def _branch(self, schema, value):
        """The only alternative whose type is the value's, where there is one.

        Of sixty kinds of events the other fifty-nine need no look.
        """
        while isinstance(value, dict) and "type" in value:
            resolved = self._resolve(schema)
            branches = resolved.get("anyOf", [])
            fitting = [branch for branch in branches if value["type"] in
                       self._types(branch)]
            if len(fitting) != 1:
                break
            schema = fitting[0]
        return schema

    def _types(self, schema):
        kind = self._resolve(schema).get("properties", {}).get("type", {})
        kind = self._resolve(kind)
        return [kind["const"]] if "const" in kind else kind.get("enum", [])

    def _problems(self, what, schema, value):
        schema = self._branch(schema, value)
        found = []
        # It finds what a schema refers to in the whole document.
        for error in self._root.evolve(schema=schema).iter_errors(value):
            for path, message in _leaves(error):
                problem = Problem(self.name, what, path, message)
                if not problem.is_known:
                    found.append(problem)
        return found


def _leaves(error):
    """What is really wrong: of alternatives, what the nearest one finds."""
    if not error.context:
        yield list(error.absolute_path), error.message
        return
    branches = {}
    for inner in error.context:
        branches.setdefault(inner.schema_path[0], []).append(inner)

    def distance(errors):
        # An alternative of another type is no alternative.
        kind = any(list(one.path)[-1:] == ["type"] or one.validator == "type"
                   and not one.path for one in errors)
        return (kind, len(errors))
    for inner in min(branches.values(), key=distance):
        yield from _leaves(inner)


def _modern(node):
    """Words of OpenAPI 3.0, which some files still use, in those of 3.1."""
    if isinstance(node, list):
        return [_modern(one) for one in node]
    if not isinstance(node, dict):
        return node
    node = {key: _modern(value) for key, value in node.items()}
    if "oneOf" in node and "anyOf" not in node:
        # Alternatives overlap more often than their authors thought.
        node["anyOf"] = node.pop("oneOf")
    for name, limit in (("exclusiveMinimum", "minimum"),
                        ("exclusiveMaximum", "maximum")):
        if isinstance(node.get(name), bool):
            if node.pop(name) and limit in node:
                node[name] = node.pop(limit)
    if node.get("nullable") is True and _is_schema(node):
        del node["nullable"]
        return {"anyOf": [node, {"type": "null"}]}
    return node


def _is_schema(node):
    return any(key in node for key in ("$ref", "allOf", "anyOf", "enum",
                                       "oneOf", "type"))
