#include "providers/dialects/ollama/message_writer.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "tests/providers/dialects/json_equality.h"
#include "tests/providers/dialects/ollama/neutral_text.h"

namespace gateway::ollama {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct WrittenMessages {
  absl::Status status;
  std::string json;
  std::vector<std::string> dropped;  // The fields.
};

WrittenMessages WriteMessages(const std::string& messages) {
  WrittenMessages written;
  std::vector<v1::Warning> warnings;
  DroppedFields dropped(kDialect, &warnings);
  JsonWriter json(&written.json);
  written.status =
      MessageWriter(dropped).Write(Parse<v1::GenerateRequest>(messages), json);
  for (const v1::Warning& warning : warnings) {
    written.dropped.push_back(warning.field());
  }
  return written;
}

TEST(MessageWriterTest, JoinsAnAnswersTextWithoutAGapAndOthersWithOne) {
  const WrittenMessages written = WriteMessages(
      R"(messages { role: ROLE_USER parts { text: "a" } parts { text: "" }
                    parts { text: "b" } }
         messages { role: ROLE_ASSISTANT parts { text: "c" }
                    parts { refusal: "d" } }
         messages { role: ROLE_ASSISTANT })");
  EXPECT_TRUE(SameJson(written.json,
                       R"([{"role":"user","content":"a\n\nb"},
                           {"role":"assistant","content":"cd"},
                           {"role":"assistant","content":""}])"));
  EXPECT_THAT(written.dropped, IsEmpty());
}

TEST(MessageWriterTest, AResultFindsTheNameOfItsTool) {
  const WrittenMessages written = WriteMessages(
      R"(messages { role: ROLE_ASSISTANT
                    parts { tool_call { id: "1" name: "f" } } }
         messages { role: ROLE_TOOL
                    parts { tool_result { tool_call_id: "1"
                                          parts { text: "x" } } }
                    parts { tool_result { tool_call_id: "9" } } })");
  EXPECT_TRUE(SameJson(written.json,
                       R"([{"role":"assistant","content":"","tool_calls":[
            {"id":"1","function":{"index":0,"name":"f","arguments":{}}}]},
          {"role":"tool","content":"x","tool_name":"f","tool_call_id":"1"},
          {"role":"tool","content":"","tool_call_id":"9"}])"));
}

TEST(MessageWriterTest, WordsBesideResultsFollowThem) {
  const WrittenMessages written = WriteMessages(
      R"(messages { role: ROLE_USER parts { text: "and now?" }
                    parts { tool_result { tool_call_id: "1" name: "f"
                            parts { image { data: "hi" } } } } })");
  EXPECT_TRUE(SameJson(
      written.json,
      R"([{"role":"tool","content":"","tool_name":"f","tool_call_id":"1",
           "images":["aGk="]},
          {"role":"user","content":"and now?"}])"));
}

TEST(MessageWriterTest, ArgumentsThatAreNoObjectAreWrapped) {
  const WrittenMessages written = WriteMessages(
      R"(messages { role: ROLE_ASSISTANT
           parts { tool_call { name: "f" arguments: "{\"a\":" } }
           parts { tool_call { name: "g" arguments: "[1]" } }
           parts { tool_call { name: "h" arguments: "{}"
                               kind: TOOL_KIND_CUSTOM } }
           parts { tool_call { name: "i" arguments: " {\"a\" : 1.0}\n" } } })");
  EXPECT_THAT(written.json, HasSubstr(R"("arguments":{"a" : 1.0}})"));
  EXPECT_TRUE(SameJson(written.json,
                       R"([{"role":"assistant","content":"","tool_calls":[
            {"function":{"index":0,"name":"f",
                         "arguments":{"input":"{\"a\":"}}},
            {"function":{"index":1,"name":"g","arguments":{"input":"[1]"}}},
            {"function":{"index":2,"name":"h","arguments":{"input":"{}"}}},
            {"function":{"index":3,"name":"i","arguments":{"a":1}}}]}])"));
  EXPECT_THAT(written.dropped,
              ElementsAre("messages[].parts[].tool_call.arguments"));
}

TEST(MessageWriterTest, DocumentsOfTextBecomeText) {
  const WrittenMessages written = WriteMessages(
      R"(messages { role: ROLE_USER
           parts { document { text: "body" title: "Title" context: "why" } }
           parts { document { data: "plain" media_type: "text/plain"
                              filename: "a.txt" citations: true } }
           parts { document { data: "%PDF" media_type: "application/pdf" } }
           parts { document { url: "https://example.com/x" } } })");
  EXPECT_TRUE(SameJson(written.json,
                       R"([{"role":"user",
           "content":"Title\n\nwhy\n\nbody\n\na.txt\n\nplain"}])"));
  EXPECT_THAT(written.dropped,
              ElementsAre("messages[].parts[].document",
                          "messages[].parts[].document.citations",
                          "messages[].parts[].document"));
}

TEST(MessageWriterTest, TellsWhatHasNoShapeHere) {
  const WrittenMessages written = WriteMessages(
      R"(messages { role: ROLE_USER name: "ann"
           parts { image { url: "https://example.com/x.png" detail: "high" } }
           parts { image { file_id: "f" } }
           parts { audio { data: "x" format: "wav" } }
           parts { audio { transcript: "said" } cache_hint {} }
           parts { opaque { dialect: "gemini" json: "{}" }
                   extensions { dialect: "gemini" name: "x" json: "1" } }
           extensions { dialect: "openai_chat" name: "y" json: "1" } }
         messages { role: ROLE_ASSISTANT
           parts { reasoning { text: "t" signature: "s" } }
           parts { reasoning { redacted_data: "r" } } }
         messages { role: ROLE_TOOL
           parts { tool_result { tool_call_id: "1" is_error: true } } })");
  EXPECT_TRUE(SameJson(written.json,
                       R"([{"role":"user","content":"said"},
          {"role":"assistant","content":"","thinking":"t"},
          {"role":"tool","content":"","tool_call_id":"1"}])"));
  EXPECT_THAT(
      written.dropped,
      ElementsAre("messages[].parts[].image.detail",
                  "messages[].parts[].image.url",
                  "messages[].parts[].image.file_id",
                  "messages[].parts[].audio", "messages[].parts[].cache_hint",
                  "messages[].parts[].audio", "messages[].parts[].x",
                  "messages[].parts[].opaque", "messages[].name",
                  "messages[].y", "messages[].parts[].reasoning.signature",
                  "messages[].parts[].reasoning.redacted_data",
                  "messages[].parts[].tool_result.is_error"));
}

TEST(MessageWriterTest, AnExtensionNeverRepeatsAFieldAndIsJson) {
  const absl::Status repeated =
      WriteMessages(R"(messages { role: ROLE_USER parts { text: "a" }
                 extensions { dialect: "ollama" name: "content" json: "1" } })")
          .status;
  EXPECT_EQ(FaultReason(repeated), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_THAT(FieldViolations(repeated)[0].first, HasSubstr("messages[0]"));
  const absl::Status broken =
      WriteMessages(R"(messages { role: ROLE_USER parts { text: "a" }
                 extensions { dialect: "ollama" name: "x" json: "{" } })")
          .status;
  EXPECT_EQ(FaultReason(broken), v1::ERROR_REASON_INVALID_REQUEST);
}

}  // namespace
}  // namespace gateway::ollama
