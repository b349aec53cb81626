#include "providers/dialects/anthropic_messages/request_reader.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gtest/gtest.h"

namespace gateway::anthropic {
namespace {

// Reads a request that also has the required fields.
absl::StatusOr<v1::GenerateRequest> RequestWith(const std::string& fields) {
  v1::GenerateRequest request;
  bool stream = false;
  const absl::Status status =
      ReadRequest(absl::StrCat(R"({"model":"m","max_tokens":9,)", fields, "}"),
                  &request, &stream);
  if (!status.ok()) return status;
  return request;
}

v1::GenerateRequest ReadWith(const std::string& fields) {
  const absl::StatusOr<v1::GenerateRequest> request = RequestWith(fields);
  EXPECT_TRUE(request.ok()) << request.status();
  return request.value_or(v1::GenerateRequest());
}

std::string FieldAtFault(const std::string& fields) {
  const absl::StatusOr<v1::GenerateRequest> request = RequestWith(fields);
  EXPECT_EQ(FaultReason(request.status()), v1::ERROR_REASON_INVALID_REQUEST);
  const auto violations = FieldViolations(request.status());
  return violations.empty() ? "none" : violations.front().first;
}

constexpr char kHello[] = R"("messages":[{"role":"user","content":"hi"}])";

TEST(ReadRequestTest, PutsTheSystemPromptFirstWhereverItStands) {
  const v1::GenerateRequest request =
      ReadWith(absl::StrCat(kHello, R"(,"system":"be brief")"));
  ASSERT_EQ(request.messages_size(), 2);
  EXPECT_EQ(request.messages(0).role(), v1::ROLE_SYSTEM);
  EXPECT_EQ(request.messages(0).parts(0).text(), "be brief");
  EXPECT_EQ(request.messages(1).role(), v1::ROLE_USER);
}

TEST(ReadRequestTest, GivesEachToolResultAMessageBeforeTheUsersWords) {
  const v1::GenerateRequest request = ReadWith(
      R"("messages":[{"content":[{"type":"text","text":"so?"},
         {"type":"tool_result","tool_use_id":"a"},
         {"type":"tool_result","tool_use_id":"b"}],"role":"user"}])");
  ASSERT_EQ(request.messages_size(), 3);
  EXPECT_EQ(request.messages(0).role(), v1::ROLE_TOOL);
  EXPECT_EQ(request.messages(0).parts(0).tool_result().tool_call_id(), "a");
  EXPECT_EQ(request.messages(1).parts(0).tool_result().tool_call_id(), "b");
  EXPECT_EQ(request.messages(2).role(), v1::ROLE_USER);
  EXPECT_EQ(request.messages(2).parts(0).text(), "so?");
}

TEST(ReadRequestTest, ReadsTheWishesForToolsAndReasoning) {
  const v1::GenerateRequest request = ReadWith(absl::StrCat(
      kHello, R"(,"tool_choice":{"disable_parallel_tool_use":true,"type":"any"},
               "thinking":{"budget_tokens":1024,"type":"enabled"},
               "output_config":{"effort":"max"},
               "metadata":{"user_id":"u"},"service_tier":"auto")"));
  EXPECT_EQ(request.tool_choice().mode(), v1::ToolChoice::MODE_REQUIRED);
  EXPECT_TRUE(request.has_parallel_tool_calls());
  EXPECT_FALSE(request.parallel_tool_calls());
  EXPECT_EQ(request.reasoning().mode(), v1::ReasoningSettings::MODE_ENABLED);
  EXPECT_EQ(request.reasoning().budget_tokens(), 1024);
  EXPECT_EQ(request.reasoning().effort(), v1::ReasoningSettings::EFFORT_MAX);
  EXPECT_EQ(request.scope().user_id(), "u");
  EXPECT_EQ(request.service_tier(), "auto");
  EXPECT_TRUE(request.extensions().empty());
}

TEST(ReadRequestTest, ReadsTheTierIntoOpenAisWords) {
  EXPECT_EQ(ReadWith(absl::StrCat(kHello, R"(,"service_tier":"standard_only")"))
                .service_tier(),
            "default");
}

TEST(ReadRequestTest, TakesNullForAbsent) {
  const v1::GenerateRequest request = ReadWith(
      absl::StrCat(kHello, R"(,"system":null,"tools":null,"tool_choice":null,
               "thinking":null,"output_config":null,"metadata":null,
               "temperature":null,"top_p":null,"top_k":null,"stream":null,
               "stop_sequences":null,"cache_control":null,
                "service_tier":null)"));
  EXPECT_EQ(request.ByteSizeLong(), ReadWith(kHello).ByteSizeLong());
}

TEST(ReadRequestTest, RefusesRepeatedKeysHoweverTheyAreEscaped) {
  EXPECT_EQ(FieldAtFault(absl::StrCat(kHello, R"(,"mod\u0065l":"n")")),
            "model");
  EXPECT_EQ(FieldAtFault(absl::StrCat(kHello, R"(,"novel":1,"novel":2)")),
            "novel");
  EXPECT_EQ(FieldAtFault(
                R"("messages":[{"role":"user","content":"a","content":"b"}])"),
            "messages[0].content");
  EXPECT_EQ(FieldAtFault(absl::StrCat(
                kHello, R"(,"metadata":{"user_id":"a","user_id":"b"})")),
            "metadata.user_id");
}

TEST(ReadRequestTest, NamesTheFieldAtFault) {
  const auto with = [](std::string_view fields) {
    return absl::StrCat(kHello, ",", std::string(fields));
  };
  EXPECT_EQ(FieldAtFault(R"("x":1)"), "messages");
  EXPECT_EQ(FieldAtFault(R"("messages":"hi")"), "messages");
  EXPECT_EQ(FieldAtFault(R"("messages":[{"content":"a"}])"),
            "messages[0].role");
  EXPECT_EQ(FieldAtFault(R"("messages":[{"role":"user"}])"),
            "messages[0].content");
  EXPECT_EQ(FieldAtFault(R"("messages":[{"role":"tool","content":"a"}])"),
            "messages[0].role");
  EXPECT_EQ(FieldAtFault(R"("messages":[{"role":"user","content":7}])"),
            "messages[0].content");
  EXPECT_EQ(FieldAtFault(R"("messages":[{"role":"user","content":"a"},
                      {"role":"user","content":[{"type":"text"}]}])"),
            "messages[1].content[0].text");
  EXPECT_EQ(FieldAtFault(with(R"("stream":"yes")")), "stream");
  EXPECT_EQ(FieldAtFault(with(R"("temperature":"hot")")), "temperature");
  EXPECT_EQ(FieldAtFault(with(R"("top_k":-1)")), "top_k");
  EXPECT_EQ(FieldAtFault(with(R"("stop_sequences":[1])")), "stop_sequences[0]");
  EXPECT_EQ(FieldAtFault(with(R"("tools":[{"name":"f"}])")),
            "tools[0].input_schema");
  EXPECT_EQ(FieldAtFault(with(R"("tools":[{"input_schema":{}}])")),
            "tools[0].name");
  EXPECT_EQ(FieldAtFault(with(R"("tool_choice":"auto")")), "tool_choice");
  EXPECT_EQ(FieldAtFault(with(R"("tool_choice":{"type":"tool"})")),
            "tool_choice.name");
  EXPECT_EQ(FieldAtFault(with(
                R"("thinking":{"type":"enabled","budget_tokens":"many"})")),
            "thinking.budget_tokens");
  EXPECT_EQ(FieldAtFault(with(R"("output_config":{"format":{}})")),
            "output_config.format.type");
  EXPECT_EQ(FieldAtFault(with(R"("cache_control":{})")), "cache_control.type");
}

TEST(ReadRequestTest, RequiresTheLimitOnlyForGenerating) {
  const std::string body = absl::StrCat(R"({"model":"m",)", kHello, "}");
  v1::GenerateRequest request;
  bool stream = false;
  EXPECT_EQ(FieldViolations(ReadRequest(body, &request, &stream)).front().first,
            "max_tokens");
  EXPECT_TRUE(ReadCountTokensRequest(body, &request).ok());
  EXPECT_FALSE(request.has_max_output_tokens());
}

TEST(ReadRequestTest, MayLeaveTheModelToOthers) {
  v1::GenerateRequest request;
  bool stream = false;
  EXPECT_TRUE(ReadRequest(absl::StrCat(R"({"max_tokens":1,)", kHello, "}"),
                          &request, &stream)
                  .ok());
  EXPECT_EQ(request.model(), "");
}

TEST(ReadRequestTest, RefusesAConversationWithoutMessages) {
  EXPECT_EQ(FieldAtFault(R"("system":"s","messages":[])"), "messages");
}

TEST(ReadRequestTest, RefusesWhatIsNoRequest) {
  for (const std::string_view body :
       {"", " ", "null", "[]", "7", "{", "{}x", "{\"model\":\"\xff\"}",
        R"({"model":"\ud800","max_tokens":1,"messages":[]})"}) {
    v1::GenerateRequest request;
    bool stream = false;
    EXPECT_EQ(FaultReason(ReadRequest(body, &request, &stream)),
              v1::ERROR_REASON_INVALID_REQUEST)
        << body;
  }
}

TEST(ReadRequestTest, BoundsNesting) {
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += "[";
  deep += std::string(200, ']');
  EXPECT_EQ(FieldAtFault(absl::StrCat(kHello, ",\"novel\":", deep)), "novel");
}

}  // namespace
}  // namespace gateway::anthropic
