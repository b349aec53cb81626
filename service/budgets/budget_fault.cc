#include "service/budgets/budget_fault.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "llmgateway/v1/errors.pb.h"
#include "service/limits/limit_rule.h"
#include "service/money/money.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

// `2.50 US dollars`, `1000 tokens`.
std::string Amount(const BudgetRule& rule, int64_t units) {
  switch (rule.unit()) {
    case config::LIMIT_UNIT_COST:
      return absl::StrCat(Money::FromNanos(units).Text(), " US dollars");
    case config::LIMIT_UNIT_INPUT_TOKENS:
      return absl::StrCat(units, " input tokens");
    case config::LIMIT_UNIT_OUTPUT_TOKENS:
      return absl::StrCat(units, " output tokens");
    default:
      return absl::StrCat(units, " tokens");
  }
}

std::string Calls(int64_t turns) {
  return absl::StrCat(turns, turns == 1 ? " call" : " calls");
}

// `of 50 US dollars per day for each user`.
std::string Allowance(const BudgetRule& rule, const BudgetTerms& terms) {
  std::string text;
  if (terms.limit.has_value()) {
    text = absl::StrCat(" of ", Amount(rule, *terms.limit));
  }
  if (terms.turn_limit.has_value()) {
    absl::StrAppend(&text, text.empty() ? " of " : " and ",
                    Calls(*terms.turn_limit));
  }
  const BudgetWindow& window = rule.window();
  if (window.rolls()) {
    absl::StrAppend(
        &text, " per ",
        absl::FormatDuration(absl::Seconds(window.rolling_seconds())));
  } else if (window.kind() != BudgetWindow::Kind::kNone) {
    const size_t colon = window.name().find(':');
    absl::StrAppend(&text, " per ", window.name().substr(0, colon));
  }
  const std::string names = rule.DimensionNames();
  return names.empty() ? text : absl::StrCat(text, " for each ", names);
}

// Whether a scope within it is one that the call is charged to: then this is an
// ancestor's.
bool HasWithin(absl::Span<const BudgetCharge> charges,
               const BudgetCharge& told) {
  for (const BudgetCharge& charge : charges) {
    if (&charge == &told) return false;
    if (charge.rule->is_of_session() &&
        charge.state != BudgetCharge::State::kSkipped) {
      return true;
    }
  }
  return false;
}

std::string_view CodeOfSpent(const BudgetRule& rule) {
  switch (rule.window().kind()) {
    case BudgetWindow::Kind::kHour:
      return "HOURLY_BUDGET_EXCEEDED";
    case BudgetWindow::Kind::kDay:
      return "DAILY_BUDGET_EXCEEDED";
    case BudgetWindow::Kind::kMonth:
      return "MONTHLY_BUDGET_EXCEEDED";
    default:
      return "BUDGET_EXHAUSTED";
  }
}

std::string TimeText(int64_t seconds) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(seconds),
                          absl::UTCTimeZone());
}

std::string Why(const BudgetCharge& told) {
  const BudgetRule& rule = *told.rule;
  const std::string wanted = Amount(rule, told.amounts.In(rule.unit()));
  switch (told.obstacle) {
    case BudgetObstacle::kTurns:
      if (told.is_short) {
        return absl::StrCat(" has ", Calls(told.remaining),
                            " left for all replicas of the gateway, of which "
                            "this one may take ",
                            told.room, " for now and the others the rest");
      }
      return told.remaining == 0 && told.reset_time == 0
                 ? " is used up by calls under way"
                 : " has no call left";
    case BudgetObstacle::kRequest:
      return absl::StrCat(" lets one call take ", Amount(rule, told.remaining),
                          ", and this one is estimated to take ", wanted,
                          ": ask for less");
    case BudgetObstacle::kNoPrice:
      return " needs to know what calls cost, and this model has no price: an "
             "operator can give it one in prices.models";
    case BudgetObstacle::kExpired:
      return absl::StrCat(" is over since ", TimeText(told.expire_time),
                          ": an operator can allocate another");
    default:
      if (told.is_short) {
        return absl::StrCat(" has ", Amount(rule, told.remaining),
                            " left for all replicas of the gateway, of which "
                            "this one may take ",
                            Amount(rule, told.room),
                            " for now and the others the rest, and this call "
                            "is estimated to take ",
                            wanted);
      }
      return absl::StrCat(" has ", Amount(rule, told.remaining),
                          " left, and this call is estimated to take ", wanted);
  }
}

std::string Advice(const BudgetCharge& told) {
  if (told.obstacle != BudgetObstacle::kSpent &&
      told.obstacle != BudgetObstacle::kTurns) {
    return "";
  }
  if (told.is_short) return ": try again in a moment";
  if (told.reset_time == 0) return ": try again when other calls have ended";
  if (told.reset_time != BudgetWindow::kNever) {
    return absl::StrCat(": try again at ", TimeText(told.reset_time));
  }
  return told.remaining > 0 ? ": ask for less, or for another budget"
                            : ": an operator can allocate more";
}

absl::Status NotAllocatedFault() {
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_BUDGET_EXCEEDED,
      "nothing is allocated to this session, and budgets.sessions requires "
      "it: name a session, work order or agent in scope that has a budget, or "
      "have an operator allocate one");
  AddFaultMetadata(fault, "limit", kSessionBudget);
  AddFaultMetadata(fault, "code", "NOT_ALLOCATED");
  return fault;
}

// Does not tell whose it is.
absl::Status OthersFault(const BudgetCharge& told) {
  const BudgetScope scope = told.rule->ScopeOf(*told.subject);
  const std::string_view session =
      scope.ValueOf(config::LIMIT_DIMENSION_SESSION);
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_FORBIDDEN,
      absl::StrCat("the session '", ToAbsl(session),
                   "' is another caller's, who was first to name it "
                   "(budgets.sessions.bind_caller): name one of your own"));
  AddFaultMetadata(fault, "rule", "budgets.sessions.bind_caller");
  AddFaultMetadata(fault, "session", session);
  return fault;
}

absl::Status NoPlaceFault() {
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_BUDGET_EXCEEDED,
      "this session has not begun, and there is no place for another one, "
      "whose it is (budgets.sessions.bind_caller): go on with one that has "
      "begun; an operator can make budgets.scopes_limit larger");
  AddFaultMetadata(fault, "limit", kSessionBudget);
  AddFaultMetadata(fault, "code", "NO_PLACE");
  return fault;
}

// How long until the charge, which refuses, would not; without end if waiting
// does not help.
absl::Duration WaitOf(const BudgetCharge& charge, absl::Time now) {
  if (charge.reset_time == BudgetWindow::kNever) {
    return absl::InfiniteDuration();
  }
  if (charge.reset_time == 0) return kCallsEndDelay;
  return std::max(kCallsEndDelay,
                  absl::FromUnixSeconds(charge.reset_time) - now);
}

// The charge that refuses for longest; of several the first, null if none
// refuses.
const BudgetCharge* LongestRefusal(absl::Span<const BudgetCharge> charges,
                                   absl::Time now) {
  const BudgetCharge* longest = nullptr;
  for (const BudgetCharge& charge : charges) {
    if (!charge.refuses()) continue;
    if (longest == nullptr || WaitOf(charge, now) > WaitOf(*longest, now)) {
      longest = &charge;
    }
  }
  return longest;
}

}  // namespace

std::string_view BudgetDenialCode(absl::Span<const BudgetCharge> charges,
                                  const BudgetCharge& told) {
  switch (told.obstacle) {
    case BudgetObstacle::kTurns:
      return "TURN_LIMIT";
    case BudgetObstacle::kRequest:
      return "REQUEST_BUDGET_EXCEEDED";
    case BudgetObstacle::kNoPrice:
      return "BUDGET_ENFORCEMENT_ERROR";
    case BudgetObstacle::kExpired:
    case BudgetObstacle::kNotAllocated:
      return "NOT_ALLOCATED";
    case BudgetObstacle::kNoPlace:
      return "NO_PLACE";
    case BudgetObstacle::kSpent:
    case BudgetObstacle::kOthers:
    case BudgetObstacle::kNone:
      break;
  }
  return told.rule->is_of_session() && HasWithin(charges, told)
             ? "HIERARCHY_EXCEEDED"
             : CodeOfSpent(*told.rule);
}

absl::Status BudgetFault(absl::Span<const BudgetCharge> charges,
                         absl::Time now) {
  for (const BudgetCharge& charge : charges) {
    if (charge.obstacle == BudgetObstacle::kOthers) return OthersFault(charge);
    if (charge.obstacle == BudgetObstacle::kNoPlace) return NoPlaceFault();
  }
  const BudgetCharge* const longest = LongestRefusal(charges, now);
  if (longest == nullptr) return NotAllocatedFault();
  const BudgetCharge& told = *longest;
  const BudgetRule& rule = *told.rule;
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_BUDGET_EXCEEDED,
      absl::StrCat("the budget ", rule.name(), Allowance(rule, told.in_force),
                   Why(told), Advice(told)));
  AddFaultMetadata(fault, "limit", rule.name());
  AddFaultMetadata(fault, "code", BudgetDenialCode(charges, told));
  const bool counts_calls = told.obstacle == BudgetObstacle::kTurns;
  AddFaultMetadata(fault, "unit",
                   counts_calls ? "calls" : LimitUnitName(rule.unit()));
  AddFaultMetadata(fault, "remaining", absl::StrCat(told.remaining));
  AddFaultMetadata(
      fault, "requested",
      absl::StrCat(counts_calls ? 1 : told.amounts.In(rule.unit())));
  if (told.is_short) {
    AddFaultMetadata(fault, "available", absl::StrCat(told.room));
  }
  const std::string names = rule.DimensionNames();
  if (!names.empty()) AddFaultMetadata(fault, "subject", names);
  if (told.reset_time != 0 && told.reset_time != BudgetWindow::kNever) {
    AddFaultMetadata(fault, "reset_time", TimeText(told.reset_time));
  }
  if (told.expire_time != 0) {
    AddFaultMetadata(fault, "expire_time", TimeText(told.expire_time));
  }
  const absl::Duration wait = WaitOf(told, now);
  if (wait != absl::InfiniteDuration()) SetRetryDelay(fault, wait);
  for (const BudgetCharge& charge : charges) {
    if (!charge.refuses()) continue;
    const std::string of = charge.rule->DimensionNames();
    AddQuotaViolation(fault, of.empty() ? "all calls" : of,
                      absl::StrCat(charge.rule->name(),
                                   Allowance(*charge.rule, charge.in_force)));
  }
  return fault;
}

std::string BudgetWarningText(const BudgetCharge& charge) {
  const BudgetRule& rule = *charge.rule;
  const std::string which = absl::StrCat("the budget ", rule.name(),
                                         Allowance(rule, charge.in_force));
  if (charge.filled == BudgetFilled::kUsedUp) {
    return absl::StrCat(which, " is used up: calls are ",
                        rule.mode() == BudgetMode::kEnforce
                            ? "refused"
                            : "served all the same");
  }
  if (charge.filled == BudgetFilled::kNotNear &&
      charge.obstacle != BudgetObstacle::kNone) {
    return absl::StrCat(which, Why(charge),
                        "; the call is served all the same");
  }
  if (charge.turns_left.has_value()) {
    return absl::StrCat(which, " is nearly spent: ", Calls(*charge.turns_left),
                        *charge.turns_left == 1 ? " is left" : " are left");
  }
  const int64_t left =
      charge.filled == BudgetFilled::kNear
          ? charge.left.value_or(0)
          : std::max<int64_t>(
                charge.remaining - charge.amounts.In(rule.unit()), 0);
  return absl::StrCat(which, " is nearly spent: ", Amount(rule, left),
                      " are left");
}

}  // namespace gateway
