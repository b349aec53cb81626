#include "service/config/compatibility/budget_config.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"
#include "service/config/loader.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kDefaults[] =
    "  defaults: {session_token_limit: 100000, wo_token_limit: 50000,\n"
    "    agent_token_limit: 10000, wo_turn_limit: 20,\n"
    "    wo_timeout_seconds: 3600}\n";

class BudgetConfigTest : public ::testing::Test {
 protected:
  // Loads a file with `budget_config` of the defaults and `more`.
  const configv1::GatewayConfig& Load(const std::string& more,
                                      const std::string& dev_mode = "") {
    problems_ = ConfigProblems("f");
    loaded_ = LoadConfigText(
        absl::StrCat("router_config: {default_provider: mock,\n"
                     "  default_model: m, default_timeout_ms: 30000,\n"
                     "  dev_mode: {bypass_auth: true",
                     dev_mode, "}}\nbudget_config:\n", more),
        &problems_);
    return loaded_.config;
  }

  std::vector<std::string> Problems() {
    std::vector<std::string> lines;
    for (const ConfigProblem& problem : problems_.Sorted()) {
      lines.push_back(problem.ToString());
    }
    return lines;
  }

  ConfigProblems problems_{"f"};
  LoadedConfig loaded_;
};

TEST_F(BudgetConfigTest, DefaultsAreBudgetsOfSessions) {
  const auto& budgets = Load(kDefaults).budgets();
  EXPECT_THAT(Problems(), IsEmpty());
  EXPECT_EQ(budgets.sessions().session_tokens(), 100'000);
  EXPECT_EQ(budgets.sessions().work_order_tokens(), 50'000);
  EXPECT_EQ(budgets.sessions().agent_tokens(), 10'000);
  EXPECT_EQ(budgets.sessions().work_order_turns(), 20);
  EXPECT_EQ(budgets.sessions().work_order_timeout().seconds(), 3600);
  EXPECT_EQ(budgets.mode(), configv1::Budget::MODE_ENFORCE);
  EXPECT_EQ(budgets.warn_threshold(), 0.8);
}

TEST_F(BudgetConfigTest, AllDefaultsAreRequiredAndAtLeastOne) {
  Load("  defaults: {session_token_limit: 0, wo_turn_limit: 20}\n");
  EXPECT_THAT(Problems(),
              Contains(HasSubstr("defaults.session_token_limit: must be 1")));
  for (const char* const field :
       {"wo_token_limit", "agent_token_limit", "wo_timeout_seconds"}) {
    EXPECT_THAT(
        Problems(),
        Contains(HasSubstr(absl::StrCat("defaults.", field, ": is required"))));
  }
  Load(absl::StrCat(kDefaults, "  default: {}\n"));
  EXPECT_THAT(Problems(), Contains(HasSubstr("unknown field")));
}

TEST_F(BudgetConfigTest, WhoIsNotHeldToALimitIsWarned) {
  const std::string soft = absl::StrCat(
      kDefaults, "  enforcement: {hard_limit: false, warn_threshold: 0.5}\n");
  EXPECT_EQ(Load(soft).budgets().mode(), configv1::Budget::MODE_WARN);
  EXPECT_EQ(loaded_.config.budgets().warn_threshold(), 0.5);
  EXPECT_EQ(Load(soft, ", bypass_budget: true").budgets().mode(),
            configv1::Budget::MODE_OFF);
}

TEST_F(BudgetConfigTest, RatesAreLimitsOfEachScopeAndProvider) {
  const auto& config = Load(absl::StrCat(
      kDefaults,
      "  rate_limits: {requests_per_minute: 60, tokens_per_minute: 1000000,\n"
      "    burst_allowance: 1.5, cooldown_ms: 10, window_seconds: 30}\n"
      "  provider_limits: {mock: {rpm_limit: 5, tpm_limit: 700}}\n"));
  EXPECT_THAT(Problems(), IsEmpty());
  ASSERT_EQ(config.rate_limits_size(), 4);
  const auto& requests = config.rate_limits(0);
  EXPECT_EQ(requests.name(), "scope-requests");
  EXPECT_EQ(requests.limit(), 90);
  EXPECT_EQ(requests.window().seconds(), 30);
  EXPECT_EQ(requests.per_size(), 3);
  EXPECT_EQ(config.rate_limits(1).limit(), 1'000'000);
  EXPECT_EQ(config.rate_limits(2).name(), "mock-requests");
  EXPECT_EQ(config.rate_limits(2).match().providers(0), "mock");
  EXPECT_EQ(config.rate_limits(3).unit(), configv1::LIMIT_UNIT_TOTAL_TOKENS);
  EXPECT_EQ(config.rate_limits(3).limit(), 700);
  std::string warnings;
  for (const ConfigProblem& warning : problems_.SortedWarnings()) {
    absl::StrAppend(&warnings, warning.ToString(), "\n");
  }
  EXPECT_THAT(warnings, HasSubstr("cooldown_ms: is not followed"));
}

TEST_F(BudgetConfigTest, PricesOfAThousandTokensAreOnesOfAMillion) {
  const auto& config =
      Load(absl::StrCat(kDefaults,
                        "  pricing: {claude-opus-4-6: {input_per_1k: 0.015, "
                        "output_per_1k: 0.075}}\n"));
  EXPECT_THAT(Problems(), IsEmpty());
  ASSERT_EQ(config.prices().models_size(), 1);
  EXPECT_EQ(config.prices().models(0).model(), "claude-opus-4-6");
  EXPECT_EQ(config.prices().models(0).input(), "15");
  EXPECT_EQ(config.prices().models(0).output(), "75");
  Load(absl::StrCat(kDefaults, "  pricing: {m: {input_per_1k: -1}}\n"));
  EXPECT_THAT(Problems(), Contains(HasSubstr("input_per_1k: must be 0")));
}

}  // namespace
}  // namespace gateway
