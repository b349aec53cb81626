#include "providers/schema/schema_graph.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

std::string Refusal(std::string_view schema) {
  const absl::StatusOr<SchemaGraph> graph = ReadSchemaGraph(schema);
  if (graph.ok()) return "";
  EXPECT_EQ(graph.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(graph.status().message());
}

TEST(SchemaGraphTest, ASchemaIsReadOnceHoweverOftenItIsReferredTo) {
  const absl::StatusOr<SchemaGraph> graph = ReadSchemaGraph(
      R"({"definitions": {"a": {"type": "string"}, "unused": {}},
          "properties": {"x": {"$ref": "#/definitions/a"},
                         "y": {"$ref": "#/definitions/a"},
                         "z": {"$ref": "#"}}})");
  ASSERT_TRUE(graph.ok()) << graph.status();
  // The root, x, y, z and a.
  ASSERT_EQ(graph->nodes.size(), 5u);
  EXPECT_EQ(graph->nodes[0].properties.size(), 3u);
  EXPECT_GT(graph->weight, 5 * sizeof(SchemaNode));
}

TEST(SchemaGraphTest, WhatIsWrongIsNamedWithItsPlace) {
  EXPECT_EQ(Refusal("[]"), "#: must be a schema: an object, true or false");
  EXPECT_EQ(Refusal(R"({"items": 5})"),
            "#/items: must be a schema: an object, true or false");
  EXPECT_EQ(Refusal(R"({"properties": {"a": {"type": "text"}}})"),
            "#/properties/a/type: names no type");
  EXPECT_EQ(Refusal(R"({"properties": {"a": {"pattern": "(?=b)c"}}})"),
            "#/properties/a/pattern: the pattern has a look ahead or behind, "
            "which is not supported");
  EXPECT_EQ(Refusal(R"({"patternProperties": {"(": {}}})").substr(0, 23),
            "#/patternProperties/(: ");
  EXPECT_EQ(Refusal(R"({"minLength": -1})"),
            "#/minLength: must be a whole number, at least 0");
  EXPECT_EQ(Refusal(R"({"maxLength": 1e30})"),
            "#/maxLength: must be a whole number, at least 0");
  EXPECT_EQ(Refusal(R"({"multipleOf": 0})"),
            "#/multipleOf: must be a number above 0");
  EXPECT_EQ(Refusal(R"({"allOf": []})"), "#/allOf: must be a list of schemas");
  EXPECT_EQ(Refusal(R"({"properties": []})"),
            "#/properties: must be an object");
  EXPECT_EQ(Refusal(R"({"required": "a"})"),
            "#/required: must be a list of names");
  EXPECT_EQ(Refusal(R"({"exclusiveMinimum": true})"),
            "#/exclusiveMinimum: must be a number");
  EXPECT_EQ(Refusal(R"({"enum": 1})"), "#/enum: must be an array");
  EXPECT_EQ(Refusal(R"({"$ref": 1})"), "#/$ref: must be a string");
  EXPECT_EQ(Refusal(R"({"dependentRequired": {"a": "b"}})"),
            "#/dependentRequired/a: must be a list of names");
  EXPECT_EQ(Refusal(R"({"prefixItems": [{}], "items": [{}]})"),
            "#/items: must be one schema where prefixItems is a list");
  EXPECT_EQ(Refusal(R"({"uniqueItems": 1})"),
            "#/uniqueItems: must be true or false");
  for (const char* count :
       {"minItems", "maxItems", "minProperties", "maxProperties"}) {
    EXPECT_EQ(
        Refusal(absl::StrCat("{\"", count, "\": \"a\"}")),
        absl::StrCat("#/", count, ": must be a whole number, at least 0"));
  }
  EXPECT_THAT(Refusal("{"), HasSubstr("#: "));
}

TEST(SchemaGraphTest, ALoopWithoutAStepIntoTheValueIsRefused) {
  EXPECT_THAT(Refusal(R"({"$ref": "#"})"), HasSubstr("#: leads back"));
  EXPECT_THAT(Refusal(R"({"allOf": [{"anyOf": [{"$ref": "#"}]}]})"),
              HasSubstr("leads back"));
  EXPECT_THAT(
      Refusal(R"({"definitions": {"a": {"not": {"$ref": "#/definitions/b"}},
                                  "b": {"if": {"$ref": "#/definitions/a"}}},
                  "items": {"$ref": "#/definitions/a"}})"),
      HasSubstr("leads back"));
  // A tree is no such loop.
  EXPECT_EQ(Refusal(R"({"properties": {"left": {"$ref": "#"},
                                       "right": {"$ref": "#"}}})"),
            "");
}

TEST(SchemaGraphTest, WhatIsTooLargeIsRefused) {
  EXPECT_THAT(Refusal(absl::StrCat("{\"title\": \"",
                                   std::string(SchemaGraph::kTextBytesMax, 'a'),
                                   "\"}")),
              HasSubstr("larger than"));
  std::string deep = "{}";
  for (int i = 0; i < 40; ++i) deep = absl::StrCat("{\"items\":", deep, "}");
  EXPECT_EQ(Refusal(deep), "");
  for (int i = 0; i < 40; ++i) deep = absl::StrCat("{\"items\":", deep, "}");
  EXPECT_THAT(Refusal(deep), HasSubstr("deep"));
  std::string patterns = "{\"patternProperties\":{\"a\":{}";
  for (size_t i = 0; i < SchemaGraph::kPatternsMax; ++i) {
    absl::StrAppend(&patterns, ",\"a", i, "\":{}");
  }
  EXPECT_THAT(Refusal(patterns + "}}"), HasSubstr("patterns"));
}

}  // namespace
}  // namespace gateway
