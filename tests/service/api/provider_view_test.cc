#include "service/api/provider_view.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/admin.pb.h"
#include "providers/registry/registry.h"
#include "service/observability/provider_health.h"
#include "service/pipeline/provider_policy.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/resilience/credential_pool.h"
#include "service/resilience/provider_probes.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;

constexpr char kProvidersYaml[] =
    "providers:\n"
    "- name: openai\n"
    "  models: [gpt-5, gpt-5-mini]\n"
    "  openai: {api_key: 'env:OPENAI_KEY'}\n"
    "- {name: anthropic, anthropic: {api_key: 'env:ANTHROPIC_KEY'}}\n"
    "- {name: local, openai: {base_url: 'http://127.0.0.1:1/v1'}}\n"
    "- {name: cli, local_cli: {executable: /no/such/program}}\n"
    "- {name: mock, mock: {}}\n";

class ProviderViewTest : public testing::Test {
 protected:
  v1::Provider View(const std::string& name) {
    v1::Provider provider;
    FillProvider(*runtime_, *runtime_->providers().Find(name), board_,
                 &provider);
    return provider;
  }

  std::string Problem(const v1::Provider& provider) {
    return ProviderProblem(
        *runtime_, *runtime_->providers().Find(provider.name()), provider);
  }

  const std::shared_ptr<const RuntimeSnapshot> runtime_ =
      MakeTestRuntime(kProvidersYaml, {{"OPENAI_KEY", "sk-0123456789abcdef"}});
  ProviderHealthBoard board_;
  ProviderHealthShard& shard_ = board_.AddShard();
};

TEST_F(ProviderViewTest, SortsByName) {
  std::vector<std::string> names;
  for (const ProviderRegistry::Entry* entry : ProvidersByName(*runtime_)) {
    names.push_back(entry->name);
  }
  EXPECT_THAT(names,
              ElementsAre("anthropic", "cli", "local", "mock", "openai"));
}

TEST_F(ProviderViewTest, ShowsHowAProviderIsConfigured) {
  const v1::Provider openai = View("openai");
  EXPECT_EQ(openai.name(), "openai");
  EXPECT_EQ(openai.kind(), "openai");
  EXPECT_EQ(openai.base_url(), "https://api.openai.com/v1");
  EXPECT_EQ(openai.credential(), v1::Provider::CREDENTIAL_PRESENT);
  EXPECT_THAT(openai.models(), ElementsAre("gpt-5", "gpt-5-mini"));
  EXPECT_EQ(openai.DebugString().find("sk-0123456789"), std::string::npos);

  const v1::Provider local = View("local");
  EXPECT_EQ(local.kind(), "openai");
  EXPECT_EQ(local.base_url(), "http://127.0.0.1:1/v1");
  EXPECT_EQ(local.credential(), v1::Provider::CREDENTIAL_NOT_NEEDED);

  EXPECT_EQ(View("mock").base_url(), "");
}

TEST_F(ProviderViewTest, AProviderIsUnknownUntilItIsTried) {
  EXPECT_EQ(View("openai").health().state(), v1::ProviderHealth::STATE_UNKNOWN);
  EXPECT_EQ(Problem(View("openai")), "");
  EXPECT_FALSE(View("openai").health().has_last_success_time());
  EXPECT_FALSE(View("openai").health().has_last_failure_time());
}

TEST_F(ProviderViewTest, AProviderWithoutItsCredentialIsUnusable) {
  const v1::Provider anthropic = View("anthropic");
  EXPECT_EQ(anthropic.credential(), v1::Provider::CREDENTIAL_ABSENT);
  EXPECT_EQ(anthropic.health().state(), v1::ProviderHealth::STATE_UNUSABLE);
  EXPECT_EQ(Problem(anthropic),
            "provider 'anthropic' has no credential: set the one that its "
            "api_key names");
}

TEST_F(ProviderViewTest, CredentialsThatRestAreAProblem) {
  CredentialPool& pool =
      *runtime_->PolicyOf(*runtime_->providers().Find("openai")).credentials;
  const absl::Duration now = runtime_->clock().SteadyTime();
  absl::Status limited = MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, "");
  SetRetryDelay(limited, absl::Minutes(2));
  pool.Record(0, now, limited);
  EXPECT_EQ(View("openai").health().state(), v1::ProviderHealth::STATE_UNKNOWN);
  EXPECT_THAT(Problem(View("openai")),
              testing::MatchesRegex("provider 'openai' is not asked for "
                                    "(2m|1m5.s), since its rate limit is met"));
  pool.Reset(0);
  EXPECT_EQ(Problem(View("openai")), "");
  pool.Record(0, now, MakeFault(v1::ERROR_REASON_PROVIDER_AUTH_FAILED, ""));
  EXPECT_EQ(View("openai").health().state(),
            v1::ProviderHealth::STATE_UNUSABLE);
  EXPECT_EQ(Problem(View("openai")),
            "provider 'openai' has refused all its credentials: exchange them, "
            "or send ResetCircuit for the provider");
}

TEST_F(ProviderViewTest, AProviderWithoutItsProgramIsUnusableUntried) {
  const v1::Provider cli = View("cli");
  EXPECT_EQ(cli.health().state(), v1::ProviderHealth::STATE_UNUSABLE);
  EXPECT_EQ(cli.health().attempts(), 0);
  EXPECT_THAT(Problem(cli),
              testing::HasSubstr("'cli' cannot answer: cannot run "
                                 "/no/such/program"));
}

TEST_F(ProviderViewTest, AFailingProviderSaysHowOftenAndWhy) {
  shard_.Count("openai", absl::OkStatus(), absl::FromUnixSeconds(50));
  for (int i = 0; i < 2; ++i) {
    shard_.Count("openai",
                 MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "503"),
                 absl::FromUnixSeconds(60 + i));
  }
  const InflightAttempt inflight = shard_.StartAttempt("openai");
  const v1::Provider openai = View("openai");
  const v1::ProviderHealth& health = openai.health();
  EXPECT_EQ(health.state(), v1::ProviderHealth::STATE_FAILING);
  EXPECT_EQ(health.attempts(), 3);
  EXPECT_EQ(health.failures(), 2);
  EXPECT_EQ(health.consecutive_failures(), 2);
  EXPECT_EQ(health.attempts_in_flight(), 1);
  EXPECT_EQ(health.last_success_time().seconds(), 50);
  EXPECT_EQ(health.last_failure_time().seconds(), 61);
  EXPECT_EQ(health.last_failure(), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(Problem(openai),
            "provider 'openai' failed 2 times in a row, the last time with "
            "PROVIDER_UNAVAILABLE at 1970-01-01T00:01:01Z");
}

TEST_F(ProviderViewTest, AProviderThatAnswersAgainIsHealthy) {
  shard_.Count("openai", MakeFault(v1::ERROR_REASON_PROVIDER_TIMEOUT, "slow"),
               absl::FromUnixSeconds(60));
  shard_.Count("openai", absl::OkStatus(), absl::FromUnixSeconds(61));
  const v1::Provider openai = View("openai");
  EXPECT_EQ(openai.health().state(), v1::ProviderHealth::STATE_HEALTHY);
  EXPECT_EQ(openai.health().last_failure(), v1::ERROR_REASON_PROVIDER_TIMEOUT);
  EXPECT_EQ(Problem(openai), "");
}

TEST_F(ProviderViewTest, TheLastOfCallsAndProbesSaysHowItIsDoing) {
  const absl::Time began = absl::FromUnixSeconds(1'000'000);
  ProviderProbes& probes = runtime_->resilience().targets.ProbesOf("mock");
  probes.RecordSuccess(began);
  EXPECT_EQ(View("mock").health().state(), v1::ProviderHealth::STATE_HEALTHY);
  const absl::Status down =
      MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "503");
  shard_.Count("mock", down, began + absl::Seconds(1));
  EXPECT_EQ(View("mock").health().state(), v1::ProviderHealth::STATE_FAILING);
  probes.RecordSuccess(began + absl::Seconds(2));
  EXPECT_EQ(View("mock").health().state(), v1::ProviderHealth::STATE_HEALTHY);
  shard_.Count("mock", absl::OkStatus(), began + absl::Seconds(3));
  probes.RecordFailure(began + absl::Seconds(4));
  const v1::Provider failing = View("mock");
  EXPECT_EQ(failing.health().state(), v1::ProviderHealth::STATE_FAILING);
  EXPECT_EQ(Problem(failing), "provider 'mock' does not answer health probes");
  shard_.Count("mock", absl::OkStatus(), began + absl::Seconds(5));
  EXPECT_EQ(View("mock").health().state(), v1::ProviderHealth::STATE_HEALTHY);
}

}  // namespace
}  // namespace gateway
