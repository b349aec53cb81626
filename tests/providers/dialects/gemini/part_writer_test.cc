#include "providers/dialects/gemini/part_writer.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/gemini/vendor_names.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::gemini {
namespace {

class GeminiPartWriterTest : public testing::Test {
 protected:
  static v1::Part PartOf(const std::string& text) {
    v1::Part part;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &part));
    return part;
  }

  absl::StatusOr<std::string> Write(const std::string& text) {
    const v1::Part part = PartOf(text);
    EXPECT_TRUE(writer_.Carries(part));
    std::string out;
    JsonWriter json(&out);
    const absl::Status status = writer_.Write(part, "messages[0]", json);
    if (!status.ok()) return status;
    return out;
  }

  std::vector<v1::Warning> warnings_;
  DroppedFields dropped_{kDialect, &warnings_};
  PartWriter writer_{dropped_};
};

TEST_F(GeminiPartWriterTest, MediaGoInlineOrByAddress) {
  EXPECT_TRUE(
      SameJson(Write("image { media_type: 'image/png' data: 'hi' }").value(),
               R"({"inlineData":{"mimeType":"image/png","data":"aGk="}})"));
  EXPECT_TRUE(SameJson(
      Write("image { url: 'https://a/b.JPG?x=1' }").value(),
      R"({"fileData":{"mimeType":"image/jpeg","fileUri":"https://a/b.JPG?x=1"}})"));
  EXPECT_TRUE(
      SameJson(Write("document { text: 'hi' }").value(),
               R"({"inlineData":{"mimeType":"text/plain","data":"aGk="}})"));
  EXPECT_TRUE(
      SameJson(Write("audio { format: 'wav' data: 'hi' }").value(),
               R"({"inlineData":{"mimeType":"audio/wav","data":"aGk="}})"));
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(GeminiPartWriterTest, IdsOfOthersAreSentAndOursAreNot) {
  EXPECT_TRUE(SameJson(
      Write("tool_call { id: 'call_1' name: 'f' arguments: '{\"a\": 1}' }")
          .value(),
      R"({"functionCall":{"id":"call_1","name":"f","args":{"a": 1}}})"));
  EXPECT_TRUE(SameJson(Write("tool_call { id: '" + MadeUpCallId("x") +
                             "' name: 'f' arguments: '' }")
                           .value(),
                       R"({"functionCall":{"name":"f","args":{}}})"));
}

TEST_F(GeminiPartWriterTest, ArgumentsThatAreNoObjectAreWrapped) {
  EXPECT_TRUE(SameJson(
      Write("tool_call { id: 'c' name: 'f' arguments: '{\"a\":' }").value(),
      R"({"functionCall":{"id":"c","name":"f","args":{"input":"{\"a\":"}}})"));
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_EQ(warnings_[0].field(), "messages[].parts[].tool_call.arguments");
}

TEST_F(GeminiPartWriterTest, AResultIsNamedByItselfOrByItsCall) {
  EXPECT_TRUE(SameJson(
      Write("tool_result { tool_call_id: 'c' name: 'f' parts { text: 'x' } }")
          .value(),
      R"({"functionResponse":{"id":"c","name":"f","response":{"output":"x"}}})"));
  EXPECT_TRUE(Write("tool_call { id: 'd' name: 'g' }").ok());
  EXPECT_TRUE(SameJson(
      Write("tool_result { tool_call_id: 'd' parts { text: 'x' } }").value(),
      R"({"functionResponse":{"id":"d","name":"g","response":{"output":"x"}}})"));
  const auto nameless = Write("tool_result { tool_call_id: 'e' }");
  ASSERT_FALSE(nameless.ok());
  EXPECT_EQ(FieldViolations(nameless.status()).front().first,
            "messages[0].tool_result.name");
}

TEST_F(GeminiPartWriterTest, ResultsAreObjects) {
  const auto response_of = [&](const std::string& result) {
    return Write("tool_result { tool_call_id: 'c' name: 'f' " + result + " }")
        .value();
  };
  const std::string begin =
      R"({"functionResponse":{"id":"c","name":"f","response":)";
  EXPECT_TRUE(SameJson(response_of("parts { text: '{\"a\": 1}' }"),
                       begin + R"({"a": 1}}})"));
  EXPECT_TRUE(SameJson(response_of("is_error: true parts { text: 'no' }"),
                       begin + R"({"error":"no"}}})"));
  EXPECT_TRUE(
      SameJson(response_of("is_error: true parts { text: '{\"a\": 1}' }"),
               begin + R"({"error":"{\"a\": 1}"}}})"));
  EXPECT_TRUE(
      SameJson(response_of("is_error: true parts { text: '{\"error\": 1}' }"),
               begin + R"({"error":1}}})"));
  EXPECT_TRUE(SameJson(response_of("parts { text: '[1]' }"),
                       begin + R"({"output":"[1]"}}})"));
  EXPECT_TRUE(SameJson(response_of(""), begin + R"({"output":""}}})"));
  EXPECT_TRUE(SameJson(
      response_of("parts { image { media_type: 'image/png' data: 'hi' } }"),
      begin +
          R"({"output":""},"parts":[{"inlineData":{"mimeType":"image/png","data":"aGk="}}]}})"));
}

TEST_F(GeminiPartWriterTest, ReasoningIsAThoughtWithItsSignature) {
  EXPECT_TRUE(SameJson(
      Write("reasoning { text: 'hm' signature: 'seal:gemini:c2ln' }").value(),
      R"({"text":"hm","thought":true,"thoughtSignature":"c2ln"})"));
  EXPECT_TRUE(SameJson(
      Write("reasoning { text: 'hm' signature: 'another one' }").value(),
      R"({"text":"hm","thought":true})"));
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_EQ(warnings_[0].field(), "messages[].parts[].reasoning.signature");
}

TEST_F(GeminiPartWriterTest, TellsWhatItCannotCarry) {
  EXPECT_FALSE(writer_.Carries(PartOf("reasoning { redacted_data: 'x' }")));
  EXPECT_FALSE(
      writer_.Carries(PartOf("opaque { dialect: 'other' json: '1' }")));
  EXPECT_FALSE(writer_.Carries(PartOf("audio { id: 'a' }")));
  EXPECT_FALSE(writer_.Carries(PartOf("audio { data: 'x' format: 'midi' }")));
  EXPECT_EQ(warnings_.size(), 3u);
  ASSERT_TRUE(Write("image { url: 'https://a/b.png' detail: 'high' }").ok());
  ASSERT_TRUE(Write("document { text: 't' title: 'n' citations: true }").ok());
  ASSERT_TRUE(Write("text: 't' cache_hint {}").ok());
  EXPECT_EQ(warnings_.size(), 7u);
}

TEST_F(GeminiPartWriterTest, AFillerStandsOnlyForASignatureThatIsMissing) {
  std::string out;
  JsonWriter json(&out);
  json.StartArray();
  const v1::Part bare = PartOf("tool_call { name: 'f' arguments: '{}' }");
  v1::Part signed_part = bare;
  AddExtension(signed_part.mutable_extensions(), "thoughtSignature",
               "\"c2ln\"");
  ASSERT_TRUE(writer_.Write(bare, "m", json, "filler").ok());
  ASSERT_TRUE(writer_.Write(signed_part, "m", json, "filler").ok());
  json.EndArray();
  EXPECT_TRUE(SameJson(out, R"([
      {"functionCall":{"name":"f","args":{}},"thoughtSignature":"filler"},
      {"functionCall":{"name":"f","args":{}},"thoughtSignature":"c2ln"}])"));
}

TEST_F(GeminiPartWriterTest, SoundThatCannotBeSentIsItsTranscript) {
  EXPECT_TRUE(SameJson(Write("audio { data: 'x' transcript: 'hello' }").value(),
                       R"({"text":"hello"})"));
  EXPECT_EQ(warnings_.size(), 1u);
}

TEST_F(GeminiPartWriterTest, RefusesWhatIsNotJson) {
  EXPECT_FALSE(Write("opaque { dialect: 'gemini' json: '{' }").ok());
  EXPECT_FALSE(Write("image { data: 'x' }").ok());
}

}  // namespace
}  // namespace gateway::gemini
