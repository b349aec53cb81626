// BudgetRules is all budgets of a configuration: which of them a call is
// charged to.
//
//   const BudgetRules rules(config.budgets(), secret, table);
//   rules.ForEachOfCall(subject, key_budget, [&](const BudgetRule& rule) {
//     charges.Ask(rule, subject, ...);
//   });
//
// Thread contract: immutable, but for the rules' counts, which are thread-safe.

#ifndef SERVICE_BUDGETS_BUDGET_RULES_H_
#define SERVICE_BUDGETS_BUDGET_RULES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "llmgateway/config/v1/budgets.pb.h"
#include "service/budgets/budget_rule.h"
#include "service/limits/counter_key.h"
#include "service/limits/limit_subject.h"

namespace gateway {

class BudgetRules {
 public:
  using Config = ::llmgateway::config::v1::BudgetsConfig;
  // Where the counts of a budget of this name are kept.
  using CountsOf =
      absl::FunctionRef<std::shared_ptr<BudgetCounts>(const std::string& name)>;

  // `config` has its defaults filled in and was found valid.
  BudgetRules(const Config& config, const KeySecret& secret, CountsOf counts);

  // In the order in which a call is told of them: those of the configuration,
  // then those of sessions, the innermost first.
  const std::vector<std::unique_ptr<const BudgetRule>>& rules() const {
    return rules_;
  }
  bool empty() const { return rules_.empty(); }
  // Null if there is none of the name.
  const BudgetRule* Find(std::string_view name) const;
  bool has_target_rules() const { return has_target_rules_; }
  bool tells_peers_apart() const { return tells_peers_apart_; }

  // Visits the budgets that a call of the subject is charged to; `of_key` is
  // what its key names, which may be empty, and `names_agent` whether it names
  // its agent and not only the kind.
  void ForEach(const LimitSubject& subject, std::string_view of_key,
               bool names_agent,
               absl::FunctionRef<void(const BudgetRule& rule)> visit) const;

  // What the limits of a budget are for calls of this role, which may be empty:
  // a multiple where each scope is of one caller, owner or user.
  BudgetTerms TermsFor(const BudgetRule& rule, std::string_view role) const {
    return role.empty() || multipliers_.empty() ? rule.terms()
                                                : MultipliedTerms(rule, role);
  }

  const std::string& role_label() const { return role_label_; }
  int32_t expected_output_tokens() const { return expected_output_tokens_; }
  // Whether a call that no budget of sessions is for is refused.
  bool requires_allocation() const { return requires_allocation_; }
  BudgetMode session_mode() const { return session_mode_; }
  const absl::Duration& retention() const { return retention_; }

 private:
  void AddSessions(const ::llmgateway::config::v1::SessionBudgets& sessions,
                   const BudgetRule::Defaults& defaults,
                   const KeySecret& secret, CountsOf counts);
  BudgetTerms MultipliedTerms(const BudgetRule& rule,
                              std::string_view role) const;

  std::vector<std::unique_ptr<const BudgetRule>> rules_;
  // Those that are for keys which do not name them, too.
  std::vector<const BudgetRule*> open_;
  std::vector<const BudgetRule*> of_sessions_;  // The innermost first.
  absl::flat_hash_map<std::string, const BudgetRule*> by_name_;
  // By how many thousandths limits are multiplied.
  absl::flat_hash_map<std::string, int64_t> multipliers_;
  std::string role_label_;
  int32_t expected_output_tokens_;
  bool requires_allocation_ = false;
  bool has_target_rules_ = false;
  bool tells_peers_apart_ = false;
  BudgetMode session_mode_ = BudgetMode::kEnforce;
  absl::Duration retention_;
};

}  // namespace gateway

#endif  // SERVICE_BUDGETS_BUDGET_RULES_H_
