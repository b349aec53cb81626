// BudgetRule is one budget of the configuration, made ready to be asked of each
// call.
//
// Thread contract: immutable, but for its counts, which are thread-safe.

#ifndef SERVICE_BUDGETS_BUDGET_RULE_H_
#define SERVICE_BUDGETS_BUDGET_RULE_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "llmgateway/config/v1/budgets.pb.h"
#include "service/budgets/budget_scope.h"
#include "service/budgets/budget_window.h"
#include "service/limits/counter_key.h"
#include "service/limits/limit_match.h"
#include "service/limits/limit_rule.h"
#include "service/limits/limit_subject.h"

namespace gateway {

// What becomes of a call that does not fit.
enum class BudgetMode : uint8_t { kEnforce, kWarn, kOff };

// `enforce`, `warn` or `off`.
std::string_view BudgetModeName(BudgetMode mode);

// What a scope may spend in a window; nothing where there is no limit.
struct BudgetTerms {
  std::optional<int64_t> limit;  // In the budget's unit.
  std::optional<int64_t> turn_limit;

  bool operator==(const BudgetTerms&) const = default;
};

// How often calls did not fit, since the start.
struct BudgetCounts {
  std::atomic<int64_t> refused = 0;
  std::atomic<int64_t> warned = 0;  // Served with a warning that they did not.
};

class BudgetRule {
 public:
  // What the configuration says for all budgets.
  struct Defaults {
    BudgetMode mode = BudgetMode::kEnforce;
    double warn_threshold = 0.8;
  };

  // `config` was found valid (service/config).
  BudgetRule(const ::llmgateway::config::v1::Budget& config,
             const Defaults& defaults, const KeySecret& secret,
             std::shared_ptr<BudgetCounts> counts);

  const std::string& name() const { return name_; }
  LimitUnit unit() const { return unit_; }
  bool counts_cost() const {
    return unit_ == ::llmgateway::config::v1::LIMIT_UNIT_COST;
  }
  const BudgetWindow& window() const { return window_; }
  BudgetMode mode() const { return mode_; }
  // 0 to 1; never from 1 on.
  double warn_threshold() const { return warn_threshold_; }
  const BudgetTerms& terms() const { return terms_; }
  std::optional<int64_t> request_limit() const { return request_limit_; }
  bool requires_price() const { return requires_price_; }
  bool keys_only() const { return keys_only_; }
  bool allocated_only() const { return allocated_only_; }
  // One of those that BudgetsConfig.sessions makes.
  bool is_of_session() const { return is_of_session_; }
  // Whether a scope is its first caller's alone.
  bool binds_caller() const { return binds_caller_; }
  // Whether it is asked of each target, since it names what only that has.
  bool is_of_target() const { return is_of_target_; }
  // How long after a scope's first call others are let in; 0 is for ever.
  int64_t timeout_seconds() const { return timeout_seconds_; }
  const std::vector<LimitDimension>& per() const { return per_; }
  bool tells_apart(LimitDimension dimension) const {
    return std::find(per_.begin(), per_.end(), dimension) != per_.end();
  }
  // Whether each scope is of one caller, owner or user: what others share does
  // not grow with the role of who calls.
  bool is_of_one() const;
  bool Matches(const LimitSubject& subject) const {
    return match_.Matches(subject);
  }

  // Whether the scope is one of this budget, as it is configured now.
  bool IsOf(const BudgetScope& scope) const;

  // The key of the subject's scope, and its name.
  CounterKey KeyOf(LimitSubject& subject) const {
    return per_.empty() ? seed_ : MakeKey(subject);
  }
  BudgetScope ScopeOf(const LimitSubject& subject) const;
  // Those of the scope of all for which there was no room, of one asker or,
  // without one, of several.
  CounterKey OthersKey(std::string_view of) const;
  BudgetScope OthersScope(std::string_view of) const;
  // Any scope of the budget, by its name.
  CounterKey KeyOf(const BudgetScope& scope) const {
    return scope.KeyBy(secret_);
  }

  bool has_overrides() const { return !overrides_.empty(); }
  // The terms that the configuration gives to the scope of the key alone; null
  // if it does not.
  const BudgetTerms* OverrideOf(const CounterKey& key) const;

  // Names of what it tells calls apart by, such as `user, model`; empty if it
  // does not. For messages, which name nobody.
  std::string DimensionNames() const;

  BudgetCounts& counts() const { return *counts_; }

 private:
  friend class BudgetRules;

  CounterKey MakeKey(LimitSubject& subject) const;

  const KeySecret secret_;
  std::string name_;
  LimitUnit unit_;
  BudgetWindow window_;
  BudgetMode mode_;
  double warn_threshold_;
  BudgetTerms terms_;
  std::optional<int64_t> request_limit_;
  bool requires_price_;
  bool keys_only_;
  bool allocated_only_;
  bool is_of_session_;
  bool is_of_target_;
  int64_t timeout_seconds_ = 0;
  bool binds_caller_ = false;
  std::vector<LimitDimension> per_;  // In the order of their numbers.
  LimitMatch match_;
  CounterKey seed_;
  absl::flat_hash_map<uint64_t, std::pair<CounterKey, BudgetTerms>> overrides_;
  std::shared_ptr<BudgetCounts> counts_;
};

}  // namespace gateway

#endif  // SERVICE_BUDGETS_BUDGET_RULE_H_
