#include "providers/dialects/anthropic_messages/content_writer.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::anthropic {
namespace {

v1::Part PartOf(const std::string& text) {
  v1::Part part;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &part));
  return part;
}

class ContentWriterTest : public testing::Test {
 protected:
  using Side = ContentWriter::Side;

  std::string Write(const std::string& text, Side side = Side::kRequest) {
    const v1::Part part = PartOf(text);
    ContentWriter writer(side, dropped_);
    EXPECT_TRUE(writer.Carries(part)) << text;
    std::string out;
    JsonWriter json(&out);
    status_ = writer.WriteBlock(part, "messages[0]", json);
    return status_.ok() ? out : "";
  }

  bool Carries(const std::string& text, Side side = Side::kRequest) {
    return ContentWriter(side, dropped_).Carries(PartOf(text));
  }

  std::vector<v1::Warning> warnings_;
  DroppedFields dropped_{kDialect, &warnings_};
  absl::Status status_;
};

TEST_F(ContentWriterTest, AnswersHaveTheKeysThatNewerClientsRequire) {
  EXPECT_TRUE(SameJson(Write("text: 'hi'", Side::kAnswer),
                       R"({"type":"text","text":"hi","citations":null})"));
  EXPECT_TRUE(SameJson(Write("tool_call { id: 'i' name: 'f' }", Side::kAnswer),
                       R"({"type":"tool_use","id":"i","name":"f","input":{},
                   "caller":{"type":"direct"}})"));
  EXPECT_TRUE(
      SameJson(Write("reasoning { text: 'why' }", Side::kAnswer),
               R"({"type":"thinking","thinking":"why","signature":""})"));
}

TEST_F(ContentWriterTest, RequestsHaveOnlyWhatWasSaid) {
  EXPECT_TRUE(SameJson(Write("text: 'hi'"), R"({"type":"text","text":"hi"})"));
}

TEST_F(ContentWriterTest, KeepsArgumentsThatAreAnObject) {
  EXPECT_TRUE(
      Write("tool_call { id: 'i' name: 'f' arguments: '{\"b\" : 1.0}' }")
          .find(R"("input":{"b" : 1.0})") != std::string::npos);
}

TEST_F(ContentWriterTest, WrapsArgumentsThatAreNot) {
  for (const char* arguments :
       {"{\\\"a\\\": [1,", "[1]", "free \\\"text\\\""}) {
    warnings_.clear();
    const std::string block =
        Write(std::string("tool_call { id: 'i' name: 'f' arguments: \"") +
              arguments + "\" }");
    EXPECT_TRUE(SameJson(block, std::string(R"({"type":"tool_use","id":"i",
                                    "name":"f","input":{"input":")") +
                                    arguments + "\"}}"));
    EXPECT_EQ(warnings_.size(), 1u);
  }
}

TEST_F(ContentWriterTest, WrapsTheInputOfCustomToolsEvenIfItIsAnObject) {
  EXPECT_TRUE(Write("tool_call { id: 'i' name: 'f' arguments: '{}' "
                    "kind: TOOL_KIND_CUSTOM }")
                  .find(R"("input":{"input":"{}"})") != std::string::npos);
}

TEST_F(ContentWriterTest, WritesATextFileAsText) {
  EXPECT_TRUE(
      SameJson(Write("document { data: 'a\303\245' media_type: 'text/csv' "
                     "filename: 'a.csv' }"),
               R"({"type":"document","title":"a.csv","source":{"type":"text",
          "media_type":"text/plain","data":"aå"}})"));
}

TEST_F(ContentWriterTest, WritesATextFileThatIsNoTextAsBytes) {
  EXPECT_TRUE(
      SameJson(Write("document { data: '\377' media_type: 'text/csv' }"),
               R"({"type":"document","source":{"type":"base64",
          "media_type":"text/csv","data":"/w=="}})"));
}

TEST_F(ContentWriterTest, AsksForTheMediaTypeOfBytes) {
  Write("image { data: 'x' }");
  EXPECT_EQ(FieldViolations(status_).front().first,
            "messages[0].image.media_type");
  Write("image { detail: 'low' }");
  EXPECT_EQ(FieldViolations(status_).front().first, "messages[0].image.source");
}

TEST_F(ContentWriterTest, TakesAFileOfNoStatedTypeForAPdf) {
  EXPECT_TRUE(SameJson(Write("document { data: 'x' }"),
                       R"({"type":"document","source":{"type":"base64",
          "media_type":"application/pdf","data":"eA=="}})"));
}

TEST_F(ContentWriterTest, DoesNotSendReasoningThatTheProviderHasNotSigned) {
  EXPECT_FALSE(Carries("reasoning { text: 'why' }"));
  EXPECT_EQ(warnings_.size(), 1u);
  EXPECT_FALSE(Carries(
      "reasoning { text: 'why' signature: 'seal:openai_responses:rs_1:x' }"));
  EXPECT_TRUE(Carries("reasoning { text: 'why' signature: 's' }"));
  EXPECT_TRUE(Carries("reasoning { redacted_data: 'd' }"));
}

TEST_F(ContentWriterTest, LeavesOutSoundUnlessItsWordsAreKnown) {
  EXPECT_FALSE(Carries("audio { data: 'x' format: 'wav' }"));
  EXPECT_EQ(Write("audio { id: 'a' transcript: 'hello' }"),
            R"({"type":"text","text":"hello"})");
}

TEST_F(ContentWriterTest, LeavesOutPiecesOfOtherFormats) {
  EXPECT_FALSE(Carries("opaque { dialect: 'gemini' json: '{}' }"));
  EXPECT_EQ(warnings_.size(), 1u);
}

TEST_F(ContentWriterTest, RefusesAnOpaquePieceThatIsNotJson) {
  Write("opaque { dialect: 'anthropic_messages' json: '{},{}' }");
  EXPECT_EQ(FaultReason(status_), v1::ERROR_REASON_INVALID_REQUEST);
}

TEST_F(ContentWriterTest, WritesOnePlainTextAsAString) {
  const auto content = [&](const std::vector<v1::Part>& parts) {
    std::vector<const v1::Part*> pointers;
    for (const v1::Part& part : parts) pointers.push_back(&part);
    std::string out;
    JsonWriter json(&out);
    EXPECT_TRUE(ContentWriter(Side::kRequest, dropped_)
                    .WriteContent(pointers, "", json)
                    .ok());
    return out;
  };
  EXPECT_EQ(content({PartOf("text: 'a'")}), R"("a")");
  EXPECT_EQ(content({PartOf("text: ''")}), R"("")");
  EXPECT_EQ(content({PartOf("text: 'a' cache_hint {}")}),
            R"([{"type":"text","text":"a",)"
            R"("cache_control":{"type":"ephemeral"}}])");
  EXPECT_EQ(content({PartOf("text: ''"), PartOf("text: 'b'")}),
            R"([{"type":"text","text":"b"}])");
  EXPECT_EQ(content({PartOf("text: 'a'"), PartOf("refusal: ''")}),
            R"([{"type":"text","text":"a"}])");
  EXPECT_EQ(content({PartOf("text: ''"), PartOf("text: ''")}), R"("")");
  EXPECT_EQ(content({PartOf("refusal: ''")}), R"("")");
  EXPECT_EQ(content({}), R"("")");
}

TEST_F(ContentWriterTest, IdsThatRepeatInAConversationGetOthers) {
  ContentWriter writer(Side::kRequest, dropped_);
  const auto id = [&](const std::string& text) {
    const v1::Part part = PartOf(text);
    std::string out;
    JsonWriter json(&out);
    EXPECT_TRUE(writer.WriteBlock(part, "messages[0]", json).ok());
    const std::string key =
        part.has_tool_call() ? R"("id":")" : R"("tool_use_id":")";
    const size_t begin = out.find(key) + key.size();
    return out.substr(begin, out.find('"', begin) - begin);
  };
  const std::string call = "tool_call { id: 'call_0' name: 'f' }";
  const std::string result = "tool_result { tool_call_id: 'call_0' }";
  EXPECT_EQ(id(result), "call_0");  // Of a call that is not there.
  // Turns of one call each.
  std::set<std::string> ids;
  for (int turn = 0; turn < 3; ++turn) {
    const std::string called = id(call);
    EXPECT_EQ(called == "call_0", turn == 0);
    EXPECT_EQ(id(result), called);
    ids.insert(called);
  }
  // A turn of two.
  const std::string first = id(call);
  const std::string second = id(call);
  EXPECT_EQ(id(result), first);
  EXPECT_EQ(id(result), second);
  ids.insert({first, second});
  EXPECT_EQ(ids.size(), 5u);
  EXPECT_EQ(id("tool_call { id: 'other' name: 'f' }"), "other");
}

TEST(WireToolIdTest, KeepsIdsOfTheAlphabet) {
  EXPECT_EQ(WireToolId("toolu_01A-b"), "toolu_01A-b");
}

TEST(WireToolIdTest, GivesOtherIdsAnIdOfTheirOwn) {
  const std::string id = WireToolId("functions.f:0");
  EXPECT_EQ(id, WireToolId("functions.f:0"));
  EXPECT_NE(id, WireToolId("functions.f_0"));
  EXPECT_NE(WireToolId("a.b"), WireToolId("a:b"));
  for (const std::string& wire : {id, WireToolId(""), WireToolId("\xc3\xa5")}) {
    EXPECT_FALSE(wire.empty());
    EXPECT_EQ(wire.find_first_not_of("abcdefghijklmnopqrstuvwxyz"
                                     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"),
              std::string::npos)
        << wire;
  }
}

}  // namespace
}  // namespace gateway::anthropic
