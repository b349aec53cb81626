#include "providers/dialects/gemini/schema.h"

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::gemini {
namespace {

absl::StatusOr<std::string> Convert(std::string_view schema) {
  return JsonSchemaOf(schema, "schema");
}

TEST(GeminiSchemaTest, TypesBecomeLowerCaseAtEveryDepth) {
  const absl::StatusOr<std::string> schema = Convert(R"({"type":"OBJECT",
      "properties":{
        "type":{"type":"STRING","enum":["A"],"maxLength":"12"},
        "list":{"type":"ARRAY","items":{"type":"INTEGER"},"min_items":"1"},
        "any":{"any_of":[{"type":"NUMBER"},{"type":"BOOLEAN"}]}},
      "required":["type"],"property_ordering":["type","list"]})");
  ASSERT_TRUE(schema.ok()) << schema.status();
  EXPECT_TRUE(SameJson(*schema, R"({"type":"object",
      "properties":{
        "type":{"type":"string","enum":["A"],"maxLength":12},
        "list":{"type":"array","items":{"type":"integer"},"minItems":1},
        "any":{"anyOf":[{"type":"number"},{"type":"boolean"}]}},
      "required":["type"],"propertyOrdering":["type","list"]})"));
}

TEST(GeminiSchemaTest, WhatMayBeNullHasTwoTypes) {
  EXPECT_TRUE(SameJson(Convert(R"({"type":"STRING","nullable":true})").value(),
                       R"({"type":["string","null"]})"));
  EXPECT_TRUE(SameJson(Convert(R"({"nullable":false,"type":"STRING"})").value(),
                       R"({"type":"string"})"));
}

TEST(GeminiSchemaTest, AndNullIsOneOfItsValues) {
  EXPECT_TRUE(SameJson(
      Convert(R"({"type":"STRING","nullable":true,"enum":["a","b"]})").value(),
      R"({"type":["string","null"],"enum":["a","b",null]})"));
  EXPECT_TRUE(SameJson(
      Convert(R"({"enum":["a",null],"type":"STRING","nullable":true})").value(),
      R"({"type":["string","null"],"enum":["a",null]})"));
  EXPECT_TRUE(SameJson(
      Convert(R"({"type":"STRING","nullable":false,"enum":["a"]})").value(),
      R"({"type":"string","enum":["a"]})"));
}

TEST(GeminiSchemaTest, JsonSchemaStaysAsItIs) {
  const std::string_view schema =
      R"({"type":"object","properties":{"a":true,"b":{"minItems":0}},)"
      R"("additionalProperties":false,"$defs":{"x":{"type":"string"}}})";
  EXPECT_TRUE(SameJson(Convert(schema).value(), schema));
}

TEST(GeminiSchemaTest, NoTypeIsNoType) {
  EXPECT_TRUE(
      SameJson(Convert(R"({"type":"TYPE_UNSPECIFIED"})").value(), "{}"));
}

TEST(GeminiSchemaTest, NamesTheFieldAtFault) {
  const absl::StatusOr<std::string> schema =
      Convert(R"({"properties":{"a":{"maxItems":"many"}}})");
  ASSERT_FALSE(schema.ok());
  EXPECT_EQ(FieldViolations(schema.status()).front().first,
            "schema.properties.a.maxItems");
}

}  // namespace
}  // namespace gateway::gemini
