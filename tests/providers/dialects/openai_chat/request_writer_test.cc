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
#include "providers/dialects/openai_chat/quirks.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::chat {
namespace {

struct Writing {
  absl::Status status;
  std::string body;
  std::vector<std::string> dropped;
};

Writing Write(const std::string& text, const WriteRequestOptions& options,
              const OpenAiChatQuirks& quirks = {}) {
  v1::GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  Writing writing;
  std::vector<v1::Warning> warnings;
  writing.status =
      WriteRequest(request, options, &writing.body, &warnings, quirks);
  for (const v1::Warning& warning : warnings) {
    writing.dropped.push_back(warning.field());
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
  ASSERT_TRUE(WriteRequest(request, {.model = "m"}, &body, nullptr).ok());
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
  EXPECT_EQ(writing.dropped,
            (std::vector<std::string>{
                "sampling.top_k", "reasoning.mode", "reasoning.budget_tokens",
                "reasoning.display", "cache_hint", "mcp"}));
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

using LostFields = std::vector<std::string>;
using SchemaMode = OpenAiChatQuirks::SchemaMode;
using ReasoningStyle = OpenAiChatQuirks::ReasoningStyle;

// What a request says besides its model and message.
std::string Besides(const Writing& writing) {
  const std::string head = R"({"model":"m",)" + std::string(kHello);
  EXPECT_EQ(writing.body.substr(0, head.size()), head);
  return writing.body.substr(head.size());
}

// One that asks for everything that some service lacks.
std::string Demanding() {
  return WithHello(R"pb(
    max_output_tokens: 9
    sampling {
      seed: 7
      choice_count: 2
      top_k: 3
      logit_bias { key: "5" value: 1 }
    }
    tools { function { name: "f" } }
    parallel_tool_calls: false
    verbosity: "low"
    service_tier: "flex"
    store: true
    scope { user_id: "u" }
    prompt_cache_key: "k"
    labels { key: "a" value: "b" })pb");
}

OpenAiChatQuirks Frugal() {
  OpenAiChatQuirks quirks;
  quirks.max_completion_tokens = false;
  quirks.choice_count = false;
  quirks.logit_bias = false;
  quirks.parallel_tool_calls = false;
  quirks.account_fields = false;
  quirks.seed_field = "";
  quirks.user_field = "";
  return quirks;
}

TEST(OpenAiChatRequestWriterTest, WhatTheServiceLacksIsDroppedAndTold) {
  const Writing writing = Write(Demanding(), {.model = "m"}, Frugal());
  EXPECT_TRUE(SameJson(writing.body,
                       R"({"model":"m",)" + std::string(kHello) +
                           R"(,"max_tokens":9,"tools":[{"type":"function",)"
                           R"("function":{"name":"f"}}]})"))
      << writing.body;
  EXPECT_EQ(
      writing.dropped,
      (LostFields{"sampling.seed", "sampling.choice_count", "sampling.top_k",
                  "sampling.logit_bias", "parallel_tool_calls", "verbosity",
                  "service_tier", "store", "prompt_cache_key", "labels"}));
}

TEST(OpenAiChatRequestWriterTest, WhatTheServiceLacksIsPassedIfSoConfigured) {
  const Writing writing =
      Write(Demanding(), {.model = "m", .pass_unsupported = true}, Frugal());
  EXPECT_EQ(writing.dropped, LostFields{});
  EXPECT_TRUE(SameJson(
      writing.body,
      R"({"model":"m",)" + std::string(kHello) +
          R"(,"max_tokens":9,"seed":7,"n":2,"top_k":3,"logit_bias":{"5":1},)"
          R"("tools":[{"type":"function","function":{"name":"f"}}],)"
          R"("parallel_tool_calls":false,"verbosity":"low",)"
          R"("service_tier":"flex","store":true,"prompt_cache_key":"k",)"
          R"("metadata":{"a":"b"}})"))
      << writing.body;
}

TEST(OpenAiChatRequestWriterTest, WhatTheServiceHasIsSaidInItsWords) {
  OpenAiChatQuirks quirks;
  quirks.top_k = true;
  quirks.seed_field = "random_seed";
  quirks.user_field = "user";
  const Writing writing = Write(WithHello(R"pb(sampling { seed: 7 top_k: 3 }
                                               scope { user_id: "u" })pb"),
                                {.model = "m"}, quirks);
  EXPECT_EQ(Besides(writing), R"(,"random_seed":7,"top_k":3,"user":"u"})");
  EXPECT_EQ(writing.dropped, LostFields{});
}

TEST(OpenAiChatRequestWriterTest, WhatIsSoAnywayIsNotDropped) {
  const Writing writing =
      Write(WithHello("sampling { choice_count: 1 } store: false"),
            {.model = "m"}, Frugal());
  EXPECT_EQ(Besides(writing), "}");
  EXPECT_EQ(writing.dropped, LostFields{});
}

TEST(OpenAiChatRequestWriterTest, NoUsageIsAskedForWhereNobodyKnowsTheWish) {
  EXPECT_EQ(Besides(Write(WithHello(""), {.model = "m", .stream = true},
                          {.stream_options = false})),
            R"(,"stream":true})");
}

TEST(OpenAiChatRequestWriterTest, ASchemaIsSaidAsFarAsTheServiceGoes) {
  const std::string schema = WithHello(R"pb(
    response_format { kind: KIND_JSON_SCHEMA schema: "{}" })pb");
  const std::string object =
      WithHello("response_format { kind: KIND_JSON_OBJECT }");
  const WriteRequestOptions options{.model = "m"};

  const Writing weaker =
      Write(schema, options, {.schema_mode = SchemaMode::kJsonObject});
  EXPECT_EQ(Besides(weaker), R"(,"response_format":{"type":"json_object"}})");
  EXPECT_EQ(weaker.dropped, LostFields{"response_format.schema"});
  EXPECT_EQ(
      Besides(Write(object, options, {.schema_mode = SchemaMode::kJsonObject})),
      R"(,"response_format":{"type":"json_object"}})");

  for (const SchemaMode mode : {SchemaMode::kTool, SchemaMode::kPrompt}) {
    const Writing none = Write(schema, options, {.schema_mode = mode});
    EXPECT_EQ(Besides(none), "}");
    EXPECT_EQ(none.dropped, LostFields{"response_format.schema"});
    EXPECT_EQ(Write(object, options, {.schema_mode = mode}).dropped,
              LostFields{"response_format"});
    EXPECT_EQ(Besides(Write(schema, {.model = "m", .pass_unsupported = true},
                            {.schema_mode = mode})),
              Besides(Write(schema, options)));
  }
}

TEST(OpenAiChatRequestWriterTest, ReasoningIsAskedForInTheServicesWay) {
  const auto said = [](const std::string& reasoning, ReasoningStyle style) {
    return Besides(Write(WithHello("reasoning {" + reasoning + "}"),
                         {.model = "m"}, {.reasoning_style = style}));
  };
  EXPECT_EQ(said("effort: EFFORT_HIGH", ReasoningStyle::kThinking),
            R"(,"reasoning_effort":"high"})");
  EXPECT_EQ(said("effort: EFFORT_NONE", ReasoningStyle::kThinking),
            R"(,"thinking":{"type":"disabled"}})");
  EXPECT_EQ(said("mode: MODE_DISABLED", ReasoningStyle::kThinking),
            R"(,"thinking":{"type":"disabled"}})");
  EXPECT_EQ(said("mode: MODE_ADAPTIVE", ReasoningStyle::kThinking),
            R"(,"thinking":{"type":"enabled"}})");
  EXPECT_EQ(
      said("effort: EFFORT_LOW budget_tokens: 5", ReasoningStyle::kObject),
      R"(,"reasoning":{"effort":"low"}})");
  EXPECT_EQ(said("mode: MODE_ENABLED budget_tokens: 5 display: 'omitted'",
                 ReasoningStyle::kObject),
            R"(,"reasoning":{"max_tokens":5,"exclude":true}})");
  EXPECT_EQ(said("mode: MODE_DISABLED", ReasoningStyle::kObject),
            R"(,"reasoning":{"enabled":false}})");
  EXPECT_EQ(said("effort: EFFORT_LOW", ReasoningStyle::kNone), "}");
}

TEST(OpenAiChatRequestWriterTest, ReasoningThatNobodyKnowsIsDropped) {
  EXPECT_EQ(Write(WithHello("reasoning { effort: EFFORT_LOW }"), {.model = "m"},
                  {.reasoning_style = ReasoningStyle::kNone})
                .dropped,
            LostFields{"reasoning"});
  EXPECT_EQ(
      Write(WithHello("reasoning { budget_tokens: 5 display: 'omitted' }"),
            {.model = "m"}, {.reasoning_style = ReasoningStyle::kThinking})
          .dropped,
      (LostFields{"reasoning.budget_tokens", "reasoning.display"}));
}

TEST(OpenAiChatRequestWriterTest, StopsBeyondTheServicesLimitAreLeftOut) {
  const auto said = [](const std::string& stops, bool pass, int limit) {
    const Writing writing = Write(WithHello("sampling { " + stops + " }"),
                                  {.model = "m", .pass_unsupported = pass},
                                  {.stop_limit = limit});
    EXPECT_EQ(writing.dropped.size(), limit == 4 && !pass ? 1u : 0u);
    return writing.body.substr(writing.body.find(",\"stop\""));
  };
  const std::string five = "stop: 'a' stop: 'b' stop: 'c' stop: 'd' stop: 'e'";
  EXPECT_EQ(said(five, false, 4), R"(,"stop":["a","b","c","d"]})");
  EXPECT_EQ(said(five, true, 4), R"(,"stop":["a","b","c","d","e"]})");
  EXPECT_EQ(said(five, false, 5), R"(,"stop":["a","b","c","d","e"]})");
  EXPECT_EQ(said(five, false, 0), R"(,"stop":["a","b","c","d","e"]})");
}

}  // namespace
}  // namespace gateway::chat
