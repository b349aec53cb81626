#include "service/budgets/budget_book.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "service/budgets/budget_record.pb.h"

namespace gateway {
namespace {

void Write(const BudgetAmounts& amounts, kept::BudgetAmountsRecord* to) {
  to->set_input_tokens(amounts.input_tokens);
  to->set_output_tokens(amounts.output_tokens);
  to->set_cost_usd_nanos(amounts.cost_usd_nanos);
  to->set_turns(amounts.turns);
}

BudgetAmounts Read(const kept::BudgetAmountsRecord& from) {
  return {.input_tokens = from.input_tokens(),
          .output_tokens = from.output_tokens(),
          .cost_usd_nanos = from.cost_usd_nanos(),
          .turns = from.turns()};
}

void Write(const BudgetSpend::Step& step, kept::BudgetStepRecord* to) {
  to->set_start(step.start);
  Write(step.amounts, to->mutable_amounts());
}

template <typename Records>
std::vector<BudgetSpend::Step> ReadSteps(const Records& from) {
  std::vector<BudgetSpend::Step> steps;
  for (const kept::BudgetStepRecord& step : from) {
    steps.push_back({.start = step.start(), .amounts = Read(step.amounts())});
  }
  return steps;
}

void Write(const BudgetAllocation& allocation,
           kept::BudgetAllocationRecord* to) {
  if (allocation.limit.has_value()) to->set_limit(*allocation.limit);
  if (allocation.turn_limit.has_value()) {
    to->set_turn_limit(*allocation.turn_limit);
  }
  to->set_expire_time(allocation.expire_time);
  to->set_removed(allocation.removed);
  to->set_version(allocation.version);
}

BudgetAllocation Read(const kept::BudgetAllocationRecord& from) {
  BudgetAllocation allocation = {.expire_time = from.expire_time(),
                                 .removed = from.removed(),
                                 .version = from.version()};
  if (from.has_limit()) allocation.limit = from.limit();
  if (from.has_turn_limit()) allocation.turn_limit = from.turn_limit();
  return allocation;
}

void Write(const BudgetScope& scope, const BudgetAccount& account,
           kept::BudgetAccountRecord* to) {
  to->set_budget(scope.budget);
  to->set_window(scope.window);
  to->set_others(scope.others);
  to->set_others_of(scope.others_of);
  for (const auto& [dimension, value] : scope.subject) {
    kept::BudgetSubjectRecord& part = *to->add_subject();
    part.set_dimension(dimension);
    part.set_value(value);
  }
  to->set_start(account.spend.start());
  to->set_last_time(account.spend.last_time());
  Write(account.spend.sum(), to->mutable_sum());
  for (const BudgetSpend::Step& step : account.spend.steps()) {
    Write(step, to->add_steps());
  }
  to->set_leap_time(account.spend.leap().time);
  for (const BudgetSpend::Step& step : account.spend.leap().before) {
    Write(step, to->add_before_leap());
  }
  if (account.allocation.has_value()) {
    Write(*account.allocation, to->mutable_allocation());
  }
  to->set_reset_version(account.reset_version);
  if (account.binding.has_value()) {
    to->set_bound_to(account.binding->caller);
    to->set_bound_time(account.binding->time);
  }
}

// False if it is none.
bool Read(const kept::BudgetAccountRecord& from, BudgetScope* scope,
          BudgetAccount* account) {
  const std::optional<BudgetWindow> window = BudgetWindow::Named(from.window());
  if (!window.has_value() || from.budget().empty()) return false;
  *scope = {.budget = from.budget(),
            .window = from.window(),
            .others = from.others(),
            .others_of = from.others_of()};
  for (const kept::BudgetSubjectRecord& part : from.subject()) {
    if (!::llmgateway::config::v1::LimitDimension_IsValid(part.dimension())) {
      return false;
    }
    scope->subject.emplace_back(static_cast<LimitDimension>(part.dimension()),
                                part.value());
  }
  account->window = *window;
  account->spend = BudgetSpend::From(
      from.start(), from.last_time(), Read(from.sum()), ReadSteps(from.steps()),
      {.time = from.leap_time(), .before = ReadSteps(from.before_leap())});
  if (from.has_allocation()) account->allocation = Read(from.allocation());
  account->reset_version = from.reset_version();
  if (from.has_bound_to()) {
    account->binding =
        BudgetBinding{.caller = from.bound_to(), .time = from.bound_time()};
  }
  return true;
}

}  // namespace

void BudgetAccount::Apply(const BudgetChange& change) {
  if (change.allocation.has_value() &&
      (!allocation.has_value() ||
       allocation->version < change.allocation->version)) {
    allocation = change.allocation;
  }
  reset_version = std::max(reset_version, change.reset_version);
  // Of one that had been forgotten, and begins anew, it is who has begun it.
  if (window.kind() == BudgetWindow::Kind::kNone && spend.start() != 0 &&
      change.binding.has_value() && change.start > spend.start()) {
    binding.reset();
  }
  Bind(change.binding, &binding);
  if (change.amounts == BudgetAmounts()) return;
  int64_t start = change.start;
  if (window.kind() == BudgetWindow::Kind::kNone &&
      start == BudgetChange::kWhereItBegan) {
    start = spend.start() == 0 ? change.time : spend.start();
  }
  // As the one who charged it has: its clock was ahead until then.
  spend.RebaseTo(window, change.time, start);
  spend.Add(window, start, change.time, change.amounts);
}

void BudgetAccount::Add(const BudgetAccount& other) {
  Apply({.allocation = other.allocation, .binding = other.binding});
  if (window.kind() == BudgetWindow::Kind::kNone) {
    // What each chain has counted began when it did.
    return spend.Add(window,
                     spend.start() == 0 ? other.spend.start() : spend.start(),
                     other.spend.last_time(), other.spend.sum());
  }
  for (const BudgetSpend::Step& step : other.spend.steps()) {
    spend.Add(window, step.start, other.spend.last_time(), step.amounts);
  }
  if (window.rolls()) return;
  spend.Add(window, other.spend.start(), other.spend.last_time(),
            other.spend.sum());
}

absl::Status BudgetBook::Apply(int64_t number, std::string_view entry) {
  if (number <= last_entry_) return absl::OkStatus();
  std::vector<BudgetChange> changes;
  GATEWAY_RETURN_IF_ERROR(ReadBudgetEntry(entry, &changes));
  for (const BudgetChange& change : changes) Apply(change);
  last_entry_ = number;
  return absl::OkStatus();
}

void BudgetBook::ApplyNext(absl::Span<const BudgetChange> changes) {
  for (const BudgetChange& change : changes) Apply(change);
  ++last_entry_;
}

void BudgetBook::Apply(const BudgetChange& change) {
  // One that is more than a day earlier shows that the clock was ahead.
  const bool was_ahead =
      change.time != 0 && last_time_ > change.time + BudgetSpend::kLeapSeconds;
  last_time_ = was_ahead ? change.time : std::max(last_time_, change.time);
  const auto [found, is_new] = accounts_.try_emplace(change.scope);
  if (is_new) {
    found->second.window =
        BudgetWindow::Named(change.scope.window).value_or(BudgetWindow());
  }
  found->second.Apply(change);
}

void BudgetBook::Add(const BudgetBook& other) {
  last_time_ = std::max(last_time_, other.last_time_);
  for (const auto& [scope, account] : other.accounts_) {
    const auto [found, is_new] = accounts_.try_emplace(scope, account);
    if (!is_new) found->second.Add(account);
  }
}

std::string BudgetBook::Checkpoint() const {
  kept::BudgetBookRecord record;
  record.set_last_entry(last_entry_);
  record.set_last_time(last_time_);
  for (const auto& [scope, account] : accounts_) {
    Write(scope, account, record.add_accounts());
  }
  return record.SerializeAsString();
}

absl::Status BudgetBook::Restore(std::string_view checkpoint) {
  kept::BudgetBookRecord record;
  if (!record.ParseFromArray(checkpoint.data(),
                             static_cast<int>(checkpoint.size()))) {
    return absl::DataLossError("the checkpoint of budgets cannot be read");
  }
  BudgetBook read;
  read.last_entry_ = record.last_entry();
  read.last_time_ = record.last_time();
  for (const kept::BudgetAccountRecord& each : record.accounts()) {
    BudgetScope scope;
    BudgetAccount account;
    if (!Read(each, &scope, &account)) {
      return absl::DataLossError(
          "the checkpoint of budgets has a scope of no budget or window");
    }
    read.accounts_.insert_or_assign(std::move(scope), std::move(account));
  }
  *this = std::move(read);
  return absl::OkStatus();
}

void BudgetBook::ForgetBefore(absl::Time now, absl::Duration retention) {
  const int64_t second = absl::ToUnixSeconds(now);
  const int64_t oldest = absl::ToUnixSeconds(now - retention);
  for (auto it = accounts_.begin(); it != accounts_.end();) {
    BudgetAccount& account = it->second;
    account.spend.ForgetBefore(account.window, second);
    const bool is_over = account.window.kind() == BudgetWindow::Kind::kNone
                             ? account.spend.last_time() < oldest
                             : account.spend.sum() == BudgetAmounts();
    it = is_over && !account.is_allocated() ? accounts_.erase(it)
                                            : std::next(it);
  }
}

void BudgetBook::ForEach(
    absl::FunctionRef<void(const BudgetScope&, const BudgetAccount&)> visit)
    const {
  for (const auto& [scope, account] : accounts_) visit(scope, account);
}

}  // namespace gateway
