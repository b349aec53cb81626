#include "service/api/budget_view.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/limits/limit_rule.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

// The subject of a scope that others share.
constexpr char kOthers[] = "others";

configv1::Budget::Period PeriodOf(BudgetWindow::Kind kind) {
  switch (kind) {
    case BudgetWindow::Kind::kHour:
      return configv1::Budget::PERIOD_HOUR;
    case BudgetWindow::Kind::kDay:
      return configv1::Budget::PERIOD_DAY;
    case BudgetWindow::Kind::kMonth:
      return configv1::Budget::PERIOD_MONTH;
    default:
      return configv1::Budget::PERIOD_UNSPECIFIED;
  }
}

void SetSeconds(int64_t seconds, google::protobuf::Timestamp* time) {
  SetProto(absl::FromUnixSeconds(seconds), time);
}

// When all of it is there again; kNever if never.
int64_t ResetTimeOf(const BudgetAccount& account) {
  const BudgetWindow& window = account.window;
  const BudgetSpend& spend = account.spend;
  if (window.rolls()) {
    return spend.steps().empty() ? BudgetWindow::kNever
                                 : window.EndOfStep(spend.steps().back().start);
  }
  return window.SpanAt(spend.start()).end;
}

}  // namespace

absl::StatusOr<const BudgetRule*> BudgetNamed(const RuntimeSnapshot& runtime,
                                              const std::string& name) {
  if (runtime.budgets() == nullptr) {
    absl::Status fault =
        MakeFault(v1::ERROR_REASON_NOT_CONFIGURED,
                  "there are no budgets: the configuration has no section "
                  "budgets");
    AddFaultMetadata(fault, "field", "budgets");
    return fault;
  }
  if (name.empty()) return InvalidField("rule", "is required");
  const BudgetRule* const rule = runtime.budgets()->Find(name);
  if (rule != nullptr) return rule;
  return MakeFault(
      v1::ERROR_REASON_NOT_FOUND,
      absl::StrCat("no budget has the name '", name, "'; budgets.rules has ",
                   runtime.config().budgets().rules_size()));
}

absl::Status CheckBudgetSubject(const BudgetRule& rule,
                                const BudgetSubject& subject) {
  for (const auto& [name, value] : subject) {
    if (rule.tells_apart(LimitDimensionNamed(name))) continue;
    const std::string names = rule.DimensionNames();
    return InvalidField(
        "subject",
        absl::StrCat("names ", name, "; the budget tells calls apart by ",
                     names.empty() ? "nothing" : names));
  }
  return absl::OkStatus();
}

absl::StatusOr<BudgetScope> ScopeNamed(const BudgetRule& rule,
                                       const BudgetSubject& subject) {
  GATEWAY_RETURN_IF_ERROR(CheckBudgetSubject(rule, subject));
  BudgetScope scope = {.budget = rule.name(), .window = rule.window().name()};
  for (const LimitDimension dimension : rule.per()) {
    const auto found = subject.find(std::string(LimitDimensionName(dimension)));
    if (found == subject.end()) {
      return InvalidField(
          "subject", absl::StrCat("does not name the ",
                                  ToAbsl(LimitDimensionName(dimension)),
                                  "; name each of ", rule.DimensionNames()));
    }
    scope.subject.emplace_back(dimension, BudgetScopeValue(found->second));
  }
  return scope;
}

bool HasSubject(const BudgetScope& scope, const BudgetSubject& subject) {
  return !scope.others || subject.empty()
             ? std::all_of(
                   subject.begin(), subject.end(),
                   [&](const auto& wanted) {
                     return scope.ValueOf(LimitDimensionNamed(wanted.first)) ==
                            BudgetScopeValue(wanted.second);
                   })
             : false;
}

bool HasSubjectText(const BudgetScope& scope, const std::string& text) {
  return text.empty() ||
         (!scope.others &&
          std::any_of(scope.subject.begin(), scope.subject.end(),
                      [&](const auto& part) { return part.second == text; }));
}

void FillBudgetUsage(const BudgetRule& rule, const BudgetStanding& standing,
                     v1::BudgetUsage* to) {
  const BudgetAccount& account = standing.account;
  const BudgetAmounts& spent = account.spend.sum();
  const BudgetTerms terms = TermsOf(rule, standing);
  to->set_rule(rule.name());
  to->set_unit(rule.unit());
  if (standing.scope.others) {
    (*to->mutable_subject())[kOthers] = "";
  } else {
    for (const auto& [dimension, value] : standing.scope.subject) {
      (*to->mutable_subject())[std::string(LimitDimensionName(dimension))] =
          value;
    }
  }
  to->set_spent(spent.In(rule.unit()));
  to->set_reserved(standing.reserved.In(rule.unit()));
  if (terms.limit.has_value()) {
    const int64_t taken = SaturatingSum(to->spent(), to->reserved());
    to->set_limit(*terms.limit);
    to->set_remaining(
        std::max<int64_t>(SaturatingSum(*terms.limit, -taken), 0));
  }
  to->set_input_tokens(spent.input_tokens);
  to->set_output_tokens(spent.output_tokens);
  to->set_cost_usd_nanos(spent.cost_usd_nanos);
  if (terms.turn_limit.has_value()) to->set_turn_limit(*terms.turn_limit);
  to->set_turns(spent.turns);
  to->set_period(PeriodOf(rule.window().kind()));
  if (rule.window().rolls()) {
    SetProto(absl::Seconds(rule.window().rolling_seconds()),
             to->mutable_rolling_window());
  }
  if (account.spend.start() != 0) {
    SetSeconds(account.window.rolls() && !account.spend.steps().empty()
                   ? account.spend.steps().front().start
                   : account.spend.start(),
               to->mutable_start_time());
    const int64_t reset = ResetTimeOf(account);
    if (reset != BudgetWindow::kNever) {
      SetSeconds(reset, to->mutable_reset_time());
    }
  }
  if (account.spend.last_time() != 0) {
    SetSeconds(account.spend.last_time(), to->mutable_last_charge_time());
  }
  to->set_allocated(account.is_allocated());
  const int64_t expire_time = ExpireTimeOf(rule, account);
  if (expire_time != 0) SetSeconds(expire_time, to->mutable_expire_time());
}

}  // namespace gateway
