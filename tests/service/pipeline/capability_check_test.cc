#include "service/pipeline/capability_check.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/async/cancellation.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/openai_chat/openai_chat.h"
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
    "  - {model: small, input_tokens_limit: 100, output_tokens_limit: 50}\n"
    "  mock: {}\n"
    "routing: {default_target: mock}\n";

class CapabilityCheckTest : public testing::Test {
 protected:
  absl::Status CheckParsed(std::string_view model, const std::string& text) {
    v1::GenerateRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
    IncomingCall call = MakeCall();
    call.request = &request;
    call.facts.request_bytes = request.ByteSizeLong();
    return Check(call, model);
  }

  absl::Status CheckRaw(std::string_view model, const std::string& body) {
    RawRequest raw;
    raw.dialect = &dialect_;
    raw.body = body;
    EXPECT_TRUE(dialect_.ScanRequest(raw.body, &raw.scan).ok());
    IncomingCall call = MakeCall();
    call.raw = &raw;
    call.facts.request_bytes = body.size();
    const absl::Status status = Check(call, model);
    was_read_ = call.request != nullptr;
    return status;
  }

  IncomingCall MakeCall() {
    return IncomingCall(runtime_, client_.loop(), client_.http(), cancel_,
                        arena_, client_.loop().Now());
  }

  static absl::Status Check(IncomingCall& call, std::string_view model) {
    const ProviderRegistry::Entry* const mock =
        call.runtime->providers().Find("mock");
    return CheckCapabilities(call, {.provider = mock,
                                    .model = model,
                                    .upstream_model = model,
                                    .facts = mock->FactsOf(model)});
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
