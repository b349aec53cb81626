// UpstreamCalls is the ground for tests of whole calls: a scripted upstream in
// a process of its own, and a gateway's runtime snapshot whose models `o-...`
// go to it as OpenAI, `a-...` as Anthropic, and all others to the mock within.
//
//   class FooTest : public UpstreamCalls {};
//
//   TEST_F(FooTest, ...) {
//     Script("o-1", R"([{"status": 503}, {}])");
//     const CallResult result = runner_->Run(Whole("o-1"));
//
// Thread contract: one thread.

#ifndef TESTS_SERVICE_PIPELINE_UPSTREAM_CALLS_H_
#define TESTS_SERVICE_PIPELINE_UPSTREAM_CALLS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "service/pipeline/runtime_snapshot.h"
#include "tests/testing/call_runner.h"
#include "tests/testing/mock_upstream_process.h"
#include "tests/testing/test_runtime.h"

namespace gateway {

class UpstreamCalls : public testing::Test {
 protected:
  // Three attempts a few milliseconds apart, however many have failed before.
  // A credential cools for as long as its provider asks.
  static constexpr char kQuickRetries[] =
      "resilience: {retry: {attempts_limit: 3, backoff_base: 1ms, "
      "backoff_limit: 4ms, retry_after_limit: 2s}, "
      "circuit_breaker: {mode: 'off'}, "
      "credential_cooling: {default_cooling: 0s}}\n";

  static void SetUpTestSuite() {
    auto started = MockUpstreamProcess::Start({});
    ASSERT_TRUE(started.ok()) << started.status();
    upstream_ = started->release();
  }
  static void TearDownTestSuite() {
    delete upstream_;
    upstream_ = nullptr;
  }

  void SetUp() override {
    ASSERT_TRUE(upstream_->Reset().ok());
    runner_ = std::make_unique<CallRunner>(MakeRuntime(""));
  }

  // `http` is the text of the providers' HttpUpstream, `rest` of the rest.
  static std::shared_ptr<const RuntimeSnapshot> MakeRuntime(
      const std::string& http, const std::string& rest = kQuickRetries,
      const std::string& mock = "") {
    const std::string root = absl::StrCat("http://", upstream_->address());
    return MakeTestRuntime(
        absl::StrCat("providers:\n"
                     "- name: openai\n"
                     "  openai: {base_url: '",
                     root, "/v1', api_key: 'env:KEY', http: {", http,
                     "}}\n"
                     "- name: anthropic\n"
                     "  anthropic: {base_url: '",
                     root, "', api_key: 'env:KEY', http: {", http,
                     "}}\n"
                     "- name: mock\n"
                     "  mock: {",
                     mock,
                     "}\n"
                     "routing:\n"
                     "  model_rules:\n"
                     "  - {prefix: 'o-', targets: [openai]}\n"
                     "  - {prefix: 'a-', targets: [anthropic]}\n"
                     "  default_target: mock\n",
                     rest),
        {{"KEY", "sk-test-secret-0123456789"}});
  }

  void Rewire(const std::string& http, const std::string& rest = kQuickRetries,
              const std::string& mock = "") {
    runner_->SetRuntime(MakeRuntime(http, rest, mock));
  }

  void Script(std::string_view model, std::string_view json) {
    const absl::Status set =
        upstream_->SetScript(std::string(model), std::string(json));
    ASSERT_TRUE(set.ok()) << set;
  }

  static CallQuestion Whole(const std::string& model) {
    CallQuestion question;
    question.request.set_model(model);
    v1::Message* const message = question.request.add_messages();
    message->set_role(v1::ROLE_USER);
    message->add_parts()->set_text("hi");
    return question;
  }

  static CallQuestion Streamed(const std::string& model) {
    CallQuestion question = Whole(model);
    question.stream = true;
    return question;
  }

  // How many tokens it has is asked instead.
  static CallQuestion Count(CallQuestion question) {
    question.counts = true;
    return question;
  }

  // As the OpenAI protocol has it; `more` begins with a comma.
  static CallQuestion RawOpenAi(std::string_view model,
                                std::string_view more = "") {
    static const OpenAiChat dialect;
    CallQuestion question;
    question.dialect = &dialect;
    question.body = absl::StrCat(
        R"({"model":")", std::string(model),
        R"(","max_tokens":100,"messages":[{"role":"user","content":"hi"}])",
        std::string(more), "}");
    return question;
  }

  static CallQuestion RawAnthropic(std::string_view model,
                                   std::string_view more = "") {
    static const AnthropicMessages dialect;
    CallQuestion question = RawOpenAi(model, more);
    question.dialect = &dialect;
    return question;
  }

  // Both vendors, each raw and parsed, all of them streams.
  static std::vector<CallQuestion> Streams() {
    return {Streamed("o-1"), Streamed("a-1"),
            RawOpenAi("o-1", R"(,"stream":true)"),
            RawAnthropic("a-1", R"(,"stream":true)")};
  }

  // The same, whole.
  static std::vector<CallQuestion> Wholes() {
    return {Whole("o-1"), Whole("a-1"), RawOpenAi("o-1"), RawAnthropic("a-1")};
  }

  // Plays a script for both vendors' models.
  void ScriptBoth(std::string_view json) {
    Script("o-1", json);
    Script("a-1", json);
  }

  static int64_t Stat(const std::string& model, const std::string& name) {
    return upstream_->Stat(model, name).value_or(-1);
  }

  // Requests to both vendors' models.
  static int64_t Requests() {
    return Stat("o-1", "requests") + Stat("a-1", "requests");
  }

  static std::string Reason(const absl::Status& status) {
    return status.ok() ? "OK" : std::string(ReasonName(FaultReason(status)));
  }

  // "503 PROVIDER_UNAVAILABLE, 200 OK": how the attempts went.
  static std::string AttemptsOf(const CallResult& result) {
    std::string attempts;
    for (const v1::Attempt& attempt : result.attempts) {
      if (!attempts.empty()) attempts += ", ";
      const bool failed = attempt.failure() != v1::ERROR_REASON_UNSPECIFIED;
      absl::StrAppend(
          &attempts, attempt.http_status(), " ",
          failed ? std::string(ReasonName(attempt.failure())) : "OK");
    }
    return attempts;
  }

  // What holds of every call, however it went.
  static void ExpectToldOnce(const CallResult& result, bool stream) {
    ASSERT_EQ(result.records.size(), 1u);
    EXPECT_EQ(result.record().status_code, result.status.code());
    EXPECT_EQ(result.record().attempts.size(), result.attempts.size());
    if (stream || !result.status.ok()) {
      EXPECT_EQ(result.ends, 1);
      EXPECT_EQ(result.answers, 0);
      EXPECT_EQ(result.end.code(), result.status.code());
    } else {
      EXPECT_EQ(result.ends, 0);
      EXPECT_EQ(result.answers, 1);
    }
  }

  static MockUpstreamProcess* upstream_;
  std::unique_ptr<CallRunner> runner_;
};

inline MockUpstreamProcess* UpstreamCalls::upstream_ = nullptr;

}  // namespace gateway

#endif  // TESTS_SERVICE_PIPELINE_UPSTREAM_CALLS_H_
