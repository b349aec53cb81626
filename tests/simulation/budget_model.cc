#include "tests/simulation/budget_model.h"

#include <algorithm>
#include <set>

#include "absl/numeric/int128.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

using BudgetPeriod = ScenarioBudget::Window;

constexpr int64_t kHourSeconds = 3600;
constexpr int64_t kDaySeconds = 24 * kHourSeconds;
constexpr int64_t kSteps = 60;
// A stream's reservation grows in steps of so many tokens.
constexpr int64_t kGrowth = 64;

int64_t StepOf(const ScenarioBudget& budget) {
  return (budget.rolling_seconds + kSteps - 1) / kSteps;
}

}  // namespace

SpentAmounts& SpentAmounts::operator+=(const SpentAmounts& other) {
  input += other.input;
  output += other.output;
  cost += other.cost;
  turns += other.turns;
  return *this;
}

SpentAmounts& SpentAmounts::operator-=(const SpentAmounts& other) {
  input -= other.input;
  output -= other.output;
  cost -= other.cost;
  turns -= other.turns;
  return *this;
}

int64_t SpentAmounts::In(BudgetUnit unit) const {
  switch (unit) {
    case BudgetUnit::kInputTokens:
      return input;
    case BudgetUnit::kOutputTokens:
      return output;
    case BudgetUnit::kTotalTokens:
      return input + output;
    case BudgetUnit::kCost:
      break;
  }
  return cost;
}

std::string SpentAmounts::Text() const {
  return absl::StrCat(input, "+", output, " tokens, $", cost, "n, ", turns,
                      " calls");
}

BudgetModel::BudgetModel(const Scenario& scenario)
    : scenario_(scenario), calls_(scenario.calls.size()) {
  const ScenarioMoney& money = *scenario.money;
  for (const ScenarioBudget& budget : money.budgets) {
    rules_.push_back({.budget = budget});
  }
  if (!money.sessions.has_value()) return;
  rules_.push_back({.budget = {.name = "work_order",
                               .mode = money.sessions->mode,
                               .limit = money.sessions->work_order_tokens,
                               .turn_limit = money.sessions->work_order_turns},
                    .is_of_session = true,
                    .is_of_work_order = true});
  rules_.push_back({.budget = {.name = "session",
                               .mode = money.sessions->mode,
                               .limit = money.sessions->session_tokens},
                    .is_of_session = true});
}

std::optional<int64_t> BudgetModel::CostOf(std::string_view model,
                                           int64_t input,
                                           int64_t output) const {
  const ScenarioPrice* const price = scenario_.money->PriceOf(model);
  if (price == nullptr) return std::nullopt;
  constexpr int64_t kMillion = 1'000'000;
  const absl::int128 millionths = absl::int128(input) * price->input +
                                  absl::int128(output) * price->output;
  return static_cast<int64_t>((millionths + kMillion / 2) / kMillion);
}

std::string BudgetModel::ScopeName(
    std::string_view budget,
    std::vector<std::pair<std::string, std::string>> subject) {
  std::sort(subject.begin(), subject.end());
  std::string name(budget);
  for (const auto& [dimension, value] : subject) {
    absl::StrAppend(&name, "|", dimension, "=", value);
  }
  return name;
}

std::optional<std::string> BudgetModel::NameOf(const Rule& rule, size_t call,
                                               std::string_view model) const {
  const ScenarioCall& scripted = scenario_.calls[call];
  if (rule.is_of_session && scripted.session == 0) return std::nullopt;
  if (rule.is_of_work_order && scripted.work_order == 0) return std::nullopt;
  std::vector<std::pair<std::string, std::string>> subject;
  if (rule.budget.per_user) {
    subject.emplace_back("user", scripted.user == 0
                                     ? ""
                                     : absl::StrCat("user-", scripted.user));
  }
  if (rule.budget.per_session || rule.is_of_session) {
    subject.emplace_back(
        "session", scripted.session == 0 ? "" : absl::StrCat(scripted.session));
  }
  if (rule.is_of_work_order) {
    subject.emplace_back("work_order",
                         absl::StrCat("order-", scripted.work_order));
  }
  if (rule.budget.per_model) subject.emplace_back("model", model);
  return ScopeName(rule.budget.name, std::move(subject));
}

BudgetModel::Scope& BudgetModel::ScopeOf(const Rule& rule,
                                         const std::string& name) {
  Scope& scope = scopes_[name];
  scope.rule = &rule;
  return scope;
}

int64_t BudgetModel::StartOf(const ScenarioBudget& budget, int64_t now) {
  switch (budget.window) {
    case BudgetPeriod::kHour:
      return now / kHourSeconds * kHourSeconds;
    case BudgetPeriod::kDay:
      return now / kDaySeconds * kDaySeconds;
    case BudgetPeriod::kRolling:
      return now / StepOf(budget) * StepOf(budget);
    case BudgetPeriod::kEver:
      break;
  }
  return 0;
}

SpentAmounts BudgetModel::SpentAt(Scope& scope, int64_t now) {
  const ScenarioBudget& budget = scope.rule->budget;
  std::erase_if(scope.spent, [&](const auto& each) {
    if (budget.window == BudgetPeriod::kRolling) {
      return now >= each.first + StepOf(budget) + budget.rolling_seconds;
    }
    return each.first != StartOf(budget, now);
  });
  SpentAmounts sum;
  for (const auto& [start, amounts] : scope.spent) sum += amounts;
  return sum;
}

bool BudgetModel::Fits(const Rule& rule, Scope& scope,
                       const SpentAmounts& wanted, bool price_known,
                       int64_t now) {
  const ScenarioBudget& budget = rule.budget;
  if (budget.requires_price && !price_known) return false;
  if (budget.request_limit && wanted.In(budget.unit) > *budget.request_limit) {
    return false;
  }
  SpentAmounts taken = SpentAt(scope, now);
  taken += scope.reserved;
  if (budget.turn_limit && taken.turns + 1 > *budget.turn_limit) return false;
  if (!budget.limit.has_value()) return true;
  // One that is reached lets nothing in, not even what is free.
  const int64_t left = *budget.limit - taken.In(budget.unit);
  return left > 0 && wanted.In(budget.unit) <= left;
}

BudgetModel::Verdict BudgetModel::Begins(size_t call, const Request& request,
                                         int64_t now) {
  const std::optional<int64_t> cost =
      CostOf(request.model, request.input, request.output);
  const SpentAmounts wanted = {.input = request.input,
                               .output = request.output,
                               .cost = cost.value_or(0),
                               .turns = 1};
  calls_[call].grown_to = request.output;
  Verdict verdict;
  std::vector<std::pair<const Rule*, std::string>> asked;
  for (const Rule& rule : rules_) {
    const std::optional<std::string> name = NameOf(rule, call, request.model);
    if (!name.has_value()) continue;
    asked.emplace_back(&rule, *name);
    if (rule.budget.mode == SpendingMode::kOff ||
        Fits(rule, ScopeOf(rule, *name), wanted, cost.has_value(), now)) {
      continue;
    }
    if (rule.budget.mode == SpendingMode::kWarn) {
      ++verdict.warnings;
    } else {
      verdict.refused_by = *name;
    }
  }
  if (!verdict.refused_by.empty()) return verdict;
  for (const auto& [rule, name] : asked) Reserve(call, *rule, name, wanted);
  return verdict;
}

std::string BudgetModel::Asks(size_t call, const Request& request,
                              int64_t now) {
  const std::optional<int64_t> cost =
      CostOf(request.model, request.input, request.output);
  const SpentAmounts wanted = {.input = request.input,
                               .output = request.output,
                               .cost = cost.value_or(0),
                               .turns = 1};
  std::vector<std::pair<const Rule*, std::string>> asked;
  for (const Rule& rule : rules_) {
    if (!MayPassOver(rule.budget.name)) continue;
    const std::string name = *NameOf(rule, call, request.model);
    // One reservation is for all attempts of its scope.
    if (ReservedBy(call, name) != nullptr) continue;
    if (!Fits(rule, ScopeOf(rule, name), wanted, cost.has_value(), now)) {
      return name;
    }
    asked.emplace_back(&rule, name);
  }
  for (const auto& [rule, name] : asked) Reserve(call, *rule, name, wanted);
  return "";
}

bool BudgetModel::MayPassOver(std::string_view budget) const {
  return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
    return rule.budget.name == budget && IsOfTarget(rule) &&
           rule.budget.mode == SpendingMode::kEnforce;
  });
}

const SpentAmounts* BudgetModel::ReservedBy(size_t call,
                                            const std::string& name) const {
  for (const auto& [scope, amounts] : calls_[call].scopes) {
    if (scope == name) return &amounts;
  }
  return nullptr;
}

void BudgetModel::Reserve(size_t call, const Rule& rule,
                          const std::string& name,
                          const SpentAmounts& amounts) {
  Scope& scope = ScopeOf(rule, name);
  scope.reserved += amounts;
  calls_[call].scopes.emplace_back(name, amounts);
  scope.reserved_then.clear();
  scope.beyond = 0;
  for (size_t i = 0; i < calls_.size(); ++i) {
    const SpentAmounts* const reserved = ReservedBy(i, name);
    if (reserved == nullptr) continue;
    scope.reserved_then[i] = reserved->In(rule.budget.unit);
  }
}

void BudgetModel::Grows(size_t call, std::string_view model, int64_t output) {
  CallState& state = calls_[call];
  if (output < state.grown_to + kGrowth) return;
  state.grown_to = output;
  for (auto& [name, had] : state.scopes) {
    const Rule& rule = *scopes_[name].rule;
    if (IsOfTarget(rule) && NameOf(rule, call, model) != name) continue;
    scopes_[name].reserved -= had;
    had.output = std::max(had.output, output);
    had.cost = std::max(had.cost, CostOf(model, had.input, output).value_or(0));
    scopes_[name].reserved += had;
  }
}

void BudgetModel::Charge(const Rule& rule, const std::string& name, size_t call,
                         const SpentAmounts& amounts, int64_t now) {
  Scope& scope = ScopeOf(rule, name);
  scope.spent[StartOf(rule.budget, now)] += amounts;
  const auto then = scope.reserved_then.find(call);
  const int64_t reserved =
      then == scope.reserved_then.end() ? 0 : then->second;
  // Each is charged once, but at the targets.
  if (then != scope.reserved_then.end()) then->second = 0;
  scope.beyond +=
      std::max<int64_t>(amounts.In(rule.budget.unit) - reserved, 0);
}

BudgetModel::Charges BudgetModel::Settles(
    size_t call, const SpentAmounts& real,
    const std::vector<std::pair<std::string, SpentAmounts>>& at, int64_t now) {
  Charges charges;
  const auto scopes = calls_[call].scopes;
  GivesBack(call);
  for (const auto& [name, reserved] : scopes) {
    const Rule& rule = *scopes_[name].rule;
    if (IsOfTarget(rule)) continue;
    Charge(rule, name, call, real, now);
    charges.emplace_back(name, real);
  }
  std::set<std::string> had_turn;
  for (const auto& [model, billed] : at) {
    for (const Rule& rule : rules_) {
      if (!IsOfTarget(rule)) continue;
      const std::optional<std::string> name = NameOf(rule, call, model);
      SpentAmounts amounts = billed;
      // A call that asks twice within a scope is one call there.
      if (!had_turn.insert(*name).second) amounts.turns = 0;
      Charge(rule, *name, call, amounts, now);
      charges.emplace_back(*name, amounts);
    }
  }
  return charges;
}

void BudgetModel::GivesBack(size_t call) {
  CallState& state = calls_[call];
  for (const auto& [name, reserved] : state.scopes) {
    scopes_[name].reserved -= reserved;
  }
  state.scopes.clear();
}

std::map<std::string, BudgetModel::Standing> BudgetModel::At(int64_t now) {
  std::map<std::string, Standing> standings;
  for (auto& [name, scope] : scopes_) {
    const Standing standing{.spent = SpentAt(scope, now),
                            .reserved = scope.reserved};
    if (standing != Standing()) standings.emplace(name, standing);
  }
  return standings;
}

std::string BudgetModel::Overshoot(int64_t now) {
  for (auto& [name, scope] : scopes_) {
    const ScenarioBudget& budget = scope.rule->budget;
    if (budget.mode != SpendingMode::kEnforce || !budget.limit) continue;
    const int64_t spent = SpentAt(scope, now).In(budget.unit);
    if (spent <= *budget.limit + scope.beyond) continue;
    return absl::StrCat(name, " has spent ", spent, " of ", *budget.limit,
                        ", where ", scope.beyond, " beyond it would be right");
  }
  return "";
}

}  // namespace gateway
