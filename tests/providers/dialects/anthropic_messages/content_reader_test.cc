#include "providers/dialects/anthropic_messages/content_reader.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "gtest/gtest.h"

namespace gateway::anthropic {
namespace {

absl::StatusOr<v1::Part> PartOfBlock(std::string_view block) {
  v1::Part part;
  absl::Status status =
      ReadJson(block, [&](JsonValue& root) { return ReadBlock(root, &part); });
  if (!status.ok()) return AsFieldFault(status);
  return part;
}

std::string BlockFieldAtFault(std::string_view block) {
  const absl::StatusOr<v1::Part> part = PartOfBlock(block);
  EXPECT_FALSE(part.ok()) << block;
  const auto violations = FieldViolations(part.status());
  EXPECT_FALSE(violations.empty()) << part.status();
  return violations.empty() ? "" : violations.front().first;
}

TEST(ReadBlockTest, KeepsTheInputOfAToolByteForByte) {
  const absl::StatusOr<v1::Part> part = PartOfBlock(
      R"({"input": {"b" : 1.0, "a":[ ],"s":"\u00e5"} ,
          "id":"toolu_1","type":"tool_use","name":"f"})");
  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_EQ(part->tool_call().arguments(),
            R"({"b" : 1.0, "a":[ ],"s":"\u00e5"})");
  EXPECT_EQ(part->tool_call().kind(), v1::TOOL_KIND_FUNCTION);
}

TEST(ReadBlockTest, DoesNotMentionThatTheModelItselfCalls) {
  EXPECT_TRUE(PartOfBlock(R"({"type":"tool_use","id":"i","name":"f","input":{},
                         "caller":{"type":"direct"}})")
                  ->extensions()
                  .empty());
  EXPECT_EQ(PartOfBlock(R"({"type":"tool_use","id":"i","name":"f","input":{},
                       "caller":{"type":"code"}})")
                ->extensions_size(),
            1);
}

TEST(ReadBlockTest, ReadsNestedResults) {
  const absl::StatusOr<v1::Part> part =
      PartOfBlock(R"({"type":"tool_result","tool_use_id":"t","is_error":true,
                 "content":[{"type":"text","text":"a"},
                            {"type":"image","source":{"data":"/9j/4AAQ",
                             "media_type":"image/jpeg","type":"base64"}}]})");
  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_TRUE(part->tool_result().is_error());
  ASSERT_EQ(part->tool_result().parts_size(), 2);
  EXPECT_EQ(part->tool_result().parts(1).image().data(),
            std::string("\xff\xd8\xff\xe0\x00\x10", 6));
}

TEST(ReadBlockTest, AResultMayBeNothingOrText) {
  EXPECT_TRUE(PartOfBlock(R"({"type":"tool_result","tool_use_id":"t"})")
                  ->tool_result()
                  .parts()
                  .empty());
  EXPECT_EQ(
      PartOfBlock(R"({"type":"tool_result","tool_use_id":"t","content":"x"})")
          ->tool_result()
          .parts(0)
          .text(),
      "x");
}

TEST(ReadBlockTest, KeepsWhatIsNotModelledWhole) {
  for (const std::string_view block :
       {R"({"type":"hologram", "points": [1, 2]})",
        R"({"type":"server_tool_use","id":"s","name":"n","input":{"q" : 1}})",
        R"({"type":"document","source":{"type":"content","content":"c"}})",
        R"({"type":"image","source":{"type":"url","url":"u","novel":1}})"}) {
    const absl::StatusOr<v1::Part> part = PartOfBlock(block);
    ASSERT_TRUE(part.ok()) << part.status();
    EXPECT_EQ(part->opaque().dialect(), "anthropic_messages");
    EXPECT_EQ(part->opaque().json(), block);
    EXPECT_TRUE(part->extensions().empty());
  }
}

TEST(ReadBlockTest, KeepsUnknownFieldsAsExtensions) {
  const absl::StatusOr<v1::Part> part = PartOfBlock(
      R"({"type":"text","text":"t","citations":[{"a":1}],"weight": 0.50})");
  ASSERT_TRUE(part.ok());
  ASSERT_EQ(part->extensions_size(), 2);
  EXPECT_EQ(part->extensions(0).name(), "citations");
  EXPECT_EQ(part->extensions(0).json(), R"([{"a":1}])");
  EXPECT_EQ(part->extensions(1).json(), "0.50");
}

TEST(ReadBlockTest, NamesTheFieldAtFault) {
  EXPECT_EQ(BlockFieldAtFault(R"({"text":"t"})"), "type");
  EXPECT_EQ(BlockFieldAtFault(R"({"type":"text"})"), "text");
  EXPECT_EQ(BlockFieldAtFault(R"({"type":"text","text":[]})"), "text");
  EXPECT_EQ(BlockFieldAtFault(R"({"type":"tool_use","id":"i","name":"f"})"),
            "input");
  EXPECT_EQ(BlockFieldAtFault(
                R"({"type":"tool_use","id":"i","name":"f","input":[]})"),
            "input");
  EXPECT_EQ(BlockFieldAtFault(R"({"type":"tool_use","name":"f","input":{}})"),
            "id");
  EXPECT_EQ(BlockFieldAtFault(R"({"type":"thinking","signature":"s"})"),
            "thinking");
  EXPECT_EQ(BlockFieldAtFault(R"({"type":"redacted_thinking"})"), "data");
  EXPECT_EQ(BlockFieldAtFault(R"({"type":"image"})"), "source");
  EXPECT_EQ(BlockFieldAtFault(R"({"type":"image","source":{"type":"base64"}})"),
            "source.media_type");
  EXPECT_EQ(
      BlockFieldAtFault(
          R"({"type":"image","source":{"type":"base64","media_type":"image/png",
              "data":"***"}})"),
      "source.data");
  EXPECT_EQ(BlockFieldAtFault(R"({"type":"document","source":{"type":"url"}})"),
            "source.url");
  EXPECT_EQ(
      BlockFieldAtFault(
          R"({"type":"tool_result","tool_use_id":"t","content":[{"type":"image",
              "source":{"type":"url","url":1}}]})"),
      "content[0].source.url");
  EXPECT_EQ(BlockFieldAtFault(R"({"type":"tool_result","tool_use_id":"t",
                             "content":{}})"),
            "content");
}

TEST(ReadContentTest, TakesTextForOneBlock) {
  v1::Message message;
  ASSERT_TRUE(ReadJson(R"(["hi", null, [{"type":"text","text":"x"}]])",
                       [&](JsonValue& root) {
                         return root.EachElement([&](JsonValue& content) {
                           return ReadContent(content, message.mutable_parts());
                         });
                       })
                  .ok());
  ASSERT_EQ(message.parts_size(), 2);
  EXPECT_EQ(message.parts(0).text(), "hi");
  EXPECT_EQ(message.parts(1).text(), "x");
}

}  // namespace
}  // namespace gateway::anthropic
