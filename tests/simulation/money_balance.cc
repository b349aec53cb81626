// What MoneyRules finds by comparing budgets, ledger and sums with the models.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "service/budgets/budget_spend.h"
#include "service/ledger/ledger_log.h"
#include "tests/simulation/money_rules.h"

namespace gateway {
namespace {

using Standings = std::map<std::string, BudgetModel::Standing>;

SpentAmounts AmountsOf(const BudgetAmounts& amounts) {
  return {.input = amounts.input_tokens,
          .output = amounts.output_tokens,
          .cost = amounts.cost_usd_nanos,
          .turns = amounts.turns};
}

std::string ScopeNameOf(const BudgetScope& scope) {
  std::vector<std::pair<std::string, std::string>> subject;
  for (const auto& [dimension, value] : scope.subject) {
    subject.emplace_back(LimitDimensionName(dimension), value);
  }
  return absl::StrCat(BudgetModel::ScopeName(scope.budget, std::move(subject)),
                      scope.others ? " of others" : "");
}

Standings StandingsOf(BudgetTable& table, int64_t now) {
  Standings standings;
  table.ForEach(now, [&](const BudgetStanding& each) {
    const BudgetModel::Standing standing{
        .spent = AmountsOf(each.account.spend.sum()),
        .reserved = AmountsOf(each.reserved)};
    if (standing == BudgetModel::Standing()) return;
    standings.emplace(ScopeNameOf(each.scope), standing);
  });
  return standings;
}

Standings StandingsOf(const BudgetBook& book, int64_t now) {
  Standings standings;
  book.ForEach([&](const BudgetScope& scope, const BudgetAccount& account) {
    BudgetSpend spend = account.spend;
    spend.ForgetBefore(account.window, now);
    const BudgetModel::Standing standing{.spent = AmountsOf(spend.sum())};
    if (standing == BudgetModel::Standing()) return;
    standings.emplace(ScopeNameOf(scope), standing);
  });
  return standings;
}

// What is reserved left out.
Standings Spent(const Standings& standings) {
  Standings spent;
  for (const auto& [name, standing] : standings) {
    if (standing.spent == SpentAmounts()) continue;
    spent[name].spent = standing.spent;
  }
  return spent;
}

// The first difference; empty if there is none.
std::string Difference(const Standings& real, const Standings& right) {
  Standings all = real;
  all.insert(right.begin(), right.end());
  for (const auto& [name, ignored] : all) {
    const auto at = [&name = name](const Standings& standings) {
      const auto found = standings.find(name);
      return found == standings.end() ? BudgetModel::Standing()
                                      : found->second;
    };
    if (at(real) == at(right)) continue;
    return absl::StrCat(name, " has spent ", at(real).spent.Text(),
                        " and reserved ", at(real).reserved.Text(), ", where ",
                        at(right).spent.Text(), " and ",
                        at(right).reserved.Text(), " would be right");
  }
  return "";
}

}  // namespace

void MoneyRules::Look() {
  FindAsked();
  FindSettled();
  const absl::Duration now = watched_.clock->SteadyTime();
  if (now == compared_at_) return;
  compared_at_ = now;
  CompareBudgets();
}

void MoneyRules::CompareBudgets() {
  const int64_t now = Now();
  const std::string wrong =
      Difference(StandingsOf(*watched_.table, now), budgets_.At(now));
  if (!wrong.empty()) broken_(wrong);
  const std::string beyond = budgets_.Overshoot(now);
  if (!beyond.empty()) broken_(beyond);
  const LedgerWriter::Counts counts = watched_.writer->counts();
  const bool is_idle = !in_turn_ && uncommitted_.empty() && counts.kept == 0 &&
                       counts.waiting == 0;
  if (is_idle) CompareBook(watched_.state->book(), "by the ledger");
}

void MoneyRules::CompareBook(const BudgetBook& book, std::string_view whose) {
  const int64_t now = Now();
  const std::string wrong =
      Difference(StandingsOf(book, now), Spent(budgets_.At(now)));
  if (!wrong.empty()) broken_(absl::StrCat(ToAbsl(whose), ", ", wrong));
}

void MoneyRules::SimulationEnds(const std::shared_ptr<SimulatedDisk>& disk,
                                CallSummary& summary) {
  Look();
  CompareBudgets();
  for (const auto& [name, standing] : StandingsOf(*watched_.table, Now())) {
    if (standing.reserved == SpentAmounts()) continue;
    broken_(absl::StrCat(name, " has reserved ", standing.reserved.Text(),
                         ", and no call is under way"));
  }
  const LedgerWriter::Counts counts = watched_.writer->counts();
  if (counts.kept > 0 || counts.lost > 0) {
    broken_(absl::StrCat("the ledger keeps ", counts.kept, " entries and has ",
                         "lost ", counts.lost, ", and it is well again"));
  }
  CheckLedger();
  CheckReplay(disk);
  CheckSums(summary);
}

void MoneyRules::CheckLedger() {
  for (const auto& [dispatch_id, trip] : trips_) {
    const LedgerLine* const exchange = ledger_.Find(trip.exchange_id);
    if (ledger_.Find(dispatch_id) == nullptr || exchange == nullptr) {
      broken_(absl::StrCat(exchange == nullptr ? "an EXCHANGE" : "a DISPATCH",
                           " of call ", trip.call, " is never written"));
      continue;
    }
    if (exchange->dispatch_id != dispatch_id ||
        exchange->amounts != trip.amounts ||
        exchange->estimated != trip.estimated) {
      broken_(absl::StrCat("an EXCHANGE of call ", trip.call, " says ",
                           exchange->amounts.Text(), ", where ",
                           trip.amounts.Text(), " would be right"));
    }
  }
  for (const std::string& dispatch_id : exchanges_) {
    if (trips_.contains(dispatch_id)) continue;
    broken_("an EXCHANGE is of a request that was never made");
  }
  for (size_t i = 0; i < calls_.size(); ++i) {
    const CallState& call = calls_[i];
    if (call.rejections != (call.is_rejected ? 1 : 0)) {
      broken_(absl::StrCat("call ", i, " has ", call.rejections,
                           " PROMPT_REJECTED, and was ",
                           call.is_rejected ? "refused" : "not refused"));
    }
  }
  for (const size_t call : uncommitted_) {
    broken_(absl::StrCat("the BUDGET_DEBIT of call ", call,
                         " is never written"));
  }
  if (warnings_ != 0) {
    broken_(absl::StrCat("the ledger has ", std::abs(warnings_),
                         " BUDGET_WARNINGs too ",
                         warnings_ > 0 ? "few" : "many"));
  }
}

void MoneyRules::CheckReplay(const std::shared_ptr<SimulatedDisk>& disk) {
  static constexpr LedgerPhase kWell = {};
  for (const bool from_checkpoint : {false, true}) {
    auto copy = std::make_shared<SimulatedDisk>(*disk);
    if (!from_checkpoint) copy->checkpoint = {};
    BudgetLedgerState state(absl::Hours(2160));
    const absl::StatusOr<std::unique_ptr<LedgerLog>> log = LedgerLog::Open(
        std::make_unique<SimulatedStore>(
            copy, []() -> const LedgerPhase& { return kWell; }, nullptr),
        {.state = &state});
    if (!log.ok()) {
      broken_(absl::StrCat("the ledger cannot be opened: ",
                           log.status().message()));
      return;
    }
    for (const auto& [id, left] : (*log)->open_dispatches().all()) {
      if (left.withdrawn) continue;
      const LedgerLine* const line = ledger_.Find(id);
      broken_(absl::StrCat(
          "a DISPATCH of call ",
          line == nullptr ? "nobody" : absl::StrCat(line->call.value_or(0)),
          " is open at the next start"));
    }
    CompareBook(state.book(), "at the next start");
    BudgetTable table(watched_.table->secret());
    table.Load(state.book());
    const std::string wrong = Difference(StandingsOf(table, Now()),
                                         Spent(budgets_.At(Now())));
    if (!wrong.empty()) broken_(absl::StrCat("after the next start, ", wrong));
  }
}

void MoneyRules::CheckSums(CallSummary& summary) {
  const CallTotals totals = summary.Sum({}).totals;
  const SpentAmounts summed{.input = totals[Figure::kInputTokens],
                            .output = totals[Figure::kOutputTokens],
                            .cost = totals[Figure::kCostUsdNanos]};
  if (summed == billed_) return;
  broken_(absl::StrCat("the sums have ", summed.Text(), ", where ",
                       billed_.Text(), " would be right"));
}

}  // namespace gateway
