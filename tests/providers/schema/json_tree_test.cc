#include "providers/schema/json_tree.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

std::string Reread(std::string_view text) {
  const absl::StatusOr<JsonTree> tree = ReadJsonTree(text);
  return tree.ok() ? tree->dump() : std::string(tree.status().message());
}

TEST(JsonTreeTest, ANumberHasOneFormHoweverItIsWritten) {
  EXPECT_EQ(Reread("[1, 1.0, 10e-1, -0.0]"), "[1,1,1,0]");
  EXPECT_EQ(Reread("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(Reread("-9223372036854775807"), "-9223372036854775807");
  EXPECT_EQ(Reread("[1.5, 1e300]"), "[1.5,1e+300]");
  EXPECT_TRUE(ReadJsonTree("9223372036854775808")->is_number_float());
  EXPECT_TRUE(
      ReadJsonTree("123456789012345678901234567890")->is_number_float());
}

TEST(JsonTreeTest, WhatIsNoJsonIsRefused) {
  for (const std::string& text :
       {std::string(""), std::string("{"), std::string("1 2"),
        std::string("nul"), std::string("1e400"), std::string("\"\xff\""),
        std::string(100'000, '['),
        std::string(65, '[') + std::string(65, ']')}) {
    EXPECT_EQ(ReadJsonTree(text).status().code(),
              absl::StatusCode::kInvalidArgument)
        << text.substr(0, 20);
  }
  EXPECT_TRUE(ReadJsonTree(std::string(64, '[') + std::string(64, ']')).ok());
}

TEST(JsonTreeTest, APlaceIsAPointer) {
  const TreePlace root;
  EXPECT_EQ(root.ToString(), "#");
  const TreePlace items = {.parent = &root, .key = "a/b~c"};
  const TreePlace item = {.parent = &items, .index = 3};
  EXPECT_EQ(item.ToString(), "#/a~1b~0c/3");
}

TEST(JsonTreeTest, ALongPlaceIsCutAtItsFront) {
  const std::string key(400, 'k');
  const TreePlace root;
  const TreePlace far = {.parent = &root, .key = key};
  const TreePlace near = {.parent = &far, .key = "name"};
  const std::string text = near.ToString();
  EXPECT_LE(text.size(), TreePlace::kTextBytesMax + 4);
  EXPECT_EQ(text.substr(0, 5), "#...k");
  EXPECT_EQ(text.substr(text.size() - 5), "/name");
}

}  // namespace
}  // namespace gateway
