"""The checker finds what it is there to find."""

import json
import os
import tempfile
import unittest
from unittest import mock

from tests.openapi import known_gaps
from tests.openapi import wire_specs

_EVENTS = [{"type": "object", "required": ["type", "text"], "properties": {
    "type": {"const": "text"}, "text": {"type": "string", "maxLength": 3}}},
           {"type": "object", "required": ["type"], "properties": {
               "type": {"enum": ["end"]}}}]
_SPEC = {"openapi": "3.1.0", "paths": {"/things": {"post": {
    "requestBody": {"content": {"application/json": {"schema": {
        "$ref": "#/components/schemas/Thing"}}}},
    "responses": {
        "200": {"content": {
            "application/json": {"schema": {
                "$ref": "#/components/schemas/Thing"}},
            "text/event-stream": {"schema": {"oneOf": _EVENTS}}}},
        "4XX": {"$ref": "#/components/responses/Bad"}}}}},
         "components": {
             "schemas": {"Thing": {
                 "type": "object", "required": ["name"], "properties": {
                     "name": {"type": "string"},
                     "old": {"type": "string", "nullable": True},
                     "size": {"type": "number", "minimum": 0,
                              "exclusiveMinimum": True},
                     "part": {"$ref": "#/components/schemas/Thing"},
                     "either": {"oneOf": [{"type": "string"}, {
                         "$ref": "#/components/schemas/Thing"}]}}}},
             "responses": {"Bad": {"content": {"application/json": {
                 "schema": {"type": "object", "required": ["error"]}}}}}}}


class WireSpecsTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name in wire_specs.NAMES:
            path = os.path.join(folder.name, name + ".openapi.yaml")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(_SPEC, file)  # Which is YAML too.
        self.folder = folder.name
        with mock.patch.dict(os.environ,
                             {wire_specs.VARIABLE: self.folder}):
            self.spec = wire_specs.load()["openai"]

    def found(self, problems):
        return [(problem.path, problem.message) for problem in problems]

    def test_what_agrees_has_no_problems(self):
        body = {"name": "x", "old": None, "size": 1, "part": {"name": "y"},
                "either": {"name": "z"}, "unknown": 1}
        self.assertEqual(self.spec.request("/things", body), [])
        self.assertEqual(self.spec.reply("/things", "post", body), [])
        self.assertEqual(self.spec.component("Thing", body), [])
        for event in ({"type": "end"}, {"type": "text", "text": "abc"}):
            self.assertEqual(self.spec.event("/things", event), [])

    def test_a_problem_says_where_it_is(self):
        found = self.found(self.spec.request("/things", {
            "name": 7, "size": 0, "part": {}}))
        self.assertEqual([path for path, _ in found],
                         ["/name", "/size", "/part"])
        self.assertIn("is not of type 'string'", found[0][1])
        self.assertIn("required", found[2][1])

    def test_of_alternatives_the_nearest_is_told(self):
        self.assertEqual(
            [path for path, _ in self.found(self.spec.component(
                "Thing", {"name": "x", "either": {"name": 1}}))],
            ["/either/name"])
        self.assertEqual(
            self.found(self.spec.event("/things", {"type": "text"})),
            [("/", "'text' is a required property")])
        self.assertEqual(
            [path for path, _ in self.found(self.spec.event(
                "/things", {"type": "text", "text": "abcd"}))], ["/text"])
        self.assertTrue(self.spec.event("/things", {"type": "none"}))

    def test_errors_are_found_by_their_class(self):
        self.assertTrue(self.spec.reply("/things", "post", {}, status=404))
        with self.assertRaisesRegex(AssertionError, "no status 500"):
            self.spec.reply("/things", "post", {}, status=500)

    def test_a_known_gap_is_one_place_and_no_other(self):
        gap = known_gaps.Gap("openai", "^request", "^/size$", "minimum", "")
        with mock.patch.object(known_gaps, "GAPS", (gap,)):
            found = self.found(self.spec.request("/things", {
                "name": "x", "size": 0, "part": {"name": "y", "size": 0}}))
        self.assertEqual([path for path, _ in found], ["/part/size"])

    def test_without_the_files_there_is_a_reason_to_skip(self):
        for folder, reason in (("", "names no folder"),
                               (os.path.join(self.folder, "none"),
                                "without openai, anthropic")):
            with mock.patch.dict(os.environ, {wire_specs.VARIABLE: folder}):
                with self.assertRaisesRegex(unittest.SkipTest, reason):
                    wire_specs.load()


if __name__ == "__main__":
    unittest.main()
