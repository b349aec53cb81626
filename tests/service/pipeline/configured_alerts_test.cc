#include "service/pipeline/configured_alerts.h"

#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kAlertsYaml[] =
    "providers: [{name: mock, mock: {}}]\n"
    "alerts:\n"
    "  rules:\n"
    "  - {name: errors, condition: 'error_rate > 5%', action: page}\n"
    "  - {name: off, condition: 'model_consecutive_failures > 5',\n"
    "     action: off, window: 7s, calls_min: 3}\n"
    "  actions:\n"
    "  - {name: page, webhook: {url: 'env:HOOK', signing_key: 'env:KEY',\n"
    "     headers: {x-team: a, authorization: 'env:AUTH'}, timeout: 7s}}\n"
    "  - {name: note, log: {}}\n"
    "  - {name: off, disable_model: {}}\n";

TEST(ConfiguredAlertsTest, RulesAndActionsAreThoseOfTheConfiguration) {
  const auto runtime = MakeTestRuntime(
      kAlertsYaml, {{"HOOK", "https://a.example/x"}, {"KEY", "k"}, {"AUTH", "b"}});
  const std::vector<AlertRule> rules = AlertRulesOf(runtime->snapshot());
  ASSERT_THAT(rules, SizeIs(2));
  EXPECT_EQ(rules[0].name, "errors");
  EXPECT_EQ(rules[0].text, "error_rate > 5%");
  EXPECT_EQ(rules[0].condition.threshold, 5);
  EXPECT_EQ(rules[0].window, absl::Minutes(5));
  EXPECT_EQ(rules[0].calls_min, 10);
  EXPECT_EQ(rules[1].action, "off");
  EXPECT_EQ(rules[1].window, absl::Seconds(7));
  EXPECT_EQ(rules[1].calls_min, 3);
  const AlertActions actions = AlertActionsOf(runtime->snapshot());
  ASSERT_THAT(actions, SizeIs(3));
  const AlertAction& page = actions.at("page");
  EXPECT_EQ(page.kind, AlertAction::Kind::kWebhook);
  EXPECT_EQ(page.url.Reveal(), "https://a.example/x");
  EXPECT_EQ(page.signing_key.Reveal(), "k");
  EXPECT_EQ(page.timeout, absl::Seconds(7));
  ASSERT_THAT(page.headers, SizeIs(2));
  EXPECT_EQ(page.headers[0].first, "authorization");
  EXPECT_EQ(page.headers[0].second.Reveal(), "b");
  EXPECT_EQ(page.headers[1].first, "x-team");
  EXPECT_EQ(page.headers[1].second.Reveal(), "a");
  EXPECT_EQ(actions.at("note").kind, AlertAction::Kind::kLog);
  EXPECT_EQ(actions.at("off").kind, AlertAction::Kind::kDisableModel);
}

TEST(ConfiguredAlertsTest, WithoutTheSectionThereAreNone) {
  const auto runtime = MakeTestRuntime("providers: [{name: a, mock: {}}]\n");
  EXPECT_THAT(AlertRulesOf(runtime->snapshot()), IsEmpty());
  EXPECT_THAT(AlertActionsOf(runtime->snapshot()), IsEmpty());
}

}  // namespace
}  // namespace gateway
