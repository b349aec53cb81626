#include "service/budgets/budget_rule.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "service/money/money.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

std::vector<LimitDimension> Dimensions(const config::Budget& rule) {
  std::vector<LimitDimension> per;
  for (const int dimension : rule.per()) {
    per.push_back(static_cast<LimitDimension>(dimension));
  }
  std::sort(per.begin(), per.end());
  return per;
}

bool IsOfTarget(LimitDimension dimension) {
  return dimension == config::LIMIT_DIMENSION_MODEL ||
         dimension == config::LIMIT_DIMENSION_PROVIDER;
}

// In the unit; nothing if neither is said.
std::optional<int64_t> UnitsOf(bool has_units, int64_t units,
                               const std::string& usd) {
  if (has_units) return units;
  if (usd.empty()) return std::nullopt;
  const auto dollars = Money::Parse(usd);
  assert(dollars.ok());
  return dollars.ok() ? dollars->nanos() : 0;
}

template <typename Said>
BudgetTerms SaidTerms(const Said& said) {
  BudgetTerms terms = {
      .limit = UnitsOf(said.has_limit(), said.limit(), said.limit_usd())};
  if (said.has_turn_limit()) terms.turn_limit = said.turn_limit();
  return terms;
}

BudgetMode RuleMode(config::Budget::Mode mode, BudgetMode otherwise) {
  switch (mode) {
    case config::Budget::MODE_ENFORCE:
      return BudgetMode::kEnforce;
    case config::Budget::MODE_WARN:
      return BudgetMode::kWarn;
    case config::Budget::MODE_OFF:
      return BudgetMode::kOff;
    default:
      return otherwise;
  }
}

// Whether the text is kept in a scope as it is.
bool IsKeptWhole(std::string_view text) {
  return text.size() <= BudgetScope::kValueBytesMax && IsUtf8(text);
}

}  // namespace

std::string_view BudgetModeName(BudgetMode mode) {
  switch (mode) {
    case BudgetMode::kEnforce:
      return "enforce";
    case BudgetMode::kWarn:
      return "warn";
    case BudgetMode::kOff:
      break;
  }
  return "off";
}

BudgetRule::BudgetRule(const config::Budget& config, const Defaults& defaults,
                       const KeySecret& secret,
                       std::shared_ptr<BudgetCounts> counts)
    : secret_(secret),
      name_(config.name()),
      unit_(config.unit()),
      window_(BudgetWindow::Of(config)),
      mode_(RuleMode(config.mode(), defaults.mode)),
      warn_threshold_(config.has_warn_threshold() ? config.warn_threshold()
                                                  : defaults.warn_threshold),
      terms_(SaidTerms(config)),
      request_limit_(UnitsOf(config.has_request_limit(), config.request_limit(),
                             config.request_limit_usd())),
      requires_price_(config.require_price()),
      keys_only_(config.keys_only()),
      allocated_only_(config.allocated_only()),
      is_of_session_(IsSessionBudget(config.name())),
      per_(Dimensions(config)),
      match_(config.match()),
      seed_(BudgetScope::SeedOf(name_, window_.name(), per_, secret)),
      counts_(std::move(counts)) {
  is_of_target_ = match_.names_target() ||
                  std::any_of(per_.begin(), per_.end(), IsOfTarget);
  for (const config::BudgetOverride& each : config.overrides()) {
    LimitSubject subject(secret_);
    for (const auto& [name, value] : each.subject()) {
      subject.Set(LimitDimensionNamed(name), value);
    }
    const CounterKey key = KeyOf(subject);
    overrides_.insert({key.low, {key, SaidTerms(each)}});
  }
}

bool BudgetRule::is_of_one() const {
  return tells_apart(config::LIMIT_DIMENSION_CALLER) ||
         tells_apart(config::LIMIT_DIMENSION_OWNER) ||
         tells_apart(config::LIMIT_DIMENSION_USER);
}

bool BudgetRule::IsOf(const BudgetScope& scope) const {
  return scope.budget == name_ && scope.window == window_.name() &&
         std::equal(scope.subject.begin(), scope.subject.end(), per_.begin(),
                    per_.end(), [](const auto& part, LimitDimension dimension) {
                      return part.first == dimension;
                    });
}

CounterKey BudgetRule::MakeKey(LimitSubject& subject) const {
  CounterKey key = seed_;
  for (const LimitDimension dimension : per_) {
    const std::string_view text = subject.Text(dimension);
    key = Combine(key, IsKeptWhole(text)
                           ? subject.KeyOf(dimension)
                           : KeyOfText(BudgetScopeValue(text), secret_));
  }
  return key;
}

BudgetScope BudgetRule::ScopeOf(const LimitSubject& subject) const {
  BudgetScope scope = {.budget = name_, .window = window_.name()};
  for (const LimitDimension dimension : per_) {
    scope.subject.emplace_back(dimension,
                               BudgetScopeValue(subject.Text(dimension)));
  }
  return scope;
}

CounterKey BudgetRule::OthersKey(std::string_view of) const {
  return BudgetScope::OthersKey(
      seed_, of.empty() ? std::string() : BudgetScopeValue(of), secret_);
}

BudgetScope BudgetRule::OthersScope(std::string_view of) const {
  BudgetScope scope = {
      .budget = name_, .window = window_.name(), .others = true};
  if (!of.empty()) scope.others_of = BudgetScopeValue(of);
  for (const LimitDimension dimension : per_) {
    scope.subject.emplace_back(dimension, "");
  }
  return scope;
}

const BudgetTerms* BudgetRule::OverrideOf(const CounterKey& key) const {
  if (overrides_.empty()) return nullptr;
  const auto found = overrides_.find(key.low);
  return found == overrides_.end() || !(found->second.first == key)
             ? nullptr
             : &found->second.second;
}

std::string BudgetRule::DimensionNames() const {
  std::string names;
  for (const LimitDimension dimension : per_) {
    absl::StrAppend(&names, names.empty() ? "" : ", ",
                    ToAbsl(LimitDimensionName(dimension)));
  }
  return names;
}

}  // namespace gateway
