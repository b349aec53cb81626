// Budgets as a configuration has them, from text, with the defaults filled in,
// and calls that are charged to them.
//
//   TestBudgets budgets(R"(rules { name: "all" unit: LIMIT_UNIT_COST
//                                  limit_usd: "2" })");
//   TestCall call(budgets, {{config::v1::LIMIT_DIMENSION_USER, "ann"}});
//   EXPECT_TRUE(call.Reserve({.cost_usd_nanos = 5}));
//
// Thread-compatible.

#ifndef TESTS_SERVICE_BUDGETS_BUDGET_CONFIG_H_
#define TESTS_SERVICE_BUDGETS_BUDGET_CONFIG_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/budgets.pb.h"
#include "service/budgets/budget_charges.h"
#include "service/budgets/budget_rules.h"
#include "service/budgets/budget_table.h"
#include "service/limits/limit_subject.h"

namespace gateway {

inline constexpr KeySecret kTestSecret = {17, 4};

// A moment in the middle of an hour, day and month, in seconds:
// 2026-03-15T12:30:00Z.
inline constexpr int64_t kNoon = 1773577800;

inline absl::Time At(int64_t seconds) { return absl::FromUnixSeconds(seconds); }

// REQUIRES: `text` is a BudgetsConfig.
inline llmgateway::config::v1::BudgetsConfig BudgetsOf(
    const std::string& text) {
  llmgateway::config::v1::BudgetsConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config))
      << text;
  if (!config.has_warn_threshold()) config.set_warn_threshold(0.8);
  if (!config.has_expected_output_tokens()) {
    config.set_expected_output_tokens(1024);
  }
  if (config.role_label().empty()) config.set_role_label("role");
  if (!config.has_retention()) {
    config.mutable_retention()->set_seconds(2160 * 3600);
  }
  return config;
}

struct TestBudgets {
  explicit TestBudgets(const std::string& text,
                       const BudgetTable::Options& options = {})
      : table(kTestSecret, options),
        rules(BudgetsOf(text), kTestSecret, [this](const std::string& name) {
          return table.CountsOf(name);
        }) {}

  BudgetTable table;
  BudgetRules rules;
  int64_t now = kNoon;
};

// One call, and what it is told apart by.
class TestCall {
 public:
  using Subject = std::vector<std::pair<LimitDimension, std::string>>;

  TestCall(TestBudgets& budgets, Subject subject, std::string role = "",
           std::string key_budget = "", std::string asker = "")
      : asker_(std::move(asker)),
        charges(budgets.table, asker_),
        budgets_(budgets),
        texts_(std::move(subject)),
        subject_(kTestSecret),
        role_(std::move(role)),
        key_budget_(std::move(key_budget)) {
    for (const auto& [dimension, text] : texts_) subject_.Set(dimension, text);
  }

  void Grow(const BudgetAmounts& amounts) { charges.Grow(amounts, subject_); }
  bool Reserve(BudgetAmounts estimate, bool price_known = true) {
    estimate.turns = 1;
    budgets_.rules.ForEach(
        subject_, key_budget_, /*names_agent=*/true,
        [&](const BudgetRule& rule) {
          const BudgetTerms* const own = rule.OverrideOf(rule.KeyOf(subject_));
          BudgetTerms terms;
          if (own != nullptr) {
            terms = *own;
          } else if (!rule.allocated_only()) {
            terms = budgets_.rules.TermsFor(rule, role_);
          }
          charges.Ask(rule, subject_, terms, estimate, price_known);
        });
    return charges.Reserve(At(budgets_.now),
                           budgets_.rules.requires_allocation());
  }

  BudgetDebit Settle(BudgetAmounts real) {
    real.turns = 1;
    BudgetSettlement settled;
    charges.Settle(real, At(budgets_.now), &settled);
    return DebitOf(settled);
  }

  absl::Status Refusal() const { return charges.Refusal(At(budgets_.now)); }

 private:
  const std::string asker_;  // Borrowed by what follows.

 public:
  BudgetCharges charges;

 private:
  TestBudgets& budgets_;
  Subject texts_;
  LimitSubject subject_;
  std::string role_;
  std::string key_budget_;
};

}  // namespace gateway

#endif  // TESTS_SERVICE_BUDGETS_BUDGET_CONFIG_H_
