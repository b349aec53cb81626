"""The page of the configuration, and how it is made."""

import unittest

from tools.docs import configuration

_PROTO = """\
// About the file.
syntax = "proto3";

// A shape
// of things.
message GatewayConfig {
  // Ways.
  enum Way {
    // None.
    WAY_UNSPECIFIED = 0;
    // This | that.
    WAY_THIS = 1;
  }

  // Optional. How
  // long.
  //
  // Default: 3s.
  google.protobuf.Duration wait = 1;

  // Which.
  Way way = 2;

  // Names.
  map<string, Way> ways = 3;

  // What. Exactly one is set.
  oneof kind {
    // Some.
    Inner inner = 4;
  }

  // More.
  repeated Inner more = 5;

  // Much.
  optional int64 body_bytes_limit = 6;
}

// Inside.
message Inner {
  // Text.
  string text = 1;

  // Which here.
  Way way = 2;

  // Other ways.
  enum Way {
    // None.
    WAY_UNSPECIFIED = 0;
    // That.
    WAY_THAT = 1;
  }
}
"""


class ConfigurationTest(unittest.TestCase):

    def setUp(self):
        self.types = {}
        configuration.parse(_PROTO, self.types)
        configuration.resolve(self.types)

    def test_reads_messages_and_enums(self):
        self.assertEqual(
            list(self.types),
            ["GatewayConfig", "GatewayConfig.Way", "Inner", "Inner.Way"])
        shape = self.types["GatewayConfig"]
        self.assertEqual(shape.comment, ["A shape", "of things."])
        self.assertEqual(
            [field.name for field in shape.fields],
            ["wait", "way", "ways", "inner", "more", "body_bytes_limit"])
        self.assertEqual(shape.fields[3].oneof, "kind")
        self.assertTrue(shape.fields[2].is_map)
        self.assertTrue(shape.fields[4].repeated)

    def test_only_single_values_outside_of_lists_are_variables(self):
        self.assertEqual(
            configuration.variables(self.types),
            [("LLM_GATEWAY_BODY_BYTES_LIMIT", "body_bytes_limit"),
             ("LLM_GATEWAY_INNER_TEXT", "inner.text"),
             ("LLM_GATEWAY_INNER_WAY", "inner.way"),
             ("LLM_GATEWAY_WAIT", "wait"),
             ("LLM_GATEWAY_WAY", "way")])

    def test_values_are_named_as_people_write_them(self):
        self.assertEqual(
            configuration.short_name(
                "WAY_THIS", self.types["GatewayConfig.Way"]), "this")

    def test_enums_of_one_name_are_told_apart_by_where_they_are(self):
        sections = {
            name: configuration.section(self.types[name], [""], self.types)
            for name in ("GatewayConfig", "Inner")}
        self.assertIn("| `way` | `this` |", sections["GatewayConfig"])
        self.assertIn("| `ways` | map to `this` |", sections["GatewayConfig"])
        self.assertIn("- `this`: This | that.", sections["GatewayConfig"])
        self.assertIn("| `way` | `that` |", sections["Inner"])
        self.assertIn("- `that`: That.", sections["Inner"])
        self.assertNotIn("`this`", sections["Inner"])

    def test_what_operators_may_not_have_is_not_said_to_be_theirs(self):
        told = configuration.section(self.types["Inner"], [
            "auth.callers.api_keys[].limits[]",
            "auth.operators.api_keys[].limits[]"], self.types)
        self.assertIn("At `auth.callers.api_keys[].limits[]`.\n", told)
        self.assertIn("below `auth.operators` it is refused", told)
        self.assertNotIn("refused", configuration.section(
            self.types["Inner"], ["auth.operators.api_keys[]"], self.types))

    def test_the_page_is_current(self):
        with open("docs/configuration.md", encoding="utf-8") as page:
            self.assertEqual(
                page.read(), configuration.page(),
                "run tools/docs/configuration.py")


if __name__ == "__main__":
    unittest.main()
