#include "providers/schema/schema_index.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/schema/json_tree.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

// What a reference of the root's leads to, or why it leads nowhere.
std::string Target(std::string_view schema, std::string_view ref) {
  const JsonTree root = *ReadJsonTree(schema);
  SchemaIndex index(root);
  const absl::Status built = index.Build();
  if (!built.ok()) return std::string(built.message());
  const absl::StatusOr<const JsonTree*> target = index.Resolve(root, ref);
  return target.ok() ? (*target)->dump()
                     : std::string(target.status().message());
}

TEST(SchemaIndexTest, APointerLeadsIntoTheDocument) {
  constexpr char kSchema[] =
      R"({"definitions": {"a/b": {"title": "slash"}, "c%d": true},
          "items": [{"title": "first"}, false], "other": {"deep": {}}})";
  EXPECT_EQ(Target(kSchema, "#/definitions/a~1b"), R"({"title":"slash"})");
  EXPECT_EQ(Target(kSchema, "#/definitions/c%25d"), "true");
  EXPECT_EQ(Target(kSchema, "#/items/1"), "false");
  EXPECT_EQ(Target(kSchema, "#/other/deep"), "{}");
  EXPECT_THAT(Target(kSchema, "#"), HasSubstr("definitions"));
  EXPECT_EQ(Target(kSchema, "#/items/2"),
            "#/$ref: refers to a place that is not in the schema");
  EXPECT_THAT(Target(kSchema, "#/items"), HasSubstr("not in the schema"));
  EXPECT_THAT(Target(kSchema, "#/definitions/%4"),
              HasSubstr("not in the schema"));
}

TEST(SchemaIndexTest, ANameIsResolvedAgainstItsBase) {
  constexpr char kSchema[] =
      R"({"$id": "http://x.test/a/root.json", "definitions": {
          "one": {"$id": "one.json", "title": "one"},
          "two": {"$id": "/two", "title": "two",
                  "items": {"$id": "three", "title": "three"}},
          "four": {"$id": "#four", "title": "four"}}})";
  EXPECT_THAT(Target(kSchema, "one.json"), HasSubstr("\"one\""));
  EXPECT_THAT(Target(kSchema, "http://x.test/a/one.json#"),
              HasSubstr("\"one\""));
  EXPECT_THAT(Target(kSchema, "http://x.test/two"), HasSubstr("\"two\""));
  EXPECT_THAT(Target(kSchema, "/three"), HasSubstr("\"three\""));
  EXPECT_THAT(Target(kSchema, "#four"), HasSubstr("\"four\""));
  EXPECT_THAT(Target(kSchema, "root.json#/definitions/four"),
              HasSubstr("\"four\""));
  EXPECT_EQ(Target(kSchema, "#five"),
            "#/$ref: refers to a name that no schema has");
}

TEST(SchemaIndexTest, NothingIsFetchedButDraft7IsKnown) {
  EXPECT_EQ(Target("{}", "http://x.test/other.json#/a"),
            "#/$ref: refers to another document, and none is fetched");
  EXPECT_THAT(Target("{}", "file:///etc/passwd"), HasSubstr("none is fetched"));
  EXPECT_THAT(Target("{}", "http://json-schema.org/draft-07/schema#"),
              HasSubstr("uniqueItems"));
}

TEST(SchemaIndexTest, LaterKeywordsAreRefusedWithTheirPlace) {
  EXPECT_EQ(Target(R"({"properties": {"a": {"unevaluatedItems": false}}})", ""),
            "#/properties/a/unevaluatedItems: this keyword is not supported");
  for (const char* keyword :
       {"unevaluatedProperties", "$dynamicRef", "$dynamicAnchor", "$vocabulary",
        "minContains", "maxContains", "$anchor", "$recursiveRef"}) {
    EXPECT_THAT(
        Target(std::string("{\"allOf\": [{\"") + keyword + "\": 1}]}", ""),
        HasSubstr(std::string("#/allOf/0/") + keyword));
    // A property may be called so.
    EXPECT_THAT(
        Target(std::string("{\"properties\": {\"") + keyword + "\": {}}}", "#"),
        HasSubstr(keyword));
  }
}

TEST(SchemaIndexTest, TheDialectSaysWhetherSiblingsOfAReferenceCount) {
  const auto count = [](std::string_view schema) {
    const JsonTree root = *ReadJsonTree(schema);
    SchemaIndex index(root);
    EXPECT_TRUE(index.Build().ok());
    return index.siblings_count();
  };
  EXPECT_FALSE(count("{}"));
  EXPECT_TRUE(count(R"({"$defs": {}})"));
  EXPECT_FALSE(count(
      R"({"$schema": "http://json-schema.org/draft-07/schema#", "$defs": {}})"));
  EXPECT_TRUE(
      count(R"({"$schema": "https://json-schema.org/draft/2020-12/schema"})"));
  EXPECT_THAT(Target(R"({"$schema": "http://x.test/mine"})", ""),
              HasSubstr("#/$schema"));
}

TEST(SchemaIndexTest, AnEndlessNameIsRefused) {
  EXPECT_THAT(Target("{\"$id\": \"" + std::string(1000, 'a') + "\"}", ""),
              HasSubstr("#/$id: is too long"));
}

}  // namespace
}  // namespace gateway
