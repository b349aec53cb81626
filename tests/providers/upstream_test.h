// UpstreamTest is the ground for tests of HTTP providers: a scripted upstream
// in a process of its own, an OpenAI and an Anthropic provider that point to
// it, and what the upstream itself would say to whoever asks it directly.
//
//   class FooTest : public UpstreamTest {};
//
//   TEST_F(FooTest, ...) {
//     Script("m", R"({"text": "hi"})");
//     const ProviderOutcome outcome = calls_.Generate(*openai_, Parsed("m"));
//
// Thread contract: one thread.

#ifndef TESTS_PROVIDERS_UPSTREAM_TEST_H_
#define TESTS_PROVIDERS_UPSTREAM_TEST_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/secret.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "providers/provider.h"
#include "providers/provider_setup.h"
#include "providers/registry/all_providers.h"
#include "service/config/defaults.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/mock_upstream_process.h"
#include "tests/testing/provider_calls.h"
#include "tests/testing/raw_client.h"

namespace gateway {

inline constexpr std::string_view kTestKey = "open-sesame-0123456789";

class UpstreamTest : public testing::Test {
 protected:
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
    MakeProviders("");
  }

  // Makes both providers, with `http` as the text of their HttpUpstream.
  void MakeProviders(const std::string& http) {
    const std::string root = absl::StrCat("http://", upstream_->address());
    openai_ = Make(absl::StrCat("name: 'openai' openai { base_url: '", root,
                                "/v1' http {", http, "} }"));
    anthropic_ = Make(absl::StrCat("name: 'anthropic' anthropic { base_url: '",
                                   root, "' http {", http, "} }"));
  }

  // Without `credentials`, it has the test's key.
  std::unique_ptr<Provider> Make(
      const std::string& provider, size_t event_bytes_limit = 1024 * 1024,
      std::vector<ProviderCredential> credentials = {}) {
    llmgateway::config::v1::GatewayConfig config;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        provider, config.add_providers()));
    ApplyDefaults(AllProviderKinds(), &config);
    ProviderSetup setup;
    setup.name = config.providers(0).name();
    setup.credentials = std::move(credentials);
    if (setup.credentials.empty()) {
      setup.credentials.push_back({"default", key_});
    }
    setup.credential_passthrough = config.providers(0).credential_passthrough();
    setup.unsupported_parameters = config.providers(0).unsupported_parameters();
    setup.event_bytes_limit = event_bytes_limit;
    auto made = MakeProvider(AllProviderKinds(), config.providers(0), setup);
    EXPECT_TRUE(made.ok()) << made.status();
    return *std::move(made);
  }

  void Script(std::string_view model, std::string_view json) {
    const absl::Status set =
        upstream_->SetScript(std::string(model), std::string(json));
    ASSERT_TRUE(set.ok()) << set;
  }

  // Plays these very bytes as the answer.
  void ScriptBody(std::string_view model, std::string_view body,
                  std::string_view content_type = "application/json",
                  int status = 200) {
    std::string step;
    JsonWriter json(&step);
    json.StartObject();
    json.Int64Field("status", status);
    json.StringField("content_type", content_type);
    json.StringField("body", body);
    json.EndObject();
    Script(model, step);
  }

  // Plays `events` as a stream; they bring their empty lines.
  void ScriptEvents(std::string_view model, std::string_view events) {
    ScriptBody(model, events, "text/event-stream");
  }

  static std::string Root() {
    return absl::StrCat("http://", upstream_->address());
  }

  // The dropped fields that an answer tells of.
  static std::vector<std::string> Warned(const ProviderOutcome& outcome) {
    std::vector<std::string> fields;
    for (const v1::Warning& warning : outcome.warnings) {
      fields.push_back(warning.field());
    }
    return fields;
  }

  // A question of one word.
  static ProviderQuestion Parsed(const std::string& model) {
    ProviderQuestion question;
    question.request.set_model(model);
    v1::Message* const message = question.request.add_messages();
    message->set_role(v1::ROLE_USER);
    message->add_parts()->set_text("hi");
    return question;
  }

  // The same in the bytes of either vendor; `more` begins with a comma.
  static ProviderQuestion Raw(std::string_view model,
                              std::string_view more = "") {
    return {.body = absl::StrCat(
                R"({ "model" : ")", std::string(model),
                R"(","max_tokens":100,"messages":[{"role":"user",)",
                R"("content":"hi"}],"x_unknown":{"kept":[1, 2]})",
                std::string(more), "}")};
  }

  // The body that the upstream answers to whoever posts `body` to it.
  static std::string Directly(const Provider& provider,
                              std::string_view body) {
    const bool openai = provider.name() == "openai";
    RawClient client = RawClient::Connect(upstream_->port());
    client.Send(absl::StrCat(
        "POST ", openai ? "/v1/chat/completions" : "/v1/messages",
        " HTTP/1.1\r\nhost: upstream\r\ncontent-type: application/json\r\n",
        openai ? "" : "anthropic-version: 2023-06-01\r\n",
        "content-length: ", body.size(), "\r\n\r\n", std::string(body)));
    const RawAnswer answer = client.ReceiveAnswer();
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.body;
  }

  static int64_t Stat(const std::string& model, const std::string& name) {
    return upstream_->Stat(model, name).value_or(-1);
  }

  // The fault's reason after a check that it names its provider and tells
  // nobody the key; `OK` if there is none.
  static std::string Reason(const absl::Status& status) {
    if (status.ok()) return "OK";
    EXPECT_FALSE(absl::StrContains(status.ToString(), std::string(kTestKey)))
        << status;
    const std::string provider = FaultMetadata(status, "provider");
    EXPECT_FALSE(provider.empty()) << status;
    EXPECT_TRUE(absl::StartsWith(status.message(), provider + ": ")) << status;
    return std::string(ReasonName(FaultReason(status)));
  }

  static MockUpstreamProcess* upstream_;
  const Secret key_{kTestKey};
  LoopClient client_;
  ProviderCalls calls_{client_};
  std::unique_ptr<Provider> openai_;
  std::unique_ptr<Provider> anthropic_;
};

inline MockUpstreamProcess* UpstreamTest::upstream_ = nullptr;

}  // namespace gateway

#endif  // TESTS_PROVIDERS_UPSTREAM_TEST_H_
