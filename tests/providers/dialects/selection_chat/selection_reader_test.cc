#include "providers/dialects/selection_chat/selection_reader.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/selection_chat/request_reader.h"

namespace gateway::selection_chat {
namespace {

using ::testing::ElementsAre;

v1::Selection SelectionIn(const std::string& body) {
  v1::GenerateRequest request;
  const absl::Status status = ReadPreview(body, &request);
  EXPECT_TRUE(status.ok()) << status;
  return request.selection();
}

std::string SelectionFault(const std::string& body) {
  v1::GenerateRequest request;
  const auto violations = FieldViolations(ReadPreview(body, &request));
  return violations.empty() ? "none"
                            : absl::StrCat(violations.front().first, ": ",
                                           violations.front().second);
}

TEST(SelectionReaderTest, EveryFieldHasItsPlace) {
  const v1::Selection selection = SelectionIn(
      R"({"node_name":"writer","capabilities":["vision"],)"
      R"("strategy":"admin_preferred","cost_tier_override":"Medium",)"
      R"("budget_remaining":0.05,"previous_failures":["a","b"]})");
  EXPECT_EQ(selection.node_name(), "writer");
  EXPECT_THAT(selection.capabilities(), ElementsAre("vision"));
  EXPECT_EQ(selection.strategy(), v1::Selection::STRATEGY_ADMIN_PREFERRED);
  EXPECT_EQ(selection.cost_tier(), v1::Selection::COST_TIER_MEDIUM);
  EXPECT_EQ(selection.budget_remaining_usd_nanos(), 50'000'000);
  EXPECT_THAT(selection.previous_failures(), ElementsAre("a", "b"));
}

TEST(SelectionReaderTest, AListIsOneOfCapabilitiesAndNothingIsNothing) {
  EXPECT_THAT(SelectionIn(R"(["vision","reasoning"])").capabilities(),
              ElementsAre("vision", "reasoning"));
  EXPECT_EQ(SelectionIn("").ByteSizeLong(), 0u);
  EXPECT_EQ(SelectionIn(" \r\n\t").ByteSizeLong(), 0u);
  EXPECT_EQ(SelectionIn("{}").ByteSizeLong(), 0u);
}

TEST(SelectionReaderTest, EachStrategyIsKnownByItsName) {
  const struct {
    const char* name;
    v1::Selection::Strategy strategy;
  } kCases[] = {
      {"cost_optimized", v1::Selection::STRATEGY_COST_OPTIMIZED},
      {"performance_optimized", v1::Selection::STRATEGY_PERFORMANCE_OPTIMIZED},
      {"balanced", v1::Selection::STRATEGY_BALANCED},
      {"capability_strict", v1::Selection::STRATEGY_CAPABILITY_STRICT},
      {"admin_preferred", v1::Selection::STRATEGY_ADMIN_PREFERRED},
  };
  for (const auto& each : kCases) {
    v1::Selection selection;
    EXPECT_TRUE(ReadStrategy(each.name, &selection).ok());
    EXPECT_EQ(selection.strategy(), each.strategy) << each.name;
  }
  EXPECT_EQ(SelectionFault(R"({"strategy":"best"})"),
            "strategy: must be one of cost_optimized, performance_optimized, "
            "balanced, capability_strict, admin_preferred");
}

TEST(SelectionReaderTest, ABudgetIsZeroToAMillionDollars) {
  EXPECT_EQ(
      SelectionIn(R"({"budget_remaining":0})").budget_remaining_usd_nanos(), 0);
  EXPECT_TRUE(SelectionIn(R"({"budget_remaining":0})")
                  .has_budget_remaining_usd_nanos());
  EXPECT_EQ(SelectionIn(R"({"budget_remaining":1000000})")
                .budget_remaining_usd_nanos(),
            1'000'000'000'000'000);
  for (const char* dollars : {"-0.000001", "1000000.01"}) {
    EXPECT_EQ(
        SelectionFault(absl::StrCat(R"({"budget_remaining":)", dollars, "}")),
        "budget_remaining: must lie in 0 to 1000000 dollars");
  }
}

TEST(SelectionReaderTest, WhatIsWrongIsNamed) {
  EXPECT_EQ(SelectionFault(R"({"cost_tier_override":"CHEAP"})"),
            "cost_tier_override: must be LOW, MEDIUM, HIGH or PREMIUM");
  EXPECT_EQ(SelectionFault(R"({"node_name":"a","node_name":"a"})"),
            "node_name: given twice");
  EXPECT_EQ(SelectionFault(R"({"capabilities":[1]})"),
            "capabilities[0]: expected a string");
  EXPECT_EQ(SelectionFault(R"([1])"), "[0]: expected a string");
}

TEST(SelectionReaderTest, NoMoreNamesAreReadThanNeedBe) {
  std::string names;
  for (int i = 0; i < 66; ++i) absl::StrAppend(&names, i ? "," : "", "\"a\"");
  EXPECT_EQ(SelectionFault(absl::StrCat("[", names, "]")),
            "[65]: too many entries");
}

}  // namespace
}  // namespace gateway::selection_chat
