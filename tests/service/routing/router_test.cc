#include "service/routing/router.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "service/routing/target_health.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FakeHealth final : public TargetHealth {
 public:
  ProviderState StateOf(std::string_view provider) const override {
    const auto found = states_.find(provider);
    return found == states_.end() ? ProviderState::kUnknown : found->second;
  }
  std::string_view NameOf(std::string_view provider) const override {
    return states_.find(provider)->first;
  }

  void Set(const std::string& provider, ProviderState state) {
    states_[provider] = state;
  }

 private:
  std::map<std::string, ProviderState, std::less<>> states_;
};

// Providers a, b and c are ready; `keyless` lacks its credential.
class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    for (const char* name : {"a", "b", "c"}) {
      health_.Set(name, ProviderState::kReady);
    }
    health_.Set("keyless", ProviderState::kNoCredential);
  }

  void Configure(const std::string& routing) {
    llmgateway::config::v1::RoutingConfig config;
    ASSERT_TRUE(
        google::protobuf::TextFormat::ParseFromString(routing, &config));
    router_ = std::make_unique<Router>(config, health_);
  }

  // "provider/model reason", or the fault's reason and message.
  std::string Plan(std::string_view model, std::string_view provider = "") {
    steps_.clear();
    std::vector<RouteStep> steps;
    const absl::StatusOr<RoutePlan> plan =
        router_->Plan({.model = model, .provider = provider}, &steps);
    for (const RouteStep& step : steps) {
      steps_.push_back(step.rule + ": " + step.outcome);
    }
    // Asking for the steps must not change the plan.
    const absl::StatusOr<RoutePlan> again =
        router_->Plan({.model = model, .provider = provider});
    EXPECT_EQ(again.status(), plan.status());
    if (!plan.ok()) {
      status_ = plan.status();
      return std::string(ReasonName(FaultReason(plan.status())));
    }
    EXPECT_EQ(plan->targets.size(), 1u);
    EXPECT_EQ(again->reason, plan->reason);
    const RouteTarget& first = plan->targets[0];
    std::string text(first.provider);
    text.append("/").append(first.model);
    return text.append(" ").append(plan->reason);
  }

  FakeHealth health_;
  std::unique_ptr<Router> router_;
  std::vector<std::string> steps_;
  absl::Status status_;
};

constexpr char kRules[] = R"(
  model_rules { alias: "fast" targets { provider: "a" model: "a-mini" } }
  model_rules { exact: "b-large" targets { provider: "b" } }
  model_rules { prefix: "b-" targets { provider: "b" } }
  model_rules { glob: "*-large" targets { provider: "c" model: "c-large" } }
  default_target { provider: "c" }
)";

TEST_F(RouterTest, TheFirstRuleThatMatchesDecides) {
  Configure(kRules);
  EXPECT_EQ(Plan("fast"), "a/a-mini model_rule:fast");
  EXPECT_EQ(Plan("b-large"), "b/b-large model_rule:b-large");
  EXPECT_EQ(Plan("b-larger"), "b/b-larger model_rule:b-");
  EXPECT_EQ(Plan("x-large"), "c/c-large model_rule:*-large");
  EXPECT_EQ(Plan("x-small"), "c/x-small default");
}

TEST_F(RouterTest, ARequestWithoutAModelGoesWhereTheDefaultNamesOne) {
  Configure(R"(default_target { provider: "a" model: "a-mini" })");
  EXPECT_TRUE(router_->knows_default_model());
  EXPECT_EQ(Plan(""), "a/a-mini default");
  // It is the model of everything that goes there.
  EXPECT_EQ(Plan("x"), "a/a-mini default");
  EXPECT_EQ(Plan("", "b"), "INVALID_REQUEST");
  Configure(R"(default_target { provider: "keyless" model: "m" })");
  EXPECT_EQ(Plan(""), "MODEL_NOT_FOUND");
  Configure(R"(default_target { provider: "a" model: "m" } strict: true)");
  EXPECT_FALSE(router_->knows_default_model());
  EXPECT_EQ(Plan(""), "INVALID_REQUEST");
  Configure(kRules);
  EXPECT_EQ(Plan(""), "INVALID_REQUEST");
}

TEST_F(RouterTest, TiersAreRefusedUntilTheyAreServed) {
  Configure(kRules);
  EXPECT_EQ(Plan("tier:fast"), "UNIMPLEMENTED");
  EXPECT_EQ(FaultMetadata(status_, "field"), "model");
  EXPECT_EQ(Plan("tier:fast", "a"), "UNIMPLEMENTED");
  EXPECT_EQ(Plan("tier"), "c/tier default");
}

TEST_F(RouterTest, AnExplicitProviderBeatsEveryRule) {
  Configure(kRules);
  EXPECT_EQ(Plan("b-large", "a"), "a/b-large explicit");
  EXPECT_THAT(steps_, ElementsAre("explicit: chosen"));
  // An alias belongs to the rules, and those were not asked.
  EXPECT_EQ(Plan("fast", "b"), "b/fast explicit");
}

TEST_F(RouterTest, TheExplicitNameLastsLongerThanTheCallers) {
  Configure(kRules);
  absl::StatusOr<RoutePlan> plan;
  {
    std::string name = "a";
    plan = router_->Plan({.model = "m", .provider = name});
    name = "?";
  }
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->targets[0].provider, "a");
}

TEST_F(RouterTest, AnExplicitProviderMustExistAndHaveItsCredential) {
  Configure(kRules);
  EXPECT_EQ(Plan("m", "nobody"), "PROVIDER_NOT_FOUND");
  EXPECT_EQ(FaultMetadata(status_, "provider"), "nobody");
  EXPECT_THAT(steps_, ElementsAre("explicit: no such provider"));
  EXPECT_EQ(Plan("m", "keyless"), "PROVIDER_AUTH_FAILED");
  EXPECT_EQ(FaultMetadata(status_, "provider"), "keyless");
  EXPECT_THAT(steps_, ElementsAre("explicit: no credential"));
}

TEST_F(RouterTest, RulesWithoutACredentialAreSkipped) {
  Configure(R"(
      model_rules { prefix: "m" targets { provider: "keyless" } }
      model_rules { prefix: "m" targets { provider: "gone" } }
      model_rules { prefix: "x" targets { provider: "a" } }
      model_rules { prefix: "m" targets { provider: "b" } })");
  EXPECT_EQ(Plan("m-1"), "b/m-1 model_rule:m");
  EXPECT_THAT(steps_, ElementsAre("model_rule:m: no credential",
                                  "model_rule:m: no such provider",
                                  "model_rule:x: no match",
                                  "model_rule:m: chosen"));
}

TEST_F(RouterTest, AModelWhoseRuleIsSkippedGoesToTheDefault) {
  Configure(R"(model_rules { prefix: "m" targets { provider: "keyless" } }
               default_target { provider: "a" })");
  EXPECT_EQ(Plan("m-1"), "a/m-1 default");
  EXPECT_THAT(steps_, ElementsAre("model_rule:m: no credential",
                                  "default: chosen"));
}

TEST_F(RouterTest, StrictRefusesWhatNoRuleKnows) {
  Configure(std::string(kRules) + "strict: true");
  EXPECT_EQ(Plan("b-large"), "b/b-large model_rule:b-large");
  EXPECT_EQ(Plan("unknown"), "MODEL_NOT_FOUND");
  EXPECT_EQ(status_.message(),
            "model 'unknown' cannot be served: no rule knows it, and routing "
            "is strict");
  EXPECT_EQ(FaultMetadata(status_, "model"), "unknown");
  EXPECT_EQ(steps_.back(), "default: strict");
  // Whoever names the provider needs no rule.
  EXPECT_EQ(Plan("unknown", "a"), "a/unknown explicit");
}

TEST_F(RouterTest, SaysWhichCredentialIsMissing) {
  Configure(R"(model_rules { prefix: "m" targets { provider: "keyless" } })");
  EXPECT_EQ(Plan("m"), "MODEL_NOT_FOUND");
  EXPECT_EQ(status_.message(),
            "model 'm' cannot be served: provider 'keyless' of its rule has "
            "no credential, and no default target is configured");
  Configure(R"(model_rules { prefix: "m" targets { provider: "keyless" } }
               strict: true)");
  EXPECT_EQ(Plan("m"), "MODEL_NOT_FOUND");
  EXPECT_THAT(std::string(status_.message()),
              HasSubstr("'keyless' of its rule has no credential, and routing "
                        "is strict"));
  Configure(R"(default_target { provider: "keyless" })");
  EXPECT_EQ(Plan("m"), "MODEL_NOT_FOUND");
  EXPECT_EQ(status_.message(),
            "model 'm' cannot be served: no rule knows it, and the default "
            "provider 'keyless' has no credential");
  EXPECT_THAT(steps_, ElementsAre("default: no credential"));
}

TEST_F(RouterTest, WithoutRulesAndDefaultNothingCanBeServed) {
  Configure("");
  EXPECT_EQ(Plan("m"), "MODEL_NOT_FOUND");
  EXPECT_EQ(status_.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(steps_, IsEmpty());
}

TEST_F(RouterTest, AModelMustBeNamed) {
  Configure(kRules);
  EXPECT_EQ(Plan(""), "INVALID_REQUEST");
  EXPECT_EQ(Plan("", "a"), "INVALID_REQUEST");
  EXPECT_EQ(FieldViolations(status_)[0].first, "model");
}

TEST_F(RouterTest, HealthIsAskedAnewForEachPlan) {
  Configure(kRules);
  EXPECT_EQ(Plan("b-1"), "b/b-1 model_rule:b-");
  health_.Set("b", ProviderState::kNoCredential);
  EXPECT_EQ(Plan("b-1"), "c/b-1 default");
}

}  // namespace
}  // namespace gateway
