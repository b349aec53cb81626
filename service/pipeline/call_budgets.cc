#include "service/pipeline/call_budgets.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/logging.h"
#include "errors/fault.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/budgets/budget_fault.h"
#include "service/identity/caller.h"
#include "service/money/cost.h"
#include "service/pipeline/call.h"
#include "service/pipeline/call_cost.h"
#include "service/pipeline/call_limits.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/pipeline/token_estimate.h"
#include "service/pipeline/usage_estimate.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

absl::Time WallTimeOf(const PlannedCall& call) {
  return call.runtime->clock().WallTime();
}

// What so many tokens cost at the target; nothing if nobody knows.
std::optional<int64_t> CostOf(const PlannedCall& call,
                              std::string_view priced_as,
                              std::string_view model,
                              const BudgetAmounts& amounts) {
  const ModelRates* const rates = call.FindPriceOnLoop(priced_as, model);
  if (rates == nullptr) return std::nullopt;
  return EstimateCost(*rates, amounts.input_tokens, amounts.output_tokens)
      .nanos();
}

// An attempt that its provider never saw has none.
const v1::Usage* UsageOf(const Attempt& attempt) {
  return attempt.replaced ? nullptr : attempt.usage;
}

// Borrows both texts.
void NameTarget(std::string_view provider, std::string_view model,
                LimitSubject* subject) {
  subject->Set(configv1::LIMIT_DIMENSION_PROVIDER, provider);
  subject->Set(configv1::LIMIT_DIMENSION_MODEL, model);
}

BudgetAmounts BilledAmounts(const v1::Usage& usage) {
  return {.input_tokens = std::max<int64_t>(usage.input_tokens(), 0),
          .output_tokens = std::max<int64_t>(usage.output_tokens(), 0),
          .cost_usd_nanos = std::max<int64_t>(usage.cost_usd_nanos(), 0)};
}

}  // namespace

std::unique_ptr<CallBudgets> CallBudgets::Of(const PlannedCall& call) {
  if (call.runtime->budgets() == nullptr || call.facts.counts ||
      call.stored_query != nullptr || TakesAnothers(call)) {
    return nullptr;
  }
  return std::unique_ptr<CallBudgets>(new CallBudgets(call));
}

CallBudgets::CallBudgets(const PlannedCall& call)
    : rules_(*call.runtime->budgets()),
      subject_(call.runtime->limits().NewSubject()),
      peer_(call.caller->id.empty() || rules_.tells_peers_apart()
                ? PeerAddressOf(call.facts.peer)
                : std::string()),
      role_(call.caller->Label(rules_.role_label())),
      charges_(call.runtime->budget_table(), AskerOf(call)) {
  DescribeCaller(call.facts.head.api, *call.caller, call.admitted.scope,
                 call.planned.reason, &subject_);
  if (rules_.tells_peers_apart()) {
    subject_.Set(configv1::LIMIT_DIMENSION_PEER, peer_);
  }
  Estimate(call);
}

void CallBudgets::Estimate(const PlannedCall& call) {
  const PlannedTarget& target = call.planned.first;
  estimate_ = {.input_tokens = GuessedInputTokens(call), .turns = 1};
  if (call.embed == nullptr) {
    estimate_.output_tokens =
        call.ExpectedOutputTokens(rules_.expected_output_tokens());
  }
  const std::optional<int64_t> cost = CostOf(call, PricedAs(*target.provider),
                                             target.upstream_model, estimate_);
  price_known_ = cost.has_value();
  estimate_.cost_usd_nanos = cost.value_or(0);
  NameTarget(target.provider->name, target.recorded_model, &subject_);
}

std::string_view CallBudgets::AskerOf(const PlannedCall& call) const {
  return call.caller->id.empty() ? std::string_view(peer_) : call.caller->id;
}

CallBudgets::AtTarget* CallBudgets::AskTarget(const PlannedCall& call,
                                              const PlannedTarget& target) {
  auto at = std::make_unique<AtTarget>(subject_, call.runtime->budget_table(),
                                       AskerOf(call));
  NameTarget(target.provider->name, target.recorded_model, &at->subject);
  BudgetAmounts estimate = estimate_;
  const std::optional<int64_t> cost = CostOf(call, PricedAs(*target.provider),
                                             target.upstream_model, estimate);
  estimate.cost_usd_nanos = cost.value_or(0);
  bool asks = false;
  ForEachRule(call, at->subject,
              [&](const BudgetRule& rule, const BudgetTerms& terms) {
                if (!rule.is_of_target() ||
                    rule.mode() != BudgetMode::kEnforce ||
                    Holds(rule, rule.KeyOf(at->subject))) {
                  return;
                }
                at->charges.Ask(rule, at->subject, terms, estimate,
                                cost.has_value());
                asks = true;
              });
  if (!asks) return nullptr;
  return at_targets_.emplace_back(std::move(at)).get();
}

bool CallBudgets::HoldsAny() const {
  return charges_.HoldsAny() ||
         std::any_of(at_targets_.begin(), at_targets_.end(),
                     [](const auto& at) { return at->charges.HoldsAny(); });
}

bool CallBudgets::Holds(const BudgetRule& rule, const CounterKey& key) const {
  return charges_.Holds(rule, key) ||
         std::any_of(
             at_targets_.begin(), at_targets_.end(),
             [&](const auto& at) { return at->charges.Holds(rule, key); });
}

void CallBudgets::Cancel() {
  charges_.Cancel();
  for (const auto& at : at_targets_) at->charges.Cancel();
}

template <typename Use>
void CallBudgets::ForEachRule(const PlannedCall& call, LimitSubject& subject,
                              const Use& use) const {
  rules_.ForEach(subject, call.caller->budget,
                 !call.admitted.scope.agent_id.empty(),
                 [&](const BudgetRule& rule) {
                   use(rule, TermsOf(rule, subject));
                 });
}

template <typename Use>
void CallBudgets::ForEachTargetRule(const PlannedCall& call,
                                    const Attempt& attempt,
                                    LimitSubject& subject,
                                    const Use& use) const {
  NameTarget(attempt.provider, attempt.model, &subject);
  ForEachRule(call, subject,
              [&](const BudgetRule& rule, const BudgetTerms& terms) {
                if (rule.is_of_target()) use(rule, terms);
              });
}

BudgetTerms CallBudgets::TermsOf(const BudgetRule& rule,
                                 LimitSubject& subject) const {
  if (rule.has_overrides()) {
    const BudgetTerms* const own = rule.OverrideOf(rule.KeyOf(subject));
    if (own != nullptr) return *own;
  }
  return rule.allocated_only() ? BudgetTerms() : rules_.TermsFor(rule, role_);
}

absl::Status CallBudgets::Reserve(const PlannedCall& call) {
  const bool again = NeedsToAsk();
  if (!again) {
    ForEachRule(call, subject_,
                [&](const BudgetRule& rule, const BudgetTerms& terms) {
                  charges_.Ask(rule, subject_, terms, estimate_, price_known_);
                });
  }
  const absl::Time now = WallTimeOf(call);
  const bool needs_session = rules_.requires_allocation() &&
                             rules_.session_mode() == BudgetMode::kEnforce;
  const bool reserved = charges_.Reserve(now, needs_session);
  if (!reserved) return charges_.Refusal(now);
  if (charges_.HasNews()) TellCharges();
  return absl::OkStatus();
}

void CallBudgets::TellCharges() {
  exceeded_ = charges_.Exceeded();
  TellNear(charges_, subject_);
}

void CallBudgets::TellNear(const BudgetCharges& charges,
                           const LimitSubject& subject) {
  for (const BudgetCharge& charge : charges.charges()) {
    if (charge.obstacle == BudgetObstacle::kNone && !charge.near) continue;
    const std::string text = BudgetWarningText(charge);
    v1::Warning& warning = warnings_.emplace_back();
    warning.set_field(absl::StrCat("budgets.", charge.rule->name()));
    warning.set_message(text);
    if (charge.first_near || charge.first_exceeded) {
      LogWarning(charge, subject, text);
    }
  }
}

void CallBudgets::TellFilled(const BudgetCharge& charge) {
  if (charge.filled == BudgetFilled::kNotNear) return;
  const std::string text = BudgetWarningText(charge);
  const std::string field = absl::StrCat("budgets.", charge.rule->name());
  // Of a target that several attempts were charged for, the last counts.
  auto told = std::find_if(late_warnings_.begin(), late_warnings_.end(),
                           [&](const LateWarning& each) {
                             return each.scope == charge.key &&
                                    each.warning.field() == field;
                           });
  if (told == late_warnings_.end()) {
    told = late_warnings_.insert(told, LateWarning{.scope = charge.key});
    told->warning.set_field(field);
  }
  told->warning.set_message(text);
  if (charge.first_filled) LogWarning(charge, subject_, text);
}

void CallBudgets::LogWarning(const BudgetCharge& charge,
                             const LimitSubject& subject,
                             const std::string& text) {
  Log(LogLevel::kWarn, "budgets", text,
      {{"budget", charge.rule->name()},
       {"scope", charge.rule->ScopeOf(subject).Text()}});
}

void CallBudgets::Grow(const BudgetAmounts& amounts, LimitSubject& delivering,
                       BudgetCharges* charges) {
  charges->Grow(amounts, delivering);
  for (const BudgetCharge& charge : charges->charges()) {
    if (!charge.first_filled) continue;
    LogWarning(charge, delivering, BudgetWarningText(charge));
  }
}

std::vector<BudgetChange> CallBudgets::IfBilled(const PlannedCall& call,
                                                const Attempt& attempt,
                                                const v1::Usage& usage,
                                                int64_t turns,
                                                absl::Time now) const {
  BudgetAmounts billed = BilledAmounts(usage);
  billed.turns = turns;
  std::vector<BudgetChange> changes = charges_.IfTaken(billed, now);
  if (!rules_.has_target_rules()) return changes;
  billed.turns = 1;
  LimitSubject subject = subject_;
  ForEachTargetRule(call, attempt, subject,
                    [&](const BudgetRule& rule, const BudgetTerms& terms) {
                      charges_.AddTargetIfTaken(rule, subject, terms, billed,
                                                now, &changes);
                    });
  return changes;
}

void CallBudgets::Finish(const Call& call) {
  BudgetAmounts real;
  bool answered = false;
  for (const Attempt& attempt : call.attempts) {
    answered = answered || attempt.answered;
    const v1::Usage* const usage = UsageOf(attempt);
    if (usage == nullptr) continue;
    real += BilledAmounts(*usage);
    answered = true;
  }
  // Nobody was asked, or nobody has billed it.
  if (!answered) return Cancel();
  real.turns = 1;
  due_ = real;
  // Which targets are charged something is not known before they are.
  if (call.ledger == nullptr || rules_.has_target_rules()) Settle(call);
}

void CallBudgets::Settle(const Call& call) {
  if (!due_.has_value()) return;
  const BudgetAmounts real = *std::exchange(due_, std::nullopt);
  const absl::Time now = WallTimeOf(call);
  BudgetSettlement* const settled =
      call.runtime->config().has_ledger() ? &settled_ : nullptr;
  charges_.Settle(real, now, settled);
  for (const BudgetCharge& charge : charges_.charges()) TellFilled(charge);
  if (rules_.has_target_rules()) ChargeTargets(call, now, settled);
  remaining_.TakeLess(charges_.WhatRemains(now));
}

void CallBudgets::ChargeTargets(const Call& call, absl::Time now,
                                BudgetSettlement* settled) {
  std::vector<const BudgetCharges*> counted;
  for (const auto& at : at_targets_) {
    if (!at->charges.HoldsAny()) continue;
    at->charges.Cancel();
    counted.push_back(&at->charges);
  }
  // Of attempts that are of one scope the first is the call's turn there.
  std::vector<CounterKey> had_turn;
  for (const Attempt& attempt : call.attempts) {
    const v1::Usage* const usage = UsageOf(attempt);
    if (usage == nullptr) continue;
    BudgetAmounts of_target = BilledAmounts(*usage);
    ForEachTargetRule(call, attempt, subject_,
                      [&](const BudgetRule& rule, const BudgetTerms& terms) {
                        const CounterKey scope = rule.KeyOf(subject_);
                        const bool is_first =
                            std::find(had_turn.begin(), had_turn.end(),
                                      scope) == had_turn.end();
                        if (is_first) had_turn.push_back(scope);
                        of_target.turns = is_first ? 1 : 0;
                        TellFilled(charges_.ChargeTarget(
                            rule, subject_, terms, of_target, now, settled));
                      });
  }
  for (const BudgetCharges* const each : counted) {
    remaining_.TakeLess(each->WhatRemains(now));
  }
}

absl::Status ReserveBudgets(Call& call) {
  call.budgets = CallBudgets::Of(call);
  return call.budgets == nullptr ? absl::OkStatus()
                                 : call.budgets->Reserve(call);
}

bool WaitsForReplicas(const Call& call) {
  return call.budgets != nullptr && call.budgets->NeedsToAsk() &&
         call.runtime->ports().budget_sharer != nullptr;
}

Task<absl::Status> ReserveAgain(Call& call) {
  BudgetSharer& sharer = *call.runtime->ports().budget_sharer;
  co_await sharer.AwaitExchange();
  absl::Status reserved = call.budgets->Reserve(call);
  if (reserved.ok() || !call.budgets->NeedsToAsk()) co_return reserved;
  // What others do not use of what they were promised they give back.
  co_await sharer.AwaitLaterExchange();
  reserved = call.budgets->Reserve(call);
  if (!reserved.ok()) call.budgets->CountShort();
  co_return reserved;
}

Task<absl::Status> ReserveTarget(const PlannedCall& call,
                                 const PlannedTarget& target, bool may_wait,
                                 BudgetReservation* reservation) {
  CallBudgets& budgets = *call.budgets;
  CallBudgets::AtTarget* const at = budgets.AskTarget(call, target);
  if (at == nullptr) co_return absl::OkStatus();
  BudgetCharges& charges = at->charges;
  bool reserved = charges.Reserve(WallTimeOf(call));
  BudgetSharer* const sharer = call.runtime->ports().budget_sharer;
  if (may_wait && charges.NeedsToAsk() && sharer != nullptr) {
    // As ReserveAgain.
    co_await sharer->AwaitExchange();
    reserved = charges.Reserve(WallTimeOf(call));
    if (charges.NeedsToAsk()) {
      co_await sharer->AwaitLaterExchange();
      reserved = charges.Reserve(WallTimeOf(call));
    }
    if (!reserved) charges.CountShort();
  }
  if (!reserved) {
    absl::Status refusal = charges.Refusal(WallTimeOf(call));
    AddFaultMetadata(refusal, "provider", target.provider->name);
    AddFaultMetadata(refusal, "model", target.recorded_model);
    co_return refusal;
  }
  reservation->reset(&charges);
  if (charges.HasNews()) budgets.TellNear(charges, at->subject);
  co_return absl::OkStatus();
}

void GrowBudgets(Call& call, const Attempt& attempt,
                 const DeliveredTokens& delivered,
                 const ProviderStream& stream) {
  if (call.budgets == nullptr) return;
  CallBudgets& budgets = *call.budgets;
  const int64_t tokens = delivered.Estimate(stream);
  if (!budgets.charges_.IsDue(tokens)) return;
  BudgetAmounts amounts = budgets.estimate_;
  amounts.output_tokens = tokens;
  amounts.cost_usd_nanos =
      CostOf(call, attempt.priced_as, attempt.upstream_model, amounts)
          .value_or(0);
  if (!budgets.rules_.has_target_rules()) {
    return CallBudgets::Grow(amounts, budgets.subject_, &budgets.charges_);
  }
  LimitSubject delivering = budgets.subject_;
  NameTarget(attempt.provider, attempt.model, &delivering);
  CallBudgets::Grow(amounts, delivering, &budgets.charges_);
  for (const auto& at : budgets.at_targets_) {
    CallBudgets::Grow(amounts, delivering, &at->charges);
  }
}

void FinishBudgets(Call& call) {
  if (call.budgets == nullptr || call.budgets->finished_) return;
  call.budgets->finished_ = true;
  call.budgets->Finish(call);
}

void FillLateWarnings(const CallBudgets* budgets,
                      google::protobuf::RepeatedPtrField<v1::Warning>* out) {
  if (budgets == nullptr) return;
  for (const CallBudgets::LateWarning& each : budgets->late_warnings()) {
    *out->Add() = each.warning;
  }
}

BudgetEntryFacts FactsOfBudgets(const Call& call) {
  const CallScope& scope = call.admitted.scope;
  const Attempt* const deciding = call.DecidingAttempt();
  return {.session_id = scope.session_id,
          .work_order_id = scope.work_order_id,
          .agent_id = scope.agent_id,
          .contract_id = scope.contract_id,
          .model_id = deciding == nullptr ? call.planned.first.recorded_model
                                          : std::string_view(deciding->model),
          .request_id = call.facts.request_id};
}

}  // namespace gateway
