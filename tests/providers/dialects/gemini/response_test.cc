#include "providers/dialects/gemini/response.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "providers/dialects/gemini/vendor_names.h"
#include "tests/providers/dialects/golden_files.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::gemini {
namespace {

v1::GenerateResponse ResponseFrom(std::string_view body) {
  v1::GenerateResponse response;
  const absl::Status status = ReadResponse(body, &response);
  EXPECT_TRUE(status.ok()) << status;
  return response;
}

v1::ErrorReason ReasonOf(std::string_view body) {
  v1::GenerateResponse response;
  return FaultReason(ReadResponse(body, &response));
}

TEST(GeminiResponseTest, AnswersWithoutAnIdShareNoIdsOfCalls) {
  const auto id_in = [](const std::string& beginning) {
    const v1::GenerateResponse response = ResponseFrom(
        "{" + beginning +
        R"("candidates":[{"content":{"role":"model","parts":[)"
        R"({"functionCall":{"name":"f","args":{}}}]},"finishReason":"STOP"}]})");
    return response.choices(0).message().parts(0).tool_call().id();
  };
  EXPECT_TRUE(IsMadeUpCallId(id_in("")));
  EXPECT_NE(id_in(""), id_in(""));
  EXPECT_EQ(id_in(R"("responseId":"r",)"), id_in(R"("responseId":"r",)"));
}

TEST(GeminiResponseTest, CallsMakeATurnThatWaits) {
  const v1::GenerateResponse response =
      ResponseFrom(ReadGolden("gemini/responses/tools.json"));
  const v1::Choice& choice = response.choices(0);
  EXPECT_EQ(choice.finish_reason(), v1::FINISH_REASON_TOOL_CALLS);
  EXPECT_EQ(choice.provider_finish_reason(), "STOP");
  ASSERT_EQ(choice.message().parts_size(), 5);
  EXPECT_EQ(choice.message().parts(0).reasoning().text(), "Two calls.");
  EXPECT_TRUE(IsMadeUpCallId(choice.message().parts(2).tool_call().id()));
  EXPECT_NE(choice.message().parts(2).tool_call().id(),
            choice.message().parts(3).tool_call().id());
  EXPECT_EQ(choice.message().parts(4).tool_call().id(), "fc-3");
  EXPECT_EQ(response.usage().input_tokens(), 105);
  EXPECT_EQ(response.usage().output_tokens(), 29);
}

TEST(GeminiResponseTest, ABlockedPromptIsAnAnswerThatTheFilterEnded) {
  const v1::GenerateResponse response =
      ResponseFrom(ReadGolden("gemini/responses/blocked_prompt.json"));
  ASSERT_EQ(response.choices_size(), 1);
  EXPECT_EQ(response.choices(0).finish_reason(),
            v1::FINISH_REASON_CONTENT_FILTER);
  EXPECT_EQ(response.choices(0).provider_finish_reason(), "PROHIBITED_CONTENT");
  EXPECT_EQ(response.usage().input_tokens(), 9);
}

TEST(GeminiResponseTest, ANewWordForABlockedPromptMeansTheSame) {
  EXPECT_EQ(ResponseFrom(R"({"promptFeedback":{"blockReason":"NOVEL"}})")
                .choices(0)
                .finish_reason(),
            v1::FINISH_REASON_CONTENT_FILTER);
}

TEST(GeminiResponseTest, ACandidateHasContentOrAnEnd) {
  v1::GenerateResponse response;
  EXPECT_EQ(
      FaultReason(ReadResponse(R"({"candidates":[{"index":0}]})", &response)),
      v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
  EXPECT_TRUE(
      ReadResponse(R"({"candidates":[{"finishReason":"SAFETY"}]})", &response)
          .ok());
}

TEST(GeminiResponseTest, AnErrorIsAnErrorWhateverTheStatusSays) {
  EXPECT_EQ(ReasonOf(R"({"error":{"code":503,"status":"UNAVAILABLE"}})"),
            v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(ReasonOf("{}"), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
  EXPECT_EQ(ReasonOf(R"({"candidates":[]})"),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
  EXPECT_EQ(ReasonOf("<html>"), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
}

TEST(GeminiResponseTest, AnswersOfOthersAreWrittenInItsWords) {
  v1::GenerateResponse response;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(R"(
      request_id: 'req' model: 'gpt'
      choices { index: 0
        message { role: ROLE_ASSISTANT
          parts { reasoning { redacted_data: 'sealed' } }
          parts { refusal: 'No.' }
          parts { tool_call { id: 'call_1' name: 'f' arguments: '{}' } } }
        finish_reason: FINISH_REASON_TOOL_CALLS
        provider_finish_reason: 'tool_calls'
        extensions { dialect: 'openai_chat' name: 'x' json: '1' } }
      choices { index: 1 finish_reason: FINISH_REASON_CONTENT_FILTER
        message { role: ROLE_ASSISTANT } }
      usage { input_tokens: 3 output_tokens: 5 reasoning_tokens: 2 })",
                                                            &response));
  std::string body;
  ASSERT_TRUE(WriteResponse(response, &body, nullptr).ok());
  EXPECT_TRUE(SameJson(body, R"({"candidates":[
      {"content":{"parts":[{"text":"No."},
        {"functionCall":{"id":"call_1","name":"f","args":{}}}],"role":"model"},
       "finishReason":"STOP","index":0},
      {"content":{"role":"model"},"finishReason":"SAFETY","index":1}],
      "usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":3,
        "thoughtsTokenCount":2,"totalTokenCount":8},
      "modelVersion":"gpt","responseId":"req"})"));
}

TEST(GeminiResponseTest, CountsGoThereAndBack) {
  std::string body;
  WriteCountResponse(17, &body);
  EXPECT_EQ(ReadCountResponse(body).value(), 17);
  EXPECT_EQ(ReadCountResponse(R"({"promptTokensDetails":[]})").value(), 0);
  EXPECT_FALSE(ReadCountResponse(R"({"totalTokens":-1})").ok());
  EXPECT_FALSE(ReadCountResponse(R"({"message":"no route"})").ok());
  EXPECT_EQ(
      FaultReason(ReadCountResponse(R"({"error":{"code":404}})").status()),
      v1::ERROR_REASON_MODEL_NOT_FOUND);
}

}  // namespace
}  // namespace gateway::gemini
