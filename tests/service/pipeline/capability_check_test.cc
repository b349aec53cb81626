#include "service/pipeline/capability_check.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/async/cancellation.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/gemini/gemini.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "providers/dialects/openai_responses/openai_responses.h"
#include "providers/provider.h"
#include "providers/registry/registry.h"
#include "service/pipeline/incoming_call.h"
#include "service/pipeline/plan.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kCapabilities =
    "providers:\n"
    "- name: mock\n"
    "  model_capabilities:\n"
    "  - {model: 'blind*', image_input: false}\n"
    "  - {model: deaf, audio_input: false, audio_output: false}\n"
    "  - {model: plain, tools: false, reasoning: false, document_input: "
    "false}\n"
    "  - {model: whole, streaming: false}\n"
    "  - {model: single, parallel_tools: false}\n"
    "  - {model: free, strict_schema: false, cache_control: false}\n"
    "  - {model: small, input_tokens_limit: 100, output_tokens_limit: 50}\n"
    "  mock: {}\n"
    "routing: {default_target: mock}\n";

struct NeedInBytes;

class CapabilityCheckTest : public testing::Test {
 protected:
  void CheckNeedsInBytes(const Dialect& dialect,
                         absl::Span<const NeedInBytes> cases);

  absl::Status CheckParsed(std::string_view model, const std::string& text) {
    v1::GenerateRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
    IncomingCall call = MakeCall();
    call.request = &request;
    call.facts.request_bytes = request.ByteSizeLong();
    return Check(call, model);
  }

  absl::Status CheckRaw(std::string_view model, const std::string& body) {
    return CheckRaw(dialect_, model, body);
  }

  // `forwards` if the target would be sent the bytes.
  absl::Status CheckRaw(const Dialect& dialect, std::string_view model,
                        const std::string& body, bool forwards = true) {
    RawRequest raw;
    raw.dialect = &dialect;
    raw.body = body;
    EXPECT_TRUE(dialect.ScanRequest(raw.body, &raw.scan).ok()) << body;
    IncomingCall call = MakeCall();
    call.raw = &raw;
    call.facts.stream = raw.scan.stream;
    call.facts.request_bytes = body.size();
    const absl::Status status = Check(call, model, forwards);
    was_read_ = call.request != nullptr;
    return status;
  }

  IncomingCall MakeCall() {
    return IncomingCall(runtime_, client_.loop(), client_.http(), cancel_,
                        arena_, client_.loop().Now());
  }

  static absl::Status Check(IncomingCall& call, std::string_view model,
                            bool forwards = false) {
    const ProviderRegistry::Entry* const mock =
        call.runtime->providers().Find("mock");
    return CheckCapabilities(call, {.provider = mock,
                                    .model = model,
                                    .upstream_model = model,
                                    .facts = mock->FactsOf(model),
                                    .forwards = forwards});
  }

  const std::shared_ptr<const RuntimeSnapshot> runtime_ =
      MakeTestRuntime(kCapabilities);
  const OpenAiChat dialect_;
  LoopClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  bool was_read_ = false;
};

TEST_F(CapabilityCheckTest, WhatTheModelLacksIsRefusedByItsField) {
  struct Case {
    const char* model;
    const char* request;
    const char* field;
  };
  for (const Case& each :
       {Case{"blind-1",
             "messages { parts { text: 'x' } parts { image { url: 'u' } } }",
             "messages[0].parts[1]"},
        Case{"blind-1",
             "messages {} messages { parts { tool_result { parts { image { "
             "url: 'u' } } } } }",
             "messages[1].parts[0]"},
        Case{"deaf", "messages { parts { audio { data: 'x' } } }",
             "messages[0].parts[0]"},
        Case{"deaf", "audio_output { voice: 'v' }", "audio_output"},
        Case{"deaf", "modalities: 'text' modalities: 'AUDIO'", "modalities[1]"},
        Case{"single", "parallel_tool_calls: true", "parallel_tool_calls"},
        Case{"plain", "tools { function { name: 'f' } }", "tools"},
        Case{"plain", "reasoning { effort: EFFORT_LOW }", "reasoning"},
        Case{"plain", "messages { parts { document { url: 'u' } } }",
             "messages[0].parts[0]"}}) {
    const absl::Status refused = CheckParsed(each.model, each.request);
    EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_CAPABILITY_UNSUPPORTED)
        << each.request << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr(each.model));
    ASSERT_EQ(FieldViolations(refused).size(), 1u);
    EXPECT_EQ(FieldViolations(refused)[0].first, each.field);
    // A model of which nothing is known is its provider's business.
    EXPECT_TRUE(CheckParsed("unknown", each.request).ok()) << each.request;
  }
}

TEST_F(CapabilityCheckTest, WhatIsNotAskedForIsNotMissed) {
  EXPECT_TRUE(CheckParsed("blind-1", "messages { parts { text: 'x' } }").ok());
  EXPECT_TRUE(CheckParsed("plain", "reasoning { effort: EFFORT_NONE }").ok());
  EXPECT_TRUE(
      CheckParsed("plain", "messages { parts { document { text: 't' } } }")
          .ok());
  EXPECT_TRUE(
      CheckParsed("deaf", "messages { parts { audio { id: 'said' } } }").ok());
}

TEST_F(CapabilityCheckTest, AStreamIsRefusedWhereAWholeAnswerIsNot) {
  const std::string whole =
      R"({"model":"m","messages":[{"role":"user","content":"hi"}]})";
  const std::string stream = R"({"model":"m","stream":true,)"
                             R"("messages":[{"role":"user","content":"hi"}]})";
  EXPECT_TRUE(CheckRaw("whole", whole).ok());
  const absl::Status refused = CheckRaw("whole", stream);
  EXPECT_FALSE(was_read_);
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_CAPABILITY_UNSUPPORTED);
  ASSERT_EQ(FieldViolations(refused).size(), 1u);
  EXPECT_EQ(FieldViolations(refused)[0].first, "stream");
  EXPECT_TRUE(CheckRaw("plain", stream).ok());
}

// The same with and without a need, in one vendor's format.
struct NeedInBytes {
  const char* model;
  const char* needs;
  // Its words stand there all the same, or the need is taken back.
  const char* needs_not;
  const char* field;
};

void CapabilityCheckTest::CheckNeedsInBytes(
    const Dialect& dialect, absl::Span<const NeedInBytes> cases) {
  for (const NeedInBytes& each : cases) {
    const absl::Status refused = CheckRaw(dialect, each.model, each.needs);
    EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_CAPABILITY_UNSUPPORTED)
        << each.needs << refused;
    ASSERT_EQ(FieldViolations(refused).size(), 1u) << each.needs;
    EXPECT_EQ(FieldViolations(refused)[0].first, each.field);
    EXPECT_TRUE(CheckRaw(dialect, each.model, each.needs_not).ok())
        << each.needs_not;
    EXPECT_TRUE(was_read_) << each.needs_not;
    EXPECT_TRUE(CheckRaw(dialect, "unknown", each.needs).ok());
    EXPECT_FALSE(was_read_) << each.needs;
  }
}

TEST_F(CapabilityCheckTest, ANeedIsFoundInChatCompletions) {
  const NeedInBytes cases[] = {
      {"plain",
       R"({"messages":[{"role":"user","content":"hi"}],)"
       R"("reasoning_effort":"high"})",
       R"({"messages":[{"role":"user","content":"hi"}],)"
       R"("reasoning_effort":"none"})",
       "reasoning"},
      {"plain",
       R"({"messages":[{"role":"user","content":[{"type":"file","file":)"
       R"({"filename":"a.pdf","file_data":)"
       R"("data:application/pdf;base64,JVBERi0="}}]}]})",
       R"({"messages":[{"role":"user","content":"a \"file\""}]})",
       "messages[0].parts[0]"},
      {"plain",
       R"({"messages":[{"role":"user","content":"hi"}],)"
       R"("functions":[{"name":"f","parameters":{}}]})",
       R"({"messages":[{"role":"user","content":"hi"}],"functions":[]})",
       "tools"},
      {"single",
       R"({"messages":[{"role":"user","content":"hi"}],)"
       R"("parallel_tool_calls":true})",
       R"({"messages":[{"role":"user","content":"hi"}],)"
       R"("parallel_tool_calls":false})",
       "parallel_tool_calls"},
      {"deaf",
       R"({"messages":[{"role":"user","content":"hi"}],)"
       R"("modalities":["text","audio"]})",
       R"({"messages":[{"role":"user","content":"audio"}],)"
       R"("modalities":["text"]})",
       "modalities[1]"},
  };
  CheckNeedsInBytes(dialect_, cases);
}

TEST_F(CapabilityCheckTest, ANeedIsFoundInMessages) {
  const NeedInBytes cases[] = {
      {"plain",
       R"({"max_tokens":2000,"messages":[{"role":"user","content":"hi"}],)"
       R"("thinking":{"type":"enabled","budget_tokens":1024}})",
       R"({"max_tokens":2000,"messages":[{"role":"user","content":"hi"}],)"
       R"("thinking":{"type":"disabled"}})",
       "reasoning"},
      {"plain",
       R"({"max_tokens":2000,"messages":[{"role":"user","content":"hi"}],)"
       R"("output_config":{"effort":"low"}})",
       R"({"max_tokens":2000,"messages":[{"role":"user","content":"hi"}],)"
       R"("output_config":{"effort":"newer"}})",
       "reasoning"},
      {"plain",
       R"({"max_tokens":9,"messages":[{"role":"user","content":[{)"
       R"("type":"document","source":{"type":"url","url":"https://a/b"}}]}]})",
       R"({"max_tokens":9,"messages":[{"role":"user","content":[{)"
       R"("type":"document","source":{"type":"text","media_type":)"
       R"("text/plain","data":"t"}}]}]})",
       "messages[0].parts[0]"},
  };
  CheckNeedsInBytes(AnthropicMessages(), cases);
}

TEST_F(CapabilityCheckTest, ANeedIsFoundInResponses) {
  const NeedInBytes cases[] = {
      {"plain", R"({"input":"hi","reasoning":{"effort":"low"}})",
       R"({"input":"hi","reasoning":{"effort":"none"}})", "reasoning"},
      {"plain",
       R"({"input":[{"role":"user","content":[{"type":"input_file",)"
       R"("file_url":"https://a/b.pdf"}]}]})",
       R"({"input":"a \"file\""})", "messages[0].parts[0]"},
  };
  CheckNeedsInBytes(OpenAiResponses(), cases);
}

TEST_F(CapabilityCheckTest, ANeedIsFoundInGeminisRequests) {
  const NeedInBytes cases[] = {
      {"plain",
       R"({"contents":[{"role":"user","parts":[{"text":"x"}]}],)"
       R"("generationConfig":{"thinkingConfig":{"thinkingBudget":1024}}})",
       R"({"contents":[{"role":"user","parts":[{"text":"x"}]}],)"
       R"("generationConfig":{"thinkingConfig":{"thinkingBudget":0}}})",
       "reasoning"},
      {"plain",
       R"({"contents":[{"role":"user","parts":[{"inline_data":{)"
       R"("mime_type":"application/pdf","data":"JVBERi0="}}]}]})",
       R"({"contents":[{"role":"user","parts":[{"inlineData":{)"
       R"("mimeType":"image/png","data":"JVBERi0="}}]}]})",
       "messages[0].parts[0]"},
      {"deaf",
       R"({"contents":[{"role":"user","parts":[{"text":"x"}]}],)"
       R"("generationConfig":{"responseModalities":["AUDIO"]}})",
       R"({"contents":[{"role":"user","parts":[{"text":"AUDIO"}]}],)"
       R"("generationConfig":{"responseModalities":["TEXT"]}})",
       "modalities[0]"},
  };
  CheckNeedsInBytes(Gemini(), cases);
}

TEST_F(CapabilityCheckTest, WhatCannotBeReadIsItsProvidersWhereThatIsSentIt) {
  const std::string odd =
      R"({"messages":[{"role":"user","content":"hi"}],"reasoning_effort":7})";
  EXPECT_TRUE(CheckRaw(dialect_, "plain", odd, /*forwards=*/true).ok());
  EXPECT_FALSE(CheckRaw(dialect_, "plain", odd, /*forwards=*/false).ok());
}

TEST_F(CapabilityCheckTest, WhatIsMadeUpForIsNoNeed) {
  EXPECT_TRUE(CheckParsed("free",
                          "response_format { kind: KIND_JSON_SCHEMA "
                          "schema: '{}' } cache_hint {}")
                  .ok());
}

TEST_F(CapabilityCheckTest, ASchemaIsFoundInTheBytes) {
  const AnthropicMessages messages;
  const Gemini gemini;
  const OpenAiResponses responses;
  struct Case {
    const Dialect& dialect;
    const char* body;
    bool asks;
  };
  const Case cases[] = {
      {dialect_,
       R"({"messages":[{"role":"user","content":"hi"}],)"
       R"("response_format":{"type":"json_schema",)"
       R"("json_schema":{"name":"s","schema":{"type":"object"}}}})",
       true},
      {dialect_,
       R"({"messages":[{"role":"user","content":"hi"}],)"
       R"("response_format":{"type":"json_object"}})",
       false},
      {dialect_, R"({"messages":[{"role":"user","content":"json_schema"}]})",
       false},
      {messages,
       R"({"max_tokens":9,"messages":[{"role":"user","content":"hi"}],)"
       R"("output_config":{"format":{"type":"json_schema","schema":)"
       R"({"type":"object"}}}})",
       true},
      {messages,
       R"({"max_tokens":9,"messages":[{"role":"user","content":"hi"}],)"
       R"("tools":[{"name":"json_schema","input_schema":{}}]})",
       false},
      {responses,
       R"({"input":"hi","text":{"format":{"type":"json_schema","name":"s",)"
       R"("schema":{"type":"object"}}}})",
       true},
      {gemini,
       R"({"contents":[{"role":"user","parts":[{"text":"x"}]}],)"
       R"("generationConfig":{"responseMimeType":)"
       R"("application/json","responseSchema":{"type":"OBJECT"}}})",
       true},
      {gemini,
       R"({"contents":[{"role":"user","parts":[{"text":"x"}]}],)"
       R"("generationConfig":{"responseMimeType":)"
       R"("application/json","responseJsonSchema":{"type":"object"}}})",
       true},
  };
  for (const Case& each : cases) {
    RawRequest raw;
    raw.dialect = &each.dialect;
    raw.body = each.body;
    IncomingCall call = MakeCall();
    call.raw = &raw;
    EXPECT_EQ(AsksForSchema(call), each.asks) << each.body;
  }
}

TEST_F(CapabilityCheckTest, ABodyIsReadOnlyIfItCouldNeedWhatIsMissing) {
  const std::string text =
      R"({"model":"m","messages":[{"role":"user","content":"hi"}]})";
  EXPECT_TRUE(CheckRaw("blind-1", text).ok());
  EXPECT_FALSE(was_read_);
  const std::string word =
      R"({"model":"m","messages":[{"role":"user","content":"an image"}]})";
  EXPECT_TRUE(CheckRaw("blind-1", word).ok());
  EXPECT_TRUE(was_read_);
  const std::string picture =
      R"({"model":"m","messages":[{"role":"user","content":[{"type":)"
      R"("image_url","image_url":{"url":"https://a.example/b.png"}}]}]})";
  EXPECT_EQ(FaultReason(CheckRaw("blind-1", picture)),
            v1::ERROR_REASON_CAPABILITY_UNSUPPORTED);
  EXPECT_TRUE(CheckRaw("seeing", picture).ok());
  EXPECT_FALSE(was_read_);
}

TEST_F(CapabilityCheckTest, WhatTheCallNamesMustBeKnownOfTheModel) {
  const std::shared_ptr<const RuntimeSnapshot> runtime = MakeTestRuntime(
      "providers:\n"
      "- name: mock\n"
      "  model_aliases: {by-policy: searcher}\n"
      "  model_capabilities:\n"
      "  - {model: able, tools: true, strict_schema: true}\n"
      "  - {model: whole, tools: true, streaming: false}\n"
      "  mock: {}\n"
      "routing:\n"
      "  default_target: mock\n"
      "  selection:\n"
      "    policies:\n"
      "    - {id: p, target: mock/by-policy, capabilities: [web_search]}\n");
  const ProviderRegistry::Entry* const mock = runtime->providers().Find("mock");
  CallDirectives directives;
  directives.Take("x-llmgateway-capabilities", "vision");
  const auto check = [&](std::string_view model, CapabilitySet named,
                         const CallDirectives* said = nullptr) {
    IncomingCall call(runtime, client_.loop(), client_.http(), cancel_, arena_,
                      client_.loop().Now());
    call.facts.directives = said;
    return CheckNamedCapabilities(call, named,
                                  {.provider = mock,
                                   .model = model,
                                   .upstream_model = mock->UpstreamModel(model),
                                   .facts = mock->FactsOf(model)});
  };
  EXPECT_TRUE(check("able", kCapabilityFunctionCalling).ok());
  EXPECT_TRUE(check("able", kCapabilityStreaming | kCapabilityJsonMode).ok());
  EXPECT_TRUE(check("searcher", kCapabilityWebSearch).ok());
  EXPECT_TRUE(check("by-policy", kCapabilityWebSearch).ok());
  const absl::Status refused =
      check("able", kCapabilityFunctionCalling | kCapabilityWebSearch);
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_CAPABILITY_UNSUPPORTED);
  EXPECT_EQ(refused.message(),
            "the model 'able' of mock is not known to have web_search, which "
            "selection.capabilities names");
  ASSERT_EQ(FieldViolations(refused).size(), 1u);
  EXPECT_EQ(FieldViolations(refused)[0].first, "selection.capabilities");
  const absl::Status beside = check("able", kCapabilityVision, &directives);
  ASSERT_EQ(FieldViolations(beside).size(), 1u);
  EXPECT_EQ(FieldViolations(beside)[0].first, "x-llmgateway-capabilities");
  EXPECT_FALSE(check("whole", kCapabilityStreaming).ok());
  // Nothing is known of it.
  EXPECT_TRUE(check("unknown", kCapabilityStreaming).ok());
  EXPECT_FALSE(check("unknown", kCapabilityFunctionCalling).ok());
}

TEST_F(CapabilityCheckTest, APromptThatCannotFitIsRefused) {
  const std::string words(500, 'w');
  const absl::Status refused =
      CheckParsed("small", "messages { parts { text: '" + words + "' } }");
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("has 100"));
  EXPECT_TRUE(CheckParsed("small", "messages { parts { text: 'w' } }").ok());
}

TEST_F(CapabilityCheckTest, MoreOutputThanTheModelMakesIsRefused) {
  const absl::Status refused = CheckParsed("small", "max_output_tokens: 51");
  ASSERT_EQ(FieldViolations(refused).size(), 1u) << refused;
  EXPECT_EQ(FieldViolations(refused)[0].first, "max_output_tokens");
  EXPECT_TRUE(CheckParsed("small", "max_output_tokens: 50").ok());
  EXPECT_EQ(
      FieldViolations(CheckRaw("small",
                               R"({"model":"m","max_tokens":51,"messages":[{)"
                               R"("role":"user","content":"hi"}]})"))
          .size(),
      1u);
}

}  // namespace
}  // namespace gateway
