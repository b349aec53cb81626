#include "providers/dialects/openai_responses/response.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "errors/fault.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::responses {
namespace {

absl::Status ReadBody(std::string_view body) {
  v1::GenerateResponse response;
  return ReadResponse(body, &response);
}

std::string WrittenResponse(const std::string& text) {
  v1::GenerateResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &response));
  std::string body;
  const absl::Status status = WriteResponse(response, &body, nullptr);
  return status.ok() ? body : std::string(status.message());
}

TEST(ResponseTest, AFailedAnswerIsItsFault) {
  EXPECT_EQ(FaultReason(ReadBody(R"({"id":"r","status":"failed","output":[],
      "error":{"code":"rate_limit_exceeded","message":"m"}})")),
            v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_EQ(
      FaultReason(ReadBody(R"({"id":"r","status":"cancelled","output":[]})")),
      v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(FaultReason(ReadBody(R"({"id":"r","status":"completed"})")),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
  EXPECT_EQ(FaultReason(ReadBody("[")), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
  EXPECT_EQ(FaultReason(ReadBody(R"({"output":[{"type":"function_call"}]})")),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
}

TEST(ResponseTest, ADeletionNamesWhatIsGone) {
  std::string body;
  WriteDeletion("resp_1", &body);
  EXPECT_TRUE(
      SameJson(body, R"({"id":"resp_1","object":"response","deleted":true})"));
}

TEST(ResponseTest, AnAnswerThatIsStillMadeHasNoReasonYet) {
  v1::GenerateResponse response;
  ASSERT_TRUE(ReadResponse(R"({"id":"resp_1","status":"queued","output":[],
                               "background":true})",
                           &response)
                  .ok());
  EXPECT_EQ(response.choices(0).finish_reason(), v1::FINISH_REASON_UNSPECIFIED);
  std::string body;
  ASSERT_TRUE(WriteResponse(response, &body, nullptr).ok());
  EXPECT_NE(body.find(R"("status":"queued")"), std::string::npos);
}

TEST(ResponseTest, AnAnswerOfAnotherVendorHasAllThatTheFormatAsksFor) {
  EXPECT_TRUE(SameJson(
      WrittenResponse(
          "id: 'chatcmpl-1' model: 'm' create_time { seconds: 7 } "
          "usage { input_tokens: 2 output_tokens: 3 } choices { message { "
          "parts { text: 'a' } } finish_reason: FINISH_REASON_STOP }"),
      R"({"id":"resp_chatcmpl-1","object":"response","created_at":7,
          "status":"completed","error":null,"incomplete_details":null,
          "model":"m","output":[{"id":"msg_gw_chatcmpl-1_0","type":"message",
            "status":"completed","role":"assistant","content":[
              {"type":"output_text","text":"a","annotations":[],
               "logprobs":[]}]}],
          "usage":{"input_tokens":2,"input_tokens_details":
            {"cached_tokens":0,"cache_write_tokens":0},"output_tokens":3,
            "output_tokens_details":{"reasoning_tokens":0},"total_tokens":5},
          "instructions":null,"metadata":{},"parallel_tool_calls":true,
          "temperature":null,"tool_choice":"auto","tools":[],"top_p":null})"));
}

TEST(ResponseTest, TheStatusSaysWhyItStopped) {
  const auto status = [](const std::string& reason) {
    const std::string body =
        WrittenResponse("choices { finish_reason: " + reason + " }");
    const size_t at = body.find("\"status\":\"") + 10;
    return body.substr(at, body.find('"', at) - at);
  };
  EXPECT_EQ(status("FINISH_REASON_LENGTH"), "incomplete");
  EXPECT_EQ(status("FINISH_REASON_CONTENT_FILTER"), "incomplete");
  EXPECT_EQ(status("FINISH_REASON_TOOL_CALLS"), "completed");
  EXPECT_EQ(status("FINISH_REASON_ERROR"), "failed");
}

TEST(ResponseTest, LikelihoodsStandWithTheFirstText) {
  const std::string body = WrittenResponse(
      "choices { message { parts { text: 'a' } parts { text: 'b' } } "
      "logprobs { content { token: 'a' logprob: -1 } } }");
  v1::GenerateResponse again;
  ASSERT_TRUE(ReadResponse(body, &again).ok());
  ASSERT_EQ(again.choices(0).logprobs().content_size(), 1);
  EXPECT_EQ(again.choices(0).logprobs().content(0).token(), "a");
}

TEST(ResponseTest, RepeatsTheSettingsOfTheRequest) {
  v1::GenerateRequest request;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "model: 'm' messages { role: ROLE_SYSTEM parts { text: 'Be brief.' } } "
      "messages { role: ROLE_USER parts { text: 'secret' } } "
      "sampling { temperature: 0.5 } store: false "
      "tools { function { name: 'f' } }",
      &request));
  v1::GenerateResponse response;
  ASSERT_TRUE(EchoRequest(request, response.mutable_extensions()).ok());
  std::string body;
  ASSERT_TRUE(WriteResponse(response, &body, nullptr).ok());
  EXPECT_NE(body.find(R"("instructions":"Be brief.")"), std::string::npos);
  EXPECT_NE(body.find(R"("temperature":0.5)"), std::string::npos);
  EXPECT_NE(body.find(R"("store":false)"), std::string::npos);
  EXPECT_NE(body.find(R"("name":"f")"), std::string::npos);
  EXPECT_EQ(body.find("secret"), std::string::npos);
}

TEST(ResponseTest, CountsTokensBothWays) {
  std::string body;
  WriteCountResponse(12, &body);
  EXPECT_EQ(body, R"({"object":"response.input_tokens","input_tokens":12})");
  EXPECT_EQ(ReadCountResponse(body).value_or(0), 12);
  EXPECT_FALSE(ReadCountResponse("{}").ok());
}

}  // namespace
}  // namespace gateway::responses
