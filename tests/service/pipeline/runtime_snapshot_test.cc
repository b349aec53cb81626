#include "service/pipeline/runtime_snapshot.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "providers/registry/registry.h"
#include "service/config/config_reader.h"
#include "service/money/price_lines.h"
#include "service/resilience/outlier_groups.h"
#include "service/resilience/target_board.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/scripted_provider.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr char kConfig[] =
    "providers:\n"
    "- {name: openai, openai: {api_key: 'env:KEY'}}\n"
    "- {name: keyless, openai: {api_key: 'env:NO_SUCH_KEY'}}\n"
    "- {name: local, openai: {base_url: 'http://127.0.0.1:1'}}\n"
    "- {name: mock, mock: {}}\n"
    "routing:\n"
    "  model_rules:\n"
    "  - {prefix: 'k-', targets: [keyless]}\n"
    "  - {prefix: 'l-', targets: [local]}\n"
    "  default_target: mock\n"
    "auth: {callers: {api_keys: [{id: alice, key: 'env:ALICE'}]}}\n"
    "resilience: {retry: {attempts_limit: 1}}\n";

TEST(RuntimeSnapshotTest, PutsEverythingOfAConfigurationTogether) {
  const std::shared_ptr<const RuntimeSnapshot> runtime =
      MakeTestRuntime(kConfig, {{"KEY", "k"}, {"ALICE", "alice-0123456789"}});
  EXPECT_EQ(runtime->providers().entries().size(), 4u);
  EXPECT_EQ(runtime->config().providers_size(), 4);
  EXPECT_EQ(&runtime->snapshot().config(), &runtime->config());
  EXPECT_FALSE(runtime->callers().Authorize({}).ok());
  const absl::StatusOr<CallerRef> alice =
      runtime->callers().Authorize({.api_key = "alice-0123456789"});
  ASSERT_TRUE(alice.ok()) << alice.status();
  EXPECT_EQ((*alice)->id, "alice");
}

// What follows on `previous`, which may be null.
std::shared_ptr<const RuntimeSnapshot> Follow(const std::string& yaml,
                                              const std::string& key,
                                              const RuntimeSnapshot* previous) {
  const ConfigReading reading = ReadConfigText(
      AllProviderKinds(), yaml, "test.yaml",
      {{"KEY", key}, {"ALICE", "alice-0123456789"}}, absl::UnixEpoch());
  EXPECT_NE(reading.snapshot, nullptr);
  return *RuntimeSnapshot::Make(reading.snapshot, {}, previous);
}

TEST(RuntimeSnapshotTest, WhatOperatorsSayOfPricesOutlastsAConfiguration) {
  const auto first = Follow(kConfig, "k", nullptr);
  const PriceEntry entry = ReadPriceLines("* house-1 in 5 out 6")->at(0);
  ASSERT_TRUE(first->operator_prices().Set(entry).ok());
  std::string yaml = kConfig;
  yaml.replace(yaml.find("127.0.0.1:1"), 11, "127.0.0.1:2");
  const auto second = Follow(yaml, "k", first.get());
  EXPECT_EQ(&second->operator_prices(), &first->operator_prices());
}

TEST(RuntimeSnapshotTest, TakesOverWhatIsConfiguredAsBefore) {
  const auto first = Follow(kConfig, "k", nullptr);
  std::string yaml = kConfig;
  yaml.replace(yaml.find("127.0.0.1:1"), 11, "127.0.0.1:2");
  yaml.replace(yaml.find("mock: {}"), 8, "models: [m], mock: {}");
  const auto second = Follow(yaml, "k", first.get());
  const auto provider = [](const auto& runtime, const char* name) {
    return runtime->providers().Find(name)->provider;
  };
  EXPECT_EQ(provider(first, "openai"), provider(second, "openai"));
  EXPECT_NE(provider(first, "local"), provider(second, "local"));
  // What it lists stands beside the provider.
  EXPECT_EQ(provider(first, "mock"), provider(second, "mock"));
  EXPECT_NE(second->catalog()->Find("m"), nullptr);
  EXPECT_EQ(&first->resilience(), &second->resilience());
  EXPECT_EQ(&first->schemas(), &second->schemas());

  // Another secret makes another provider.
  const auto third = Follow(yaml, "renewed", second.get());
  EXPECT_NE(provider(second, "openai"), provider(third, "openai"));
  EXPECT_EQ(provider(second, "local"), provider(third, "local"));
}

TEST(RuntimeSnapshotTest, WhatWasLearnedGoesWithTheLastWhoMayHaveFoundIt) {
  auto first = Follow(kConfig, "k", nullptr);
  const std::weak_ptr<const void> learned =
      first->resilience().Apply(first->config(), absl::Hours(1));
  EXPECT_FALSE(learned.expired());
  first->resilience().targets.Find("local", "m");
  std::string yaml = kConfig;
  yaml.replace(yaml.find("127.0.0.1:1"), 11, "127.0.0.1:2");
  const auto second = Follow(yaml, "k", first.get());
  second->PutIntoUse();
  EXPECT_EQ(second->resilience().targets.FindKnown("local", "m"), nullptr);
  EXPECT_FALSE(learned.expired());
  first.reset();
  EXPECT_TRUE(learned.expired());
}

TEST(RuntimeSnapshotTest, LimitsOfCredentialsGoOverWhileTheyAreTheSame) {
  std::string yaml = kConfig;
  yaml.replace(yaml.find("api_key: 'env:KEY'}"), 19,
               "api_key: 'env:KEY'}, resilience: {adaptive_concurrency: {}}");
  const auto limit = [](const RuntimeSnapshot& runtime) -> GradientLimit* {
    const auto& limits =
        runtime.PolicyOf(*runtime.providers().Find("openai")).credential_limits;
    return limits == nullptr ? nullptr : &limits->Of(0);
  };
  const auto first = Follow(yaml, "k", nullptr);
  limit(*first)->RecordPushBack(absl::Hours(1));
  EXPECT_EQ(limit(*first)->limit(), 18);
  std::string changed = yaml;
  changed.replace(changed.find("127.0.0.1:1"), 11, "127.0.0.1:2");
  const auto second = Follow(changed, "k", first.get());
  EXPECT_EQ(limit(*second), limit(*first));
  const auto renewed = Follow(changed, "renewed", second.get());
  EXPECT_EQ(limit(*renewed)->limit(), 20);
  EXPECT_EQ(limit(*Follow(kConfig, "k", first.get())), nullptr);
}

TEST(RuntimeSnapshotTest, CredentialsThatCoolDoNotCoolElsewhere) {
  const absl::Duration now = absl::Hours(1);
  const auto usable = [&](const RuntimeSnapshot& runtime, const char* name) {
    return runtime.PolicyOf(*runtime.providers().Find(name))
        .credentials->HasUsable(now);
  };
  const auto first = Follow(kConfig, "k", nullptr);
  for (const char* name : {"openai", "local"}) {
    first->PolicyOf(*first->providers().Find(name))
        .credentials->Record(
            0, now, MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, ""));
    EXPECT_FALSE(usable(*first, name)) << name;
  }
  const auto same = Follow(kConfig, "k", first.get());
  std::string yaml = kConfig;
  yaml.replace(yaml.find("127.0.0.1:1"), 11, "127.0.0.1:2");
  yaml.replace(yaml.find("'env:KEY'"), 9,
               "'env:KEY', base_url: 'http://127.0.0.1:3'");
  const auto elsewhere = Follow(yaml, "k", first.get());
  for (const char* name : {"openai", "local"}) {
    EXPECT_FALSE(usable(*same, name)) << name;
    EXPECT_TRUE(usable(*elsewhere, name)) << name;
  }
}

TEST(RuntimeSnapshotTest, TheRouterKnowsWhichCredentialsAreThere) {
  const std::shared_ptr<const RuntimeSnapshot> runtime =
      MakeTestRuntime(kConfig, {{"KEY", "k"}, {"ALICE", "alice-0123456789"}});
  const Router& router = runtime->router();
  FakeRandom chance(1);
  EXPECT_FALSE(runtime->providers().Find("openai")->credential_absent);
  EXPECT_TRUE(runtime->providers().Find("keyless")->credential_absent);
  // A provider that needs no credential lacks none.
  EXPECT_FALSE(runtime->providers().Find("local")->credential_absent);
  EXPECT_EQ(router.Plan({.model = "k-1"}, chance)->targets.At(0)->provider,
            "mock");
  EXPECT_EQ(router.Plan({.model = "l-1"}, chance)->targets.At(0)->provider,
            "local");
  EXPECT_TRUE(router.Plan({.model = "m", .provider = "openai"}, chance).ok());
  EXPECT_FALSE(router.Plan({.model = "m", .provider = "keyless"}, chance).ok());
  EXPECT_FALSE(router.Plan({.model = "m", .provider = "nobody"}, chance).ok());
}

TEST(RuntimeSnapshotTest, LivesOnWithoutTheSnapshotsOtherHolders) {
  ConfigReading reading = ReadConfigText(AllProviderKinds(),
                                         "providers: [{name: mock, mock: {}}]\n"
                                         "routing: {default_target: mock}\n",
                                         "f", {}, absl::FromUnixSeconds(7));
  ASSERT_NE(reading.snapshot, nullptr);
  const auto runtime = RuntimeSnapshot::Make(reading.snapshot);
  ASSERT_TRUE(runtime.ok()) << runtime.status();
  reading.snapshot.reset();
  FakeRandom chance(1);
  EXPECT_EQ((*runtime)
                ->router()
                .Plan({.model = "m"}, chance)
                ->targets.At(0)
                ->provider,
            "mock");
}

TEST(RuntimeSnapshotTest, SaysWhichProviderCannotBeMade) {
  const ConfigReading reading = ReadConfigText(
      AllProviderKinds(),
      "providers: [{name: broken, openai: {http: {ca_file: /nonexistent}}}]\n",
      "f", {}, absl::FromUnixSeconds(7));
  // A validator that looks at files would have found it before.
  if (reading.snapshot == nullptr) {
    ASSERT_FALSE(reading.problems.empty());
    EXPECT_THAT(reading.problems[0].ToString(), HasSubstr("/nonexistent"));
    return;
  }
  const absl::Status status = RuntimeSnapshot::Make(reading.snapshot).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("provider 'broken'"));
}

class StandingTest : public testing::Test {
 protected:
  void Start(const std::string& resilience) {
    std::vector<ProviderRegistry::Entry> entries;
    for (const char* name : {"first", "second"}) {
      entries.push_back(
          {.name = name, .provider = std::make_unique<ScriptedProvider>(name)});
    }
    runtime_ = MakeTestRuntimeWith(
        "providers: [{name: first, mock: {}}, {name: second, mock: {}}]\n"
        "routing: {model_rules: [{alias: m, balancing: round_robin, "
        "targets: [first/m, second/m]}]}\n"
        "resilience: {" +
            resilience + "}\n",
        std::make_unique<const ProviderRegistry>(std::move(entries)),
        {.clock = &clock_});
  }

  // How many of so many calls go to the first.
  int OfTwenty() {
    int first = 0;
    for (int i = 0; i < 20; ++i) {
      plan_ = *runtime_->router().Plan({.model = "m"}, chance_);
      if (plan_.targets.At(0)->provider == "first") ++first;
    }
    return first;
  }

  // How many would be asked.
  size_t TargetCount() {
    size_t count = 0;
    while (plan_.targets.At(count) != nullptr) ++count;
    return count;
  }

  TargetBoard& targets() { return runtime_->resilience().targets; }

  FakeClock clock_;
  FakeRandom chance_{1};
  std::shared_ptr<const RuntimeSnapshot> runtime_;
  RoutePlan plan_;
};

TEST_F(StandingTest, OneThatIsDisabledIsPlannedLast) {
  Start("");
  EXPECT_EQ(OfTwenty(), 10);
  targets().Find("first", "m").availability.Disable(
      TargetAvailability::By::kOperator, "by alice");
  EXPECT_EQ(OfTwenty(), 0);
  ASSERT_EQ(TargetCount(), 2u);
  EXPECT_EQ(plan_.targets.At(1)->provider, "first");
}

TEST_F(StandingTest, OneWhoseProviderDoesNotAnswerProbesIsAskedLast) {
  Start("");
  ProviderProbes& probes = targets().ProbesOf("first");
  probes.RecordFailure(clock_.WallTime());
  EXPECT_EQ(OfTwenty(), 10);
  probes.RecordFailure(clock_.WallTime());
  EXPECT_EQ(OfTwenty(), 0);
  ASSERT_EQ(TargetCount(), 2u);
  EXPECT_EQ(plan_.targets.At(1)->provider, "first");
  probes.RecordSuccess(clock_.WallTime());
  EXPECT_EQ(OfTwenty(), 10);
}

TEST_F(StandingTest, TargetsAreNotComparedUnlessThatIsConfigured) {
  Start("");
  OfTwenty();
  EXPECT_EQ(plan_.targets.At(0)->member, nullptr);
}

TEST_F(StandingTest, OneThatDoesWorseIsAskedLastAndComesBackSlowly) {
  Start("outlier_ejection: {enabled: true, consecutive_failures: 2}");
  OfTwenty();
  ASSERT_NE(plan_.targets.At(0)->member, nullptr);
  for (size_t i = 0; i < TargetCount(); ++i) {
    const RouteTarget& target = *plan_.targets.At(i);
    if (target.provider != "first") continue;
    for (int fault = 0; fault < 2; ++fault) {
      target.member->RecordFault(clock_.SteadyTime());
    }
  }
  EXPECT_EQ(OfTwenty(), 0);
  ASSERT_EQ(TargetCount(), 2u);
  EXPECT_EQ(plan_.targets.At(1)->provider, "first");
  clock_.Advance(absl::Seconds(30));
  // A tenth of its weight.
  const int slowly = OfTwenty() + OfTwenty() + OfTwenty();
  EXPECT_GT(slowly, 0);
  EXPECT_LT(slowly, 20);
  clock_.Advance(absl::Seconds(30));
  EXPECT_EQ(OfTwenty(), 10);
}

}  // namespace
}  // namespace gateway
