#include "providers/dialects/ollama/response.h"

#include <string>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway::ollama {
namespace {

TEST(ReadResponseTest, PutsReasoningFirstAndCallsLast) {
  v1::GenerateResponse response;
  const absl::Status status = ReadResponse(
      R"({"message":{"tool_calls":[{"id":"1","function":{"name":"f"}}],
          "content":"c","thinking":"t","pose":1},"done":true})",
      &response);
  ASSERT_TRUE(status.ok()) << status;
  const v1::Message& message = response.choices(0).message();
  EXPECT_EQ(message.role(), v1::ROLE_ASSISTANT);
  ASSERT_EQ(message.parts_size(), 3);
  EXPECT_EQ(message.parts(0).reasoning().text(), "t");
  EXPECT_EQ(message.parts(1).text(), "c");
  EXPECT_EQ(message.parts(2).tool_call().name(), "f");
  ASSERT_EQ(message.extensions_size(), 1);
  EXPECT_EQ(message.extensions(0).name(), "pose");
  EXPECT_EQ(response.choices(0).finish_reason(), v1::FINISH_REASON_TOOL_CALLS);
  EXPECT_TRUE(response.has_usage());
  EXPECT_FALSE(response.has_create_time());
}

TEST(ReadResponseTest, ForgetsWhatStoodThere) {
  v1::GenerateResponse response;
  response.add_choices();
  ASSERT_TRUE(
      ReadResponse(R"({"message":{"content":"c"},"done":true})", &response)
          .ok());
  EXPECT_EQ(response.choices_size(), 1);
}

TEST(ReadResponseTest, AFailureWithAGoodStatusIsAFailure) {
  v1::GenerateResponse response;
  EXPECT_EQ(FaultReason(ReadResponse(
                R"({"error":"model 'm' not found, try pulling it first"})",
                &response)),
            v1::ERROR_REASON_MODEL_NOT_FOUND);
}

TEST(ReadResponseTest, AnAnswerIsDoneAndHasAMessage) {
  for (const char* body : {R"({"message":{"content":"c"},"done":false})",
                           R"({"message":{"content":"c"}})", R"({"done":true})",
                           "{}", "[]", "", "no JSON"}) {
    v1::GenerateResponse response;
    EXPECT_EQ(FaultReason(ReadResponse(body, &response)),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << body;
  }
}

}  // namespace
}  // namespace gateway::ollama
