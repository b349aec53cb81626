// A program that links the gateway brings a kind of provider of its own:
// nothing below is known to service/.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"
#include "providers/provider_kind.h"
#include "providers/registry/all_providers.h"
#include "providers/registry/registry.h"
#include "service/config/config_reader.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/provider_calls.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Answers with its greeting, which stands where Ollama's `keep_alive` does: a
// kind has the settings of one of provider.proto's arms.
class GreetingProvider final : public Provider {
 public:
  GreetingProvider(std::string name, std::string greeting)
      : name_(std::move(name)), greeting_(std::move(greeting)) {}

  std::string_view name() const override { return name_; }
  const Dialect* FindDialect(std::string_view) const override {
    return nullptr;
  }
  Task<absl::Status> Generate(ProviderCall&,
                              ProviderAnswer* answer) const override {
    v1::Message& message = *answer->response->add_choices()->mutable_message();
    message.add_parts()->set_text(greeting_);
    co_return absl::OkStatus();
  }
  Task<absl::StatusOr<std::unique_ptr<ProviderStream>>> Stream(
      ProviderCall&) const override {
    co_return absl::UnimplementedError("does not stream");
  }
  Task<absl::StatusOr<int64_t>> CountTokens(ProviderCall&) const override {
    co_return absl::UnimplementedError("does not count");
  }

 private:
  const std::string name_;
  const std::string greeting_;
};

constexpr ProviderSetting kGreetingSettings[] = {
    {.field = "base_url", .value = "https://greetings.example"},
    {.field = "keep_alive", .value = "hello", .form = SettingForm::kName},
};
constexpr std::string_view kGreetingHeaders[] = {"x-greeting-key"};
constexpr std::string_view kGreetingModels[] = {"greeter-1"};

std::vector<SettingProblem> CheckGreeting(const ProviderKind::Config& config) {
  if (config.ollama().keep_alive() != "silence") return {};
  return {{"keep_alive", "must say something"}};
}

constinit const ProviderKind kGreetingKind = {
    .name = "ollama",
    .settings = kGreetingSettings,
    .check = CheckGreeting,
    .keyed_origin = "https://greetings.example",
    .credential_headers = kGreetingHeaders,
    .models = kGreetingModels,
    .vendor =
        [](const ProviderKind::Config&) {
          return std::string_view("greeters");
        },
    .make = [](const ProviderSetup& setup, const ProviderKind::Config& config)
        -> absl::StatusOr<std::unique_ptr<Provider>> {
      return std::make_unique<GreetingProvider>(setup.name,
                                                config.ollama().keep_alive());
    },
};

ProviderKinds KindsWithGreeting() {
  ProviderKinds kinds = AllProviderKinds();
  kinds.Add(kGreetingKind);
  return kinds;
}

ConfigReading Read(const std::string& settings) {
  return ReadConfigText(KindsWithGreeting(),
                        "auth: {insecure_allow_anonymous: true}\n"
                        "providers: [{name: greeter, ollama: {" +
                            settings + "}}]\n",
                        "f", {}, absl::UnixEpoch());
}

std::vector<std::string> Told(const std::vector<ConfigProblem>& problems) {
  std::vector<std::string> lines;
  for (const ConfigProblem& problem : problems) {
    lines.push_back(problem.path + ": " + problem.message);
  }
  return lines;
}

TEST(AddedKindTest, IsReadAndFilledInAndMadeAndAnswers) {
  const ConfigReading reading = Read("");
  ASSERT_THAT(Told(reading.problems), IsEmpty());
  EXPECT_THAT(
      Told(reading.warnings),
      ElementsAre("providers[0].ollama.api_key: is not set, and the vendor "
                  "answers nobody without a key; name one, as in env:NAME, or "
                  "let callers bring theirs with credential_passthrough"));
  const ConfigSnapshot& snapshot = *reading.snapshot;
  const auto registry = ProviderRegistry::Make(
      snapshot.kinds(), snapshot.config().providers(),
      [](std::string_view) { return ProviderRegistry::Credentials(); },
      snapshot.config().limits());
  ASSERT_TRUE(registry.ok()) << registry.status();
  const ProviderRegistry::Entry& entry = *(*registry)->Find("greeter");
  EXPECT_EQ(entry.vendor, "greeters");
  EXPECT_THAT(entry.models, ElementsAre("greeter-1"));

  LoopClient client;
  ProviderCalls calls(client);
  ProviderQuestion question;
  question.request.set_model("greeter-1");
  const ProviderOutcome outcome = calls.Generate(*entry.provider, question);
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  EXPECT_EQ(outcome.bytes, "hello");
}

TEST(AddedKindTest, IsCheckedByWhatItSaysOfItself) {
  EXPECT_THAT(Told(Read("keep_alive: 'a b'").problems),
              ElementsAre("providers[0].ollama.keep_alive: must be 1 to 64 of "
                          "letters, digits and '-_.'"));
  EXPECT_THAT(
      Told(Read("keep_alive: silence").problems),
      ElementsAre("providers[0].ollama.keep_alive: must say something"));
  EXPECT_THAT(
      Told(Read("http: {headers: {X-Greeting-Key: k}}").problems),
      ElementsAre("providers[0].ollama.http.headers.X-Greeting-Key: carries "
                  "credentials; use 'api_key' with env:NAME or file:path"));
}

TEST(AddedKindTest, OneThatTheProgramHasNotIsRefused) {
  const ConfigReading reading =
      ReadConfigText({&kGreetingKind},
                     "auth: {insecure_allow_anonymous: true}\n"
                     "providers: [{name: x, openai: {}}]\n",
                     "f", {}, absl::UnixEpoch());
  EXPECT_THAT(Told(reading.problems),
              ElementsAre("providers[0].openai: is no kind that this program "
                          "has; give one of ollama, as in {name: ollama, "
                          "ollama: {}}"));
}

}  // namespace
}  // namespace gateway
