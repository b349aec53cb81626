#include "tests/simulation/money_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"

namespace gateway {
namespace {

constexpr size_t kBytesPerToken = 4;
constexpr int64_t kTokensPerMessage = 4;

int64_t TokensOf(size_t bytes) {
  return static_cast<int64_t>((bytes + kBytesPerToken - 1) / kBytesPerToken);
}

bool WasSent(const Attempt& attempt) {
  return attempt.progress.dispatched != -absl::InfiniteDuration();
}

}  // namespace

int64_t MoneyRules::Now() const {
  return absl::ToUnixSeconds(watched_.clock->WallTime());
}

int64_t MoneyRules::PromptTokens(size_t call) const {
  return TokensOf(PromptOf(scenario_.calls[call]).size()) + kTokensPerMessage;
}

BudgetModel::Request MoneyRules::EstimateAt(size_t call,
                                            std::string_view model) const {
  const int64_t expected = scenario_.money->expected_output_tokens;
  return {.model = std::string(model),
          .input = PromptTokens(call),
          .output = std::min<int64_t>(
              expected,
              scenario_.calls[call].output_tokens_limit.value_or(expected))};
}

bool MoneyRules::IsUnderWay(const CallState& call) const {
  return std::any_of(call.asks.begin(), call.asks.end(), [&](size_t ask) {
    return asks_.at(ask).ending == Ending::kUnderWay;
  });
}

bool MoneyRules::IsFailing() const {
  const LedgerWriter::Counts counts = watched_.writer->counts();
  return counts.failing || counts.kept > 0;
}

void MoneyRules::CallBegins(size_t call, const Call& running) {
  Look();
  const ScenarioCall& scripted = scenario_.calls[call];
  CallState& state = calls_[call];
  state.running = &running;
  state.last_end = Now();
  running_.insert(call);
  BudgetModel::Verdict verdict = budgets_.Begins(
      call,
      EstimateAt(call, scenario_.routes[scripted.route].targets.front().model),
      Now());
  state.refused_by = std::move(verdict.refused_by);
  state.warnings = verdict.warnings;
}

void MoneyRules::Delivers(size_t call, std::string_view text) {
  CallState& state = calls_[call];
  state.delivered += text.size();
  for (const size_t ask : state.asks) {
    // The one whose pieces these are.
    if (text.starts_with(absl::StrCat(ask, ":"))) {
      state.delivers = asks_[ask].model;
    }
  }
  if (budgets_.Holds(call)) {
    budgets_.Grows(call, state.delivers, TokensOf(state.delivered));
  }
  Look();
}

void MoneyRules::Answers(size_t call) { CheckEnd(call, /*well=*/true); }

void MoneyRules::TellsEnd(size_t call, const absl::Status& outcome) {
  CheckEnd(call, outcome.ok());
  const bool by_budget =
      FaultReason(outcome) == v1::ERROR_REASON_BUDGET_EXCEEDED;
  const std::string& refused_by = calls_[call].refused_by;
  // What has kept it from other targets than the first names the last one.
  const bool by_target = !FaultMetadata(outcome, "provider").empty() &&
                         budgets_.MayPassOver(FaultMetadata(outcome, "limit"));
  if (by_budget && refused_by.empty() && !by_target) {
    broken_(absl::StrCat("call ", call,
                         " is refused by a budget, and each has room for it"));
  } else if (!by_budget && !refused_by.empty()) {
    broken_(absl::StrCat("call ", call, " is not refused, and ", refused_by,
                         " has no room for it"));
  }
}

void MoneyRules::IsAsked(size_t ask, size_t call, std::string_view provider,
                         std::string_view model) {
  Look();
  CallState& state = calls_[call];
  const std::string target = absl::StrCat(ToAbsl(provider), "/", ToAbsl(model));
  if (!state.refused_by.empty()) {
    broken_(absl::StrCat("call ", call, " is let in, and ", state.refused_by,
                         " has no room for it"));
  }
  // Said of calls that are served, once.
  warnings_ += std::exchange(state.warnings, 0);
  const int asked = state.asked[target]++;
  const bool may_go_on = scenario_.money->degrades && IsFailing();
  if (state.dispatched[target] <= asked && !may_go_on) {
    broken_(absl::StrCat("call ", call, " asks ", target,
                         " before its DISPATCH is written"));
  }
  asks_[ask] = {.call = call, .model = std::string(model)};
  state.asks.push_back(ask);
}

void MoneyRules::Tells(size_t ask, int64_t input, int64_t output) {
  asks_[ask].told_input = input;
  asks_[ask].told_output = output;
}

void MoneyRules::Says(size_t ask, size_t bytes) {
  Look();
  asks_[ask].said += bytes;
}

void MoneyRules::Finishes(size_t ask, size_t bytes) {
  asks_[ask].said += bytes;
  Ends(ask, Ending::kFinished);
}

void MoneyRules::Fails(size_t ask, bool timed_out, bool given_up) {
  Ends(ask, given_up    ? Ending::kGivenUp
            : timed_out ? Ending::kTimedOut
                        : Ending::kFailed);
}

void MoneyRules::IsGivenUp(size_t ask) { Ends(ask, Ending::kGivenUp); }

void MoneyRules::Ends(size_t ask, Ending ending) {
  Look();
  Ask& state = asks_[ask];
  state.ending = ending;
  calls_[state.call].last_end = Now();
}

std::optional<MoneyRules::Bill> MoneyRules::BillOf(const Ask& ask,
                                                   bool answered) const {
  Bill bill;
  int64_t input = ask.told_input;
  int64_t output = ask.told_output;
  const bool is_told = input != 0 || output != 0;
  const int64_t prompt = PromptTokens(ask.call);
  if (answered) {
    if (!is_told || ask.ending != Ending::kFinished) {
      bill.estimated = true;
      if (input == 0) input = prompt;
      output = std::max(output, TokensOf(ask.said));
    }
  } else {
    // The provider may still be at work on it, or was.
    const bool left = ask.sent && (ask.ending == Ending::kTimedOut ||
                                   ask.ending == Ending::kGivenUp ||
                                   ask.ending == Ending::kFinished);
    if (!left && !is_told) return std::nullopt;
    if (left) {
      bill.estimated = true;
      if (input == 0) input = prompt;
    }
  }
  bill.amounts = {
      .input = input,
      .output = output,
      .cost = budgets_.CostOf(ask.model, input, output).value_or(0)};
  return bill;
}

void MoneyRules::FindAsked() {
  for (const size_t number : running_) {
    CallState& call = calls_[number];
    if (call.settled || !budgets_.Holds(number)) continue;
    size_t at = 0;
    for (const Attempt& attempt : call.running->attempts) {
      if (at++ < call.attempts) continue;
      ++call.attempts;
      const BudgetModel::Request request = EstimateAt(number, attempt.model);
      std::string refused_by = budgets_.Asks(number, request, Now());
      if (!refused_by.empty()) {
        // It may have fitted since another call was settled.
        FindSettled();
        refused_by = budgets_.Asks(number, request, Now());
      }
      if (refused_by.empty()) continue;
      broken_(absl::StrCat("call ", number, " asks ", ToAbsl(attempt.provider),
                           "/", ToAbsl(attempt.model), ", and ", refused_by,
                           " has no room for it"));
    }
  }
}

void MoneyRules::FindSettled() {
  for (const size_t number : running_) {
    CallState& call = calls_[number];
    if (call.settled || !budgets_.Holds(number) || IsUnderWay(call)) continue;
    const CallBudgets* const real = call.running->budgets.get();
    if (real == nullptr || real->HoldsAny()) continue;
    Settle(number, call);
  }
}

void MoneyRules::Settle(size_t number, CallState& call) {
  call.settled = true;
  SpentAmounts real;
  std::vector<std::pair<std::string, SpentAmounts>> at;
  bool is_billed = false;
  size_t next = 0;
  for (const Attempt& attempt : call.running->attempts) {
    if (!WasSent(attempt) || next >= call.asks.size()) continue;
    const Ask& ask = asks_[call.asks[next++]];
    is_billed = is_billed || attempt.answered;
    std::optional<Bill> bill = BillOf(ask, attempt.answered);
    if (!bill.has_value()) continue;
    is_billed = true;
    real += bill->amounts;
    bill->amounts.turns = 1;
    at.emplace_back(ask.model, bill->amounts);
  }
  if (!is_billed) return budgets_.GivesBack(number);
  real.turns = 1;
  // Found now, it may have been charged a while ago, on the ledger's thread.
  const int64_t second = call.running->budgets->settled().time;
  if (second < call.last_end || second > Now()) {
    broken_(absl::StrCat("call ", number, " is charged at ", second,
                         ", which is not when it has ended"));
  }
  call.charged = real;
  call.charges = budgets_.Settles(number, real, at, second);
  if (!call.charges.empty()) uncommitted_.insert(number);
}

void MoneyRules::CheckEnd(size_t number, bool well) {
  Look();
  CallState& call = calls_[number];
  call.has_end = true;
  if (budgets_.Holds(number)) {
    broken_(absl::StrCat("call ", number,
                         " has its end, and holds what it has reserved"));
  }
  // What cannot be written is kept, and who hears of a failure hears of that.
  if (IsFailing() && (!well || scenario_.money->degrades)) return;
  bool was_asked = false;
  for (const Attempt& attempt : call.running->attempts) {
    const CallLedger::RoundTrip* const trip =
        call.running->ledger->Find(&attempt);
    if (trip == nullptr) continue;
    was_asked = true;
    if (ledger_.Find(trip->exchange_id) == nullptr) {
      broken_(absl::StrCat("call ", number, " has its end before its EXCHANGE ",
                           "with ", ToAbsl(attempt.provider), "/",
                           ToAbsl(attempt.model), " is written"));
    }
  }
  if (!well && !was_asked && call.rejections == 0) {
    broken_(absl::StrCat("call ", number,
                         " is refused before its PROMPT_REJECTED is written"));
  }
}

void MoneyRules::CallEnds(size_t number, const absl::Status& outcome) {
  Look();
  CallState& call = calls_[number];
  CheckTrips(number, call);
  call.is_rejected = !outcome.ok() && call.trips == 0;
  call.is_over = true;
  // Told above, if it was not right.
  if (budgets_.Holds(number)) budgets_.GivesBack(number);
  call.running = nullptr;
  running_.erase(number);
}

void MoneyRules::CheckTrips(size_t number, CallState& call) {
  size_t next = 0;
  for (const Attempt& attempt : call.running->attempts) {
    Bill bill;
    if (WasSent(attempt) && next < call.asks.size()) {
      const Ask& ask = asks_[call.asks[next++]];
      bill = BillOf(ask, attempt.answered).value_or(Bill());
    }
    SpentAmounts told;
    bool estimated = false;
    if (attempt.usage != nullptr) {
      told = {.input = attempt.usage->input_tokens(),
              .output = attempt.usage->output_tokens(),
              .cost = attempt.usage->cost_usd_nanos()};
      estimated = attempt.usage->estimated();
    }
    if (told != bill.amounts || estimated != bill.estimated) {
      broken_(absl::StrCat("call ", number, " is said to have taken ",
                           told.Text(), " of ", ToAbsl(attempt.provider), "/",
                           ToAbsl(attempt.model), ", where ",
                           bill.amounts.Text(), " would be right"));
    }
    billed_ += bill.amounts;
    const v1::GenerateResponse* const answer = attempt.answer.response;
    if (attempt.answered && answer != nullptr &&
        answer->usage().cost_usd_nanos() != bill.amounts.cost) {
      broken_(absl::StrCat("the answer of call ", number, " costs ",
                           answer->usage().cost_usd_nanos(), " in place of ",
                           bill.amounts.cost));
    }
    const CallLedger::RoundTrip* const trip =
        call.running->ledger->Find(&attempt);
    if (trip == nullptr) {
      if (!WasSent(attempt)) continue;
      broken_(absl::StrCat("call ", number, " has asked ",
                           ToAbsl(attempt.provider), "/", ToAbsl(attempt.model),
                           " without a DISPATCH"));
      continue;
    }
    ++call.trips;
    trips_[trip->dispatch_id] = {.call = number,
                                 .exchange_id = trip->exchange_id,
                                 .amounts = bill.amounts,
                                 .estimated = bill.estimated};
  }
}

void MoneyRules::IsWritten(std::string_view texts) {
  Look();
  for (const LedgerLine& line : ledger_.Commits(texts)) {
    if (ledger_.CountOf(line.id) > 1) {
      broken_(absl::StrCat("an entry ", line.type, " is written twice"));
      continue;
    }
    CheckLine(line);
  }
}

void MoneyRules::CheckLine(const LedgerLine& line) {
  if (line.type == "BUDGET_WARNING") {
    --warnings_;
    return;
  }
  if (!line.call.has_value()) {
    broken_(absl::StrCat("an entry ", line.type, " is of no call"));
    return;
  }
  CallState& call = calls_[*line.call];
  if (line.type == "DISPATCH") {
    constexpr std::string_view kBegin = "Dispatching to ";
    ++call.dispatched[line.reason.substr(kBegin.size())];
  } else if (line.type == "EXCHANGE") {
    // It was to be asked, and may have been left before.
    warnings_ += std::exchange(call.warnings, 0);
    const LedgerLine* const dispatch = ledger_.Find(line.dispatch_id);
    if (dispatch == nullptr || dispatch->type != "DISPATCH") {
      broken_(absl::StrCat("call ", *line.call,
                           " has an EXCHANGE without a DISPATCH"));
    }
    if (!exchanges_.insert(line.dispatch_id).second) {
      broken_(absl::StrCat("call ", *line.call,
                           " has two EXCHANGEs of one DISPATCH"));
    }
  } else if (line.type == "PROMPT_REJECTED") {
    ++call.rejections;
  } else if (line.type == "BUDGET_DEBIT") {
    CheckDebit(line);
  } else {
    broken_(absl::StrCat("call ", *line.call, " has an entry ", line.type));
  }
}

void MoneyRules::CheckDebit(const LedgerLine& line) {
  CallState& call = calls_[*line.call];
  BudgetModel::Charges said = line.charges;
  const auto by_name = [](const auto& a, const auto& b) {
    return a.first < b.first;
  };
  std::stable_sort(said.begin(), said.end(), by_name);
  std::stable_sort(call.charges.begin(), call.charges.end(), by_name);
  const bool is_right = said == call.charges;
  if (call.charges.empty()) {
    broken_(absl::StrCat("call ", *line.call,
                         " has a BUDGET_DEBIT too many, or before its end"));
  } else if (!is_right) {
    broken_(absl::StrCat(
        "the BUDGET_DEBIT of call ", *line.call, " charges ",
        said.empty()
            ? "nothing"
            : absl::StrCat(said.front().first, " ", said.front().second.Text()),
        ", where ", call.charges.front().first, " ",
        call.charges.front().second.Text(), " would be right"));
  }
  call.charges.clear();
  uncommitted_.erase(*line.call);
}

}  // namespace gateway
