#include "service/audit/redaction/json_leaves.h"

#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;
using Kind = JsonLeaf::Kind;

std::vector<std::string> TextsOf(std::string_view text,
                                 const JsonLeaves& leaves) {
  std::vector<std::string> texts;
  for (const JsonLeaf& leaf : leaves.found()) {
    texts.emplace_back(text.substr(leaf.begin, leaf.end - leaf.begin));
  }
  return texts;
}

std::vector<std::string> Scan(std::string_view text) {
  JsonLeaves leaves({});
  leaves.Scan(text, 0, text.size());
  return TextsOf(text, leaves);
}

uint64_t PlaceOfLast(std::string_view text) {
  JsonLeaves leaves({});
  leaves.Scan(text, 0, text.size());
  return leaves.found().back().place;
}

TEST(JsonLeavesTest, NamesStringsAndScalarsAreLeaves) {
  EXPECT_THAT(Scan(R"({"a" : ["x", 1.5e3, {"b":null}], "c":"\"y"})"),
              ElementsAre("\"a\"", "\"x\"", "1.5e3", "\"b\"", "null", "\"c\"",
                          R"("\"y")"));
}

TEST(JsonLeavesTest, WhatIsCutOffIsALeafAsFarAsItGoes) {
  EXPECT_THAT(Scan(R"({"a":"xy)"), ElementsAre("\"a\"", "\"xy"));
  EXPECT_THAT(Scan(R"({"a":"x\)"), ElementsAre("\"a\"", R"("x\)"));
  EXPECT_THAT(Scan(R"({"a":12)"), ElementsAre("\"a\"", "12"));
}

TEST(JsonLeavesTest, WhatIsNoJsonIsOneLeafWithWhatItMayBelongTo) {
  EXPECT_THAT(Scan(R"({"a":1} my card)"), ElementsAre("\"a\"", "1} my card"));
  EXPECT_THAT(Scan("[1, 4111 1111]"), ElementsAre("1", "4111 1111]"));
  EXPECT_THAT(Scan("{oops}"), ElementsAre("oops}"));
  EXPECT_THAT(Scan(R"({"a":1])"), ElementsAre("\"a\"", "1]"));
  EXPECT_THAT(Scan("plain text"), ElementsAre("plain text"));
}

TEST(JsonLeavesTest, DepthIsBounded) {
  const std::string deepest(JsonLeaves::kDepthMax, '[');
  EXPECT_THAT(Scan(deepest), SizeIs(0));
  EXPECT_THAT(Scan(deepest + "["), ElementsAre("["));
}

TEST(JsonLeavesTest, PiecesInTheSamePlaceOfSeveralTextsAreTold) {
  const uint64_t first =
      PlaceOfLast(R"({"n":1,"choices":[{"index":0,"delta":{"content":"a"}}]})");
  EXPECT_EQ(first,
            PlaceOfLast(
                R"({"n":2,"choices":[{"index":0,"delta":{"content":"b"}}]})"));
  EXPECT_NE(first,
            PlaceOfLast(
                R"({"n":2,"choices":[{"index":1,"delta":{"content":"b"}}]})"));
  EXPECT_NE(first,
            PlaceOfLast(
                R"({"n":2,"choices":[{"index":0,"delta":{"refusal":"b"}}]})"));
  EXPECT_EQ(PlaceOfLast(R"([{"t":"a"})"), PlaceOfLast(R"([{},{"t":"a"})"));
}

TEST(JsonLeavesTest, ValuesThatPathsNameAreWhole) {
  const auto path = JsonPath::Parse("a.*.secret");
  ASSERT_TRUE(path.ok());
  const std::string text =
      R"({"a":[{"secret":{"x":["y"]},"b":1},{"secret":2}],"secret":3})";
  const std::vector<JsonPath> paths = {*path};
  JsonLeaves leaves(paths);
  leaves.Scan(text, 0, text.size());
  EXPECT_THAT(TextsOf(text, leaves),
              ElementsAre("\"a\"", "\"secret\"", R"({"x":["y"]})", "\"b\"", "1",
                          "\"secret\"", "2", "\"secret\"", "3"));
  EXPECT_EQ(leaves.found()[2].kind, Kind::kNamed);
  EXPECT_EQ(leaves.found()[6].kind, Kind::kNamed);
  EXPECT_EQ(leaves.found()[8].kind, Kind::kScalar);
}

TEST(JsonLeavesTest, ANamedValueThatIsCutOffGoesToTheEnd) {
  const auto path = JsonPath::Parse("a");
  ASSERT_TRUE(path.ok());
  const std::vector<JsonPath> paths = {*path};
  for (const std::string text : {R"({"a":{"b":["c","d)", R"({"a":{"b" oops)"}) {
    JsonLeaves leaves(paths);
    leaves.Scan(text, 0, text.size());
    ASSERT_THAT(leaves.found(), SizeIs(2)) << text;
    EXPECT_EQ(leaves.found()[1].kind, Kind::kNamed);
    EXPECT_EQ(leaves.found()[1].end, text.size());
  }
}

TEST(JsonLeavesTest, TextsOfOneNameInElementsOfAnArrayAreARow) {
  const auto rows = [](std::string_view text) {
    JsonLeaves leaves({});
    leaves.Scan(text, 0, text.size());
    std::vector<uint64_t> found;
    for (const JsonLeaf& leaf : leaves.found()) {
      if (leaf.kind == Kind::kString) found.push_back(leaf.row);
    }
    return found;
  };
  const std::vector<uint64_t> parts =
      rows(R"({"a":[{"t":"x","u":"y"},{"t":"z"}],"b":[{"t":"x"}]})");
  ASSERT_THAT(parts, SizeIs(4));
  EXPECT_NE(parts[0], 0u);
  EXPECT_EQ(parts[0], parts[2]);
  EXPECT_NE(parts[0], parts[1]);
  EXPECT_NE(parts[0], parts[3]);
  const std::vector<uint64_t> texts = rows(R"({"a":["x","y"],"b":["x"]})");
  ASSERT_THAT(texts, SizeIs(3));
  EXPECT_EQ(texts[0], texts[1]);
  EXPECT_NE(texts[0], texts[2]);
  // What is no element's own is in none.
  EXPECT_EQ(rows(R"({"a":"x"})")[0], 0u);
  EXPECT_EQ(rows(R"([{"a":{"t":"x"}}])")[0], 0u);
}

}  // namespace
}  // namespace gateway
