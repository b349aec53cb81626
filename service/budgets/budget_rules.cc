#include "service/budgets/budget_rules.h"

#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/numeric/int128.h"
#include "base/string_view.h"
#include "proto/proto_time.h"
#include "service/money/decimal.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

constexpr int kMultiplierDecimals = 3;
constexpr int64_t kThousandths = 1000;

BudgetMode ModeOfAll(config::Budget::Mode mode) {
  switch (mode) {
    case config::Budget::MODE_WARN:
      return BudgetMode::kWarn;
    case config::Budget::MODE_OFF:
      return BudgetMode::kOff;
    default:
      return BudgetMode::kEnforce;
  }
}

std::optional<int64_t> Multiplied(std::optional<int64_t> limit,
                                  int64_t thousandths) {
  if (!limit.has_value()) return limit;
  const absl::int128 product = absl::int128(*limit) * thousandths;
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  const absl::int128 units = product / kThousandths;
  return units > kMost ? kMost : static_cast<int64_t>(units);
}

// A budget of sessions, as if it had been configured.
config::Budget OfSession(std::string_view name, config::Budget::Mode mode,
                         std::optional<int64_t> tokens,
                         std::initializer_list<LimitDimension> per) {
  config::Budget budget;
  budget.set_name(std::string(name));
  budget.set_unit(config::LIMIT_UNIT_TOTAL_TOKENS);
  budget.set_mode(mode);
  if (tokens.has_value()) {
    budget.set_limit(*tokens);
  } else {
    budget.set_allocated_only(true);
  }
  for (const LimitDimension dimension : per) budget.add_per(dimension);
  return budget;
}

std::optional<int64_t> Maybe(bool has, int64_t value) {
  return has ? std::optional<int64_t>(value) : std::nullopt;
}

}  // namespace

BudgetRules::BudgetRules(const Config& config, const KeySecret& secret,
                         CountsOf counts)
    : role_label_(config.role_label()),
      expected_output_tokens_(config.expected_output_tokens()),
      retention_(ToAbsl(config.retention())) {
  const BudgetRule::Defaults defaults = {
      .mode = ModeOfAll(config.mode()),
      .warn_threshold = config.warn_threshold()};
  for (const config::Budget& each : config.rules()) {
    rules_.push_back(std::make_unique<const BudgetRule>(each, defaults, secret,
                                                        counts(each.name())));
  }
  if (config.has_sessions()) {
    AddSessions(config.sessions(), defaults, secret, counts);
  }
  for (const auto& rule : rules_) {
    by_name_.insert({rule->name(), rule.get()});
    if (rule->is_of_session()) {
      of_sessions_.push_back(rule.get());
    } else if (!rule->keys_only()) {
      open_.push_back(rule.get());
    }
    has_target_rules_ = has_target_rules_ || rule->is_of_target();
    tells_peers_apart_ =
        tells_peers_apart_ || rule->tells_apart(config::LIMIT_DIMENSION_PEER);
  }
  for (const auto& [role, text] : config.role_multipliers()) {
    multipliers_.insert({role, ParseDecimal(text, kMultiplierDecimals,
                                            kThousandths * kThousandths)
                                   .value_or(kThousandths)});
  }
}

void BudgetRules::AddSessions(const config::SessionBudgets& sessions,
                              const BudgetRule::Defaults& defaults,
                              const KeySecret& secret, CountsOf counts) {
  requires_allocation_ = sessions.require_allocation();
  session_mode_ = sessions.mode() == config::Budget::MODE_UNSPECIFIED
                      ? defaults.mode
                      : ModeOfAll(sessions.mode());
  const auto add = [&](const config::Budget& budget, int64_t timeout) {
    auto rule = std::make_unique<BudgetRule>(budget, defaults, secret,
                                             counts(budget.name()));
    rule->timeout_seconds_ = timeout;
    rule->binds_caller_ =
        sessions.bind_caller() && rule->name() == kSessionBudget;
    rules_.push_back(std::move(rule));
  };
  add(OfSession(
          kAgentBudget, sessions.mode(),
          Maybe(sessions.has_agent_tokens(), sessions.agent_tokens()),
          {config::LIMIT_DIMENSION_SESSION, config::LIMIT_DIMENSION_WORK_ORDER,
           config::LIMIT_DIMENSION_AGENT}),
      0);
  config::Budget work_order = OfSession(
      kWorkOrderBudget, sessions.mode(),
      Maybe(sessions.has_work_order_tokens(), sessions.work_order_tokens()),
      {config::LIMIT_DIMENSION_SESSION, config::LIMIT_DIMENSION_WORK_ORDER});
  if (sessions.has_work_order_turns()) {
    work_order.set_turn_limit(sessions.work_order_turns());
    work_order.set_allocated_only(false);
  }
  add(work_order, absl::ToInt64Seconds(ToAbsl(sessions.work_order_timeout())));
  add(OfSession(kSessionBudget, sessions.mode(),
                Maybe(sessions.has_session_tokens(), sessions.session_tokens()),
                {config::LIMIT_DIMENSION_SESSION}),
      0);
}

const BudgetRule* BudgetRules::Find(std::string_view name) const {
  const auto found = by_name_.find(ToAbsl(name));
  return found == by_name_.end() ? nullptr : found->second;
}

void BudgetRules::ForEach(
    const LimitSubject& subject, std::string_view of_key, bool names_agent,
    absl::FunctionRef<void(const BudgetRule& rule)> visit) const {
  for (const BudgetRule* const rule : open_) {
    if (rule->Matches(subject)) visit(*rule);
  }
  if (!of_key.empty()) {
    const BudgetRule* const rule = Find(of_key);
    const bool is_visited =
        rule != nullptr && !rule->keys_only() && rule->Matches(subject);
    if (rule != nullptr && !rule->is_of_session() && !is_visited) visit(*rule);
  }
  for (const BudgetRule* const rule : of_sessions_) {
    // Only for what the call names.
    const LimitDimension innermost =
        rule->name() == kAgentBudget       ? config::LIMIT_DIMENSION_AGENT
        : rule->name() == kWorkOrderBudget ? config::LIMIT_DIMENSION_WORK_ORDER
                                           : config::LIMIT_DIMENSION_SESSION;
    if (subject.Text(innermost).empty()) continue;
    if (rule->name() == kAgentBudget && !names_agent) continue;
    visit(*rule);
  }
}

BudgetTerms BudgetRules::MultipliedTerms(const BudgetRule& rule,
                                         std::string_view role) const {
  BudgetTerms terms = rule.terms();
  if (!rule.is_of_one()) return terms;
  const auto found = multipliers_.find(ToAbsl(role));
  if (found == multipliers_.end()) return terms;
  terms.limit = Multiplied(terms.limit, found->second);
  return terms;
}

}  // namespace gateway
