#include "providers/schema/json_schema.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> Errors(std::string_view schema,
                                std::string_view json) {
  const absl::StatusOr<std::shared_ptr<const JsonSchema>> compiled =
      JsonSchema::Compile(schema);
  if (!compiled.ok()) return {std::string(compiled.status().message())};
  return (*compiled)->Validate(json);
}

TEST(JsonSchemaTest, AnErrorSaysWhereAndWhat) {
  constexpr char kSchema[] =
      R"({"type": "object", "required": ["answer"], "properties": {
          "answer": {"type": "string", "minLength": 2, "pattern": "^a"},
          "steps": {"type": "array", "items": {
              "type": "object", "properties": {"n": {"type": "integer"}},
              "additionalProperties": false}}}})";
  EXPECT_THAT(Errors(kSchema, R"({"answer": "ab", "steps": [{"n": 1.0}]})"),
              IsEmpty());
  EXPECT_THAT(Errors(kSchema, "{}"),
              ElementsAre("#: missing required property 'answer'"));
  EXPECT_THAT(Errors(kSchema, "[]"),
              ElementsAre("#: is an array, not an object"));
  EXPECT_THAT(
      Errors(kSchema,
             R"({"answer": "b", "steps": [{"n": 1}, {"n": "2", "m": 0}]})"),
      ElementsAre("#/answer: is shorter than 2 characters",
                  "#/answer: does not match the pattern",
                  "#/steps/1/m: nothing may stand here",
                  "#/steps/1/n: is a string, not an integer"));
  EXPECT_THAT(Errors(kSchema, "Sure! Here it is"),
              ElementsAre(HasSubstr("#: ")));
}

TEST(JsonSchemaTest, AlternativesSayWhatEachWasMissing) {
  constexpr char kSchema[] =
      R"({"anyOf": [{"type": "null"},
                    {"type": "object", "required": ["a"]}]})";
  EXPECT_THAT(Errors(kSchema, "null"), IsEmpty());
  EXPECT_THAT(Errors(kSchema, "{}"),
              ElementsAre("#: fits none of the 2 schemas of anyOf",
                          "#: missing required property 'a'"));
  EXPECT_THAT(Errors(R"({"oneOf": [{"minimum": 1}, {"minimum": 2}]})", "3"),
              ElementsAre("#: fits 2 of the 2 schemas of oneOf, not one"));
  EXPECT_THAT(Errors(R"({"not": {"type": "string"}})", "\"a\""),
              ElementsAre("#: fits the schema of not"));
  EXPECT_THAT(Errors(R"({"type": ["string", "number"]})", "true"),
              ElementsAre("#: is a boolean, not a number or a string"));
}

TEST(JsonSchemaTest, ValuesAreComparedWhateverTheOrderOfTheirKeys) {
  constexpr char kEnum[] = R"({"enum": [1, "a", [2], {"a": 1, "b": 2}]})";
  for (const char* value : {"1.0", "\"a\"", "[2]", R"({"b": 2, "a": 1})"}) {
    EXPECT_THAT(Errors(kEnum, value), IsEmpty()) << value;
  }
  EXPECT_THAT(Errors(kEnum, "[3]"),
              ElementsAre("#: is none of the values of enum"));
  EXPECT_THAT(Errors(R"({"const": 1})", "true"),
              ElementsAre("#: is not the value of const"));
  EXPECT_THAT(Errors(R"({"const": 9007199254740993})", "9007199254740992"),
              SizeIs(1));
}

TEST(JsonSchemaTest, BoundsOfNumbersAreMetAtTheirEdges) {
  constexpr char kClosed[] = R"({"minimum": 1, "maximum": 2.5})";
  EXPECT_THAT(Errors(kClosed, "1"), IsEmpty());
  EXPECT_THAT(Errors(kClosed, "2.5"), IsEmpty());
  EXPECT_THAT(Errors(kClosed, "0.5"), ElementsAre("#: is less than 1"));
  EXPECT_THAT(Errors(kClosed, "3"), ElementsAre("#: is more than 2.5"));
  EXPECT_THAT(Errors(kClosed, "\"3\""), IsEmpty());
  constexpr char kOpen[] = R"({"exclusiveMinimum": 1, "exclusiveMaximum": 2})";
  EXPECT_THAT(Errors(kOpen, "1.5"), IsEmpty());
  EXPECT_THAT(Errors(kOpen, "1"), ElementsAre("#: is not more than 1"));
  EXPECT_THAT(Errors(kOpen, "2.0"), ElementsAre("#: is not less than 2"));
  // As doubles they are one number.
  EXPECT_THAT(Errors(R"({"maximum": 9007199254740992})", "9007199254740993"),
              SizeIs(1));
}

TEST(JsonSchemaTest, ItemsAndPropertiesAreCounted) {
  constexpr char kItems[] = R"({"minItems": 1, "maxItems": 2})";
  EXPECT_THAT(Errors(kItems, "[1, 2]"), IsEmpty());
  EXPECT_THAT(Errors(kItems, "[]"), ElementsAre("#: has less than 1 items"));
  EXPECT_THAT(Errors(kItems, "[1, 2, 3]"),
              ElementsAre("#: has more than 2 items"));
  EXPECT_THAT(Errors(kItems, "{}"), IsEmpty());
  constexpr char kProperties[] = R"({"minProperties": 1, "maxProperties": 2})";
  EXPECT_THAT(Errors(kProperties, R"({"a": 1, "b": 2})"), IsEmpty());
  EXPECT_THAT(Errors(kProperties, "{}"),
              ElementsAre("#: has less than 1 properties"));
  EXPECT_THAT(Errors(kProperties, R"({"a": 1, "b": 2, "c": 3})"),
              ElementsAre("#: has more than 2 properties"));
}

TEST(JsonSchemaTest, WhatIsRequiredAndMissingIsNamed) {
  EXPECT_THAT(Errors(R"({"required": ["a", "b", "c\u0000"]})", R"({"a": 1})"),
              ElementsAre("#: missing required property 'b'",
                          HasSubstr("#: missing required property 'c")));
  EXPECT_THAT(Errors(R"({"required": ["a"]})", "7"), IsEmpty());
  for (const char* keyword : {"dependencies", "dependentRequired"}) {
    const std::string schema =
        absl::StrCat("{\"", keyword, "\": {\"a\": [\"b\"]}}");
    EXPECT_THAT(Errors(schema, R"({"a": 1})"),
                ElementsAre("#: missing required property 'b'"));
    EXPECT_THAT(Errors(schema, R"({"b": 1})"), IsEmpty());
    EXPECT_THAT(Errors(schema, R"({"a": 1, "b": 1})"), IsEmpty());
  }
}

TEST(JsonSchemaTest, ErrorsAreBoundedInNumberAndLength) {
  std::string many = "[0";
  for (int i = 0; i < 1000; ++i) many += ",0";
  EXPECT_THAT(Errors(R"({"items": {"type": "string"}})", many + "]"),
              SizeIs(JsonSchema::kErrorsMax));
  const std::string name(5000, 'n');
  for (const std::string& error :
       Errors(absl::StrCat("{\"required\": [\"", name, "\"]}"), "{}")) {
    EXPECT_LE(error.size(), JsonSchema::kErrorBytesMax);
  }
}

TEST(JsonSchemaTest, LaterDraftsAreRewritten) {
  constexpr char kTuple[] =
      R"({"prefixItems": [{"type": "string"}], "items": {"type": "number"}})";
  EXPECT_THAT(Errors(kTuple, R"(["a", 1, 2])"), IsEmpty());
  EXPECT_THAT(Errors(kTuple, R"(["a", "b"])"), SizeIs(1));
  EXPECT_THAT(Errors(kTuple, "[1]"), SizeIs(1));
  EXPECT_THAT(Errors(R"({"prefixItems": [{}], "items": false})", "[1, 2]"),
              ElementsAre("#/1: nothing may stand here"));
  constexpr char kDefs[] =
      R"({"$defs": {"a": {"type": "string"}},
          "properties": {"x": {"$ref": "#/$defs/a", "maxLength": 1}}})";
  EXPECT_THAT(Errors(kDefs, R"({"x": "a"})"), IsEmpty());
  EXPECT_THAT(Errors(kDefs, R"({"x": 1})"), SizeIs(1));
  // Beside a reference, keywords count since 2019-09.
  EXPECT_THAT(Errors(kDefs, R"({"x": "ab"})"), SizeIs(1));
  constexpr char kDependent[] =
      R"({"dependentRequired": {"a": ["b"], "e": []},
          "dependentSchemas": {"c": {"required": ["d"]}, "f": false}})";
  EXPECT_THAT(Errors(kDependent, R"({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1})"),
              IsEmpty());
  EXPECT_THAT(Errors(kDependent, R"({"a": 1})"), SizeIs(1));
  EXPECT_THAT(Errors(kDependent, R"({"c": 1})"), SizeIs(1));
  EXPECT_THAT(Errors(kDependent, R"({"f": 1})"), SizeIs(1));
}

TEST(JsonSchemaTest, BothDependenciesOfOneNameCount) {
  constexpr char kSchema[] =
      R"({"dependencies": {"a": ["b"]}, "dependentRequired": {"a": ["c"]}})";
  EXPECT_THAT(Errors(kSchema, R"({"a": 1, "b": 1, "c": 1})"), IsEmpty());
  EXPECT_THAT(Errors(kSchema, R"({"a": 1, "b": 1})"), SizeIs(1));
  EXPECT_THAT(Errors(kSchema, R"({"a": 1, "c": 1})"), SizeIs(1));
}

TEST(JsonSchemaTest, FormatsAreNotes) {
  EXPECT_THAT(Errors(R"({"format": "email"})", "\"no\""), IsEmpty());
  EXPECT_THAT(Errors(R"({"format": "date"})", "7"), IsEmpty());
}

TEST(JsonSchemaTest, NumbersAreComparedByValue) {
  EXPECT_THAT(Errors(R"({"const": 1})", "1.0"), IsEmpty());
  EXPECT_THAT(Errors(R"({"type": "integer"})", "1e2"), IsEmpty());
  EXPECT_THAT(
      Errors(R"({"type": "integer"})", "123456789012345678901234567890"),
      IsEmpty());
  EXPECT_THAT(Errors(R"({"type": "integer"})", "1.5"), SizeIs(1));
  EXPECT_THAT(Errors(R"({"multipleOf": 0.01})", "19.99"), IsEmpty());
  EXPECT_THAT(Errors(R"({"multipleOf": 0.01})", "19.995"), SizeIs(1));
  EXPECT_THAT(Errors(R"({"multipleOf": 2})", "2.5"), SizeIs(1));
  EXPECT_THAT(Errors(R"({"multipleOf": 1e-300})", "1e300"), SizeIs(1));
  EXPECT_THAT(Errors(R"({"maximum": 1e300})", "18446744073709551615"),
              IsEmpty());
  EXPECT_THAT(Errors("{}", "1e400"), SizeIs(1));
}

TEST(JsonSchemaTest, LengthsAreCharactersPastANul) {
  EXPECT_THAT(Errors(R"({"maxLength": 2})", "\"a\\u0000b\""), SizeIs(1));
  EXPECT_THAT(Errors(R"({"minLength": 3})", "\"a\\u0000b\""), IsEmpty());
  EXPECT_THAT(Errors(R"({"maxLength": 1})", "\"\u00e9\""), IsEmpty());
  EXPECT_THAT(Errors(R"({"minLength": 9223372036854775807})", "\"a\""),
              SizeIs(1));
}

TEST(JsonSchemaTest, TwiceTheSameItemIsFoundHoweverItIsWritten) {
  constexpr char kUnique[] = R"({"uniqueItems": true})";
  EXPECT_THAT(Errors(kUnique, R"([{"a": 1, "b": 2}, {"b": 2.0, "a": 1}])"),
              SizeIs(1));
  EXPECT_THAT(Errors(kUnique, R"([0, false, "0", null, []])"), IsEmpty());
}

TEST(JsonSchemaTest, ASchemaThatDoublesAtEachStepEnds) {
  std::string schema = "{\"definitions\":{\"d40\":{\"type\":\"null\"}";
  for (int i = 0; i < 40; ++i) {
    const std::string next =
        absl::StrCat("{\"$ref\":\"#/definitions/d", i + 1, "\"}");
    absl::StrAppend(&schema, ",\"d", i, "\":{\"anyOf\":[", next, ",", next,
                    "]}");
  }
  schema += "},\"$ref\":\"#/definitions/d0\"}";
  EXPECT_THAT(Errors(schema, "1"), Contains(HasSubstr("too much work")));
}

// Whose last definition, which 2^15 paths lead to, is `last`.
std::string ManyPathsTo(std::string_view last) {
  std::string schema =
      absl::StrCat("{\"definitions\":{\"d15\":", std::string(last));
  for (int i = 0; i < 15; ++i) {
    const std::string next =
        absl::StrCat("{\"$ref\":\"#/definitions/d", i + 1, "\"}");
    absl::StrAppend(&schema, ",\"d", i, "\":{\"allOf\":[", next, ",", next,
                    "]}");
  }
  return schema + "},\"$ref\":\"#/definitions/d0\"}";
}

TEST(JsonSchemaTest, WhatNothingIsSaidOfIsNotGoneThrough) {
  std::string list = "[1";
  for (int i = 0; i < 900'000; ++i) list += ",1";
  list += "]";
  EXPECT_THAT(Errors(ManyPathsTo("{}"), list), IsEmpty());
  EXPECT_THAT(Errors(ManyPathsTo(R"({"contains": true})"), list), IsEmpty());
}

TEST(JsonSchemaTest, APropertyThatNothingIsSaidOfIsWorkToo) {
  std::string object = "{\"a\":1";
  for (int i = 0; i < 100; ++i) absl::StrAppend(&object, ",\"b", i, "\":1");
  object += "}";
  EXPECT_THAT(Errors(ManyPathsTo(R"({"properties": {"a": true}})"), object),
              Contains(HasSubstr("too much work")));
}

TEST(JsonSchemaTest, ManyTextsThatPatternsBoundAreNotTooMuchWork) {
  const std::string text = absl::StrCat("\"", std::string(250, 'a'), "\"");
  std::string list = absl::StrCat("[", text);
  for (int i = 0; i < 99; ++i) absl::StrAppend(&list, ",", text);
  EXPECT_THAT(
      Errors(R"({"items": {"pattern": "^.{1,250}$"}})", list + "]"),
      IsEmpty());
}

TEST(JsonSchemaTest, SchemasThatDependOnManyNamesEnd) {
  std::string schema = R"({"definitions":{"y":{"dependentSchemas":{"a":{})";
  for (int i = 0; i < 5000; ++i) absl::StrAppend(&schema, ",\"a", i, "\":{}");
  schema += R"(}}},"allOf":[{})";
  for (int i = 0; i < 300; ++i) schema += R"(,{"$ref":"#/definitions/y"})";
  EXPECT_THAT(Errors(schema + "]}", "{}"),
              Contains(HasSubstr("too much work")));
}

TEST(JsonSchemaTest, ALongChainOfReferencesEnds) {
  std::string schema = "{\"definitions\":{\"d4000\":true";
  for (int i = 0; i < 4000; ++i) {
    absl::StrAppend(&schema, ",\"d", i, "\":{\"$ref\":\"#/definitions/d", i + 1,
                    "\"}");
  }
  schema += "},\"$ref\":\"#/definitions/d0\"}";
  EXPECT_THAT(Errors(schema, "1"), Contains(HasSubstr("too much work")));
}

TEST(JsonSchemaTest, LargeAnswersAndDearPatternsEnd) {
  const std::string text =
      absl::StrCat("\"", std::string(2'000'000, 'a'), "\"");
  EXPECT_THAT(Errors(R"({"pattern": "^(a+)+$"})", text), IsEmpty());
  std::string dear = "{\"allOf\":[{}";
  for (int i = 0; i < 200; ++i) {
    absl::StrAppend(&dear, ",{\"pattern\":\"^(a|b){", i + 500, "}\"}");
  }
  EXPECT_THAT(Errors(dear + "]}", text), Contains(HasSubstr("too much work")));
  std::string list = "[1";
  for (int i = 0; i < 100'000; ++i) list += ",1";
  EXPECT_THAT(Errors(R"({"items": {"type": "integer"}})", list + "]"),
              IsEmpty());
}

}  // namespace
}  // namespace gateway
