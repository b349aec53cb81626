"""An answer is JSON, and has what is required."""

import unittest

from tests.clients.python.llm_gateway import client_path  # For the path.

from llm_gateway.router.output_check import check_output

_SCHEMA = {"type": "object", "required": ["answer", "why"]}


class OutputCheckTest(unittest.TestCase):

    def test_without_a_schema_nothing_is_checked(self):
        for schema in (None, {}):
            self.assertEqual(check_output("Hello", schema), (None, []))

    def test_what_is_no_json_is_shown_in_part(self):
        self.assertEqual(check_output("x" * 200, _SCHEMA), (
            False, ["Response is not valid JSON: " + "x" * 100]))

    def test_all_that_is_missing_is_named(self):
        self.assertEqual(check_output('{"z": 1}', _SCHEMA), (
            False, ["Missing required field: answer",
                    "Missing required field: why"]))

    def test_an_object_must_be_one(self):
        self.assertEqual(check_output("[1]", _SCHEMA),
                         (False, ["Response is not a JSON object"]))

    def test_what_has_all_is_valid(self):
        self.assertEqual(
            check_output('{"why": 1, "answer": null}', _SCHEMA), (True, []))
        self.assertEqual(check_output("[1]", {"type": "array"}), (True, []))


if __name__ == "__main__":
    unittest.main()
