#include "providers/dialects/openai_responses/request_reader.h"

#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gtest/gtest.h"

namespace gateway::responses {
namespace {

v1::GenerateRequest RequestFrom(std::string_view body) {
  v1::GenerateRequest request;
  bool stream = false;
  const absl::Status status = ReadRequest(body, &request, &stream);
  EXPECT_TRUE(status.ok()) << status;
  return request;
}

TEST(ReadRequestTest, InstructionsLeadWhereverTheyAreWritten) {
  const v1::GenerateRequest request =
      RequestFrom(R"({"model":"m","input":"Hi","instructions":"Be brief."})");
  ASSERT_EQ(request.messages_size(), 2);
  EXPECT_EQ(request.messages(0).role(), v1::ROLE_SYSTEM);
  EXPECT_EQ(request.messages(0).parts(0).text(), "Be brief.");
  EXPECT_EQ(request.messages(1).role(), v1::ROLE_USER);
}

TEST(ReadRequestTest, NullsAreNothing) {
  const v1::GenerateRequest request = RequestFrom(
      R"({"model":"m","input":"Hi","instructions":null,"temperature":null,
          "tools":null,"text":null,"reasoning":null,"include":null,
          "metadata":null,"store":null,"max_output_tokens":null,
          "previous_response_id":null,"stream":null})");
  EXPECT_EQ(request.messages_size(), 1);
  EXPECT_FALSE(request.has_sampling());
  EXPECT_FALSE(request.has_store());
  EXPECT_TRUE(request.extensions().empty());
}

TEST(ReadRequestTest, SettingsAreRead) {
  const v1::GenerateRequest request = RequestFrom(
      R"({"model":"m","input":[],"previous_response_id":"resp_1",
          "reasoning":{"effort":"minimal","summary":"auto"},
          "include":["message.output_text.logprobs"],"top_logprobs":3,
          "metadata":{"a":"b"},"store":false,"user":"u",
          "text":{"verbosity":"high","format":{"type":"json_object"}}})");
  EXPECT_EQ(request.previous_response_id(), "resp_1");
  EXPECT_EQ(request.reasoning().effort(),
            v1::ReasoningSettings::EFFORT_MINIMAL);
  EXPECT_EQ(request.reasoning().display(), "summarized");
  EXPECT_TRUE(request.sampling().logprobs());
  EXPECT_EQ(request.sampling().top_logprobs(), 3);
  EXPECT_EQ(request.labels().at("a"), "b");
  EXPECT_FALSE(request.store());
  EXPECT_EQ(request.scope().user_id(), "u");
  EXPECT_EQ(request.verbosity(), "high");
  EXPECT_EQ(request.response_format().kind(),
            v1::ResponseFormat::KIND_JSON_OBJECT);
  EXPECT_TRUE(request.extensions().empty());
}

TEST(ReadRequestTest, AStoredPromptNeedsNoInput) {
  EXPECT_EQ(RequestFrom(R"({"model":"m","prompt":{"id":"p"}})").messages_size(),
            0);
  EXPECT_EQ(RequestFrom(R"({"model":"m","previous_response_id":"r"})")
                .messages_size(),
            0);
}

TEST(ReadRequestTest, FaultsNameTheField) {
  const std::pair<std::string_view, std::string_view> kFaults[] = {
      {R"({"model":"m"})", "input"},
      {R"({"model":"m","input":7})", "input"},
      {R"({"model":"m","input":"x","input":"y"})", "input"},
      {R"({"model":"m","input":"x","temperature":"hot"})", "temperature"},
      {R"({"model":"m","input":"x","max_output_tokens":-1})",
       "max_output_tokens"},
      {R"({"model":"m","input":"x","tools":[{"name":"f"}]})", "tools[0].type"},
      {R"({"model":"m","input":"x","tools":[{"type":"function"}]})",
       "tools[0].name"},
      {R"({"model":"m","input":"x","metadata":{"a":1}})", "metadata.a"},
      {R"({"model":"m","input":"x","text":{"format":{"type":"json_schema",
           "name":"n"}}})",
       "text.format.schema"},
      {R"({"model":"m","input":[{"role":"user","content":[7]}]})",
       "input[0].content[0]"}};
  for (const auto& [body, field] : kFaults) {
    v1::GenerateRequest request;
    bool stream = false;
    const absl::Status status = ReadRequest(body, &request, &stream);
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_INVALID_REQUEST);
    const auto violations = FieldViolations(status);
    ASSERT_EQ(violations.size(), 1u) << body << status;
    EXPECT_EQ(violations[0].first, field);
  }
}

}  // namespace
}  // namespace gateway::responses
