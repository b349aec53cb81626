#include "providers/dialects/openai_chat/request_writer.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway {
namespace {

struct Writing {
  absl::Status status;
  std::string body;
  std::vector<std::string> losses;
};

Writing Write(const std::string& text, const WriteRequestOptions& options) {
  v1::GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  Writing writing;
  std::vector<v1::Warning> warnings;
  writing.status =
      WriteOpenAiRequest(request, options, &writing.body, &warnings);
  for (const v1::Warning& warning : warnings) {
    writing.losses.push_back(warning.field());
  }
  return writing;
}

constexpr std::string_view kHello =
    R"("messages":[{"role":"user","content":"hi"}])";

std::string WithHello(std::string_view text) {
  return R"pb(messages {
                role: ROLE_USER
                parts { text: "hi" }
              })pb" +
         std::string(text);
}

TEST(OpenAiChatRequestWriterTest, UsesTheProvidersNameOfTheModel) {
  const Writing writing =
      Write(WithHello("model: 'alias'"), {.model = "gpt-\"x\""});
  EXPECT_EQ(writing.body,
            "{\"model\":\"gpt-\\\"x\\\"\"," + std::string(kHello) + "}");
}

TEST(OpenAiChatRequestWriterTest, AppendsToTheBody) {
  v1::GenerateRequest request;
  std::string body = "before";
  ASSERT_TRUE(WriteOpenAiRequest(request, {.model = "m"}, &body, nullptr).ok());
  EXPECT_EQ(body, R"(before{"model":"m","messages":[]})");
}

TEST(OpenAiChatRequestWriterTest, StreamsAskForTheirUsage) {
  const Writing writing = Write(
      WithHello(
          R"pb(extensions {
                 dialect: "openai_chat"
                 name: "stream_options"
                 json: "{\"include_usage\":false,\"include_obfuscation\":false}"
               })pb"),
      {.model = "m", .stream = true});
  EXPECT_TRUE(SameJson(writing.body, R"({"model":"m",)" + std::string(kHello) +
                                         R"(,"stream":true,"stream_options":)"
                                         R"({"include_usage":true,)"
                                         R"("include_obfuscation":false}})"));
}

TEST(OpenAiChatRequestWriterTest, AnExtensionNeverOverrulesThePolicies) {
  const Writing writing = Write(
      WithHello(R"pb(
        max_output_tokens: 5
        sampling { temperature: 1 }
        extensions { dialect: "openai_chat" name: "model" json: "\"x\"" }
        extensions { dialect: "openai_chat" name: "stream" json: "true" }
        extensions { dialect: "openai_chat" name: "max_tokens" json: "9" }
        extensions {
          dialect: "openai_chat"
          name: "max_completion_tokens"
          json: "9"
        }
        extensions { dialect: "openai_chat" name: "n" json: "99" }
        extensions { dialect: "openai_chat" name: "tools" json: "[]" }
        extensions { dialect: "openai_chat" name: "messages" json: "[]" }
        extensions { dialect: "openai_chat" name: "temperature" json: "2" }
        extensions { dialect: "openai_chat" name: "top_k" json: "3" })pb"),
      {.model = "m"});
  EXPECT_TRUE(SameJson(writing.body, R"({"model":"m",)" + std::string(kHello) +
                                         R"(,"max_completion_tokens":5,)"
                                         R"("temperature":1,"top_k":3})"));
}

TEST(OpenAiChatRequestWriterTest, AnExtensionThatIsNotJsonIsRefused) {
  const Writing writing = Write(WithHello(R"pb(extensions {
                                                 dialect: "openai_chat"
                                                 name: "x"
                                                 json: "1,\"n\":9"
                                               })pb"),
                                {.model = "m"});
  EXPECT_EQ(FaultReason(writing.status), v1::ERROR_REASON_INVALID_REQUEST);
}

TEST(OpenAiChatRequestWriterTest, ListsWhatCannotBeCarried) {
  const Writing writing = Write(WithHello(R"pb(
                                  sampling { top_k: 3 }
                                  reasoning {
                                    mode: MODE_ENABLED
                                    budget_tokens: 1024
                                    display: "omitted"
                                  }
                                  cache_hint {}
                                  extensions {
                                    dialect: "anthropic_messages"
                                    name: "mcp"
                                    json: "[]"
                                  })pb"),
                                {.model = "m"});
  ASSERT_TRUE(writing.status.ok());
  EXPECT_EQ(writing.body, R"({"model":"m",)" + std::string(kHello) + "}");
  EXPECT_EQ(writing.losses,
            (std::vector<std::string>{
                "sampling.top_k", "reasoning.mode", "reasoning.budget_tokens",
                "reasoning.display", "cache_hint", "extensions[mcp]"}));
}

TEST(OpenAiChatRequestWriterTest, ParallelCallsAreOfToolsOnly) {
  EXPECT_EQ(Write(WithHello("parallel_tool_calls: false"), {.model = "m"}).body,
            R"({"model":"m",)" + std::string(kHello) + "}");
}

TEST(OpenAiChatRequestWriterTest, TheGatewaysOwnFieldsStayInside) {
  const Writing writing =
      Write(WithHello(R"pb(
              scope { user_id: "u" session_id: "s" project_id: "p" }
              provider_id: "x"
              idempotency_key: "k"
              domain_tags: "t")pb"),
            {.model = "m"});
  EXPECT_TRUE(SameJson(writing.body, R"({"model":"m",)" + std::string(kHello) +
                                         R"(,"safety_identifier":"u"})"));
}

}  // namespace
}  // namespace gateway
