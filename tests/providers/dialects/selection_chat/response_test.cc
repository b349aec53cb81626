#include "providers/dialects/selection_chat/response.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::selection_chat {
namespace {

namespace v1 = ::llmgateway::v1;

v1::GenerateResponse Response(const std::string& text) {
  v1::GenerateResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &response));
  return response;
}

std::string Written(const v1::GenerateResponse& response,
                    std::vector<v1::Warning>* warnings = nullptr) {
  std::string body;
  EXPECT_TRUE(WriteResponse(response, &body, warnings).ok());
  return body;
}

TEST(SelectionChatResponseTest, AnAnswerHasAllItsFields) {
  const v1::GenerateResponse response = Response(R"pb(
    request_id: "t-1"
    model: "gemini-dated"
    choices {
      message {
        parts { text: "Hel" }
        parts { text: "lo" }
      }
      finish_reason: FINISH_REASON_LENGTH
    }
    usage {
      input_tokens: 9
      output_tokens: 3
      cost_usd_nanos: 450000
      cost_known: true
    }
    route { provider: "openrouter" model: "google/gemini" }
    timings { total { seconds: 1 nanos: 812999999 } }
    create_time { seconds: 1767323045 nanos: 678000000 }
  )pb");
  std::vector<v1::Warning> warnings;
  EXPECT_TRUE(SameJson(
      Written(response, &warnings),
      R"({"content":"Hello","model_used":"google/gemini",)"
      R"("provider":"openrouter",)"
      R"("tokens_used":{"input":9,"output":3,"total":12},)"
      R"("cost_usd":0.00045,"latency_ms":1812,"trace_id":"t-1",)"
      R"("conversation_id":null,"timestamp":"2026-01-02T03:04:05.678Z",)"
      R"("finish_reason":"length"})"))
      << Written(response);
  EXPECT_TRUE(warnings.empty());
}

TEST(SelectionChatResponseTest, ARefusalIsContentAndAllElseIsTold) {
  const v1::GenerateResponse response = Response(R"pb(
    choices {
      message {
        parts { reasoning { text: "hm" } }
        parts { refusal: "No." }
        parts { tool_call { id: "c" name: "f" } }
      }
    }
    choices { message { parts { text: "other" } } }
  )pb");
  std::vector<v1::Warning> warnings;
  const std::string body = Written(response, &warnings);
  EXPECT_EQ(body.find("other"), std::string::npos);
  EXPECT_NE(body.find(R"("content":"No.")"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("finish_reason":null)"), std::string::npos) << body;
  std::vector<std::string> fields;
  for (const v1::Warning& warning : warnings) {
    fields.push_back(warning.field());
  }
  EXPECT_EQ(fields,
            (std::vector<std::string>{"choices", "reasoning", "tool_call"}));
}

}  // namespace
}  // namespace gateway::selection_chat
