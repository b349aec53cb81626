#include "service/resilience/credential_pool.h"

#include <algorithm>
#include <cassert>
#include <limits>

#include "errors/fault.h"
#include "errors/verdict.h"

namespace gateway {
namespace {

// When a credential is usable that is out.
constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

std::vector<int> WeightsIn(
    const std::vector<CredentialPool::Credential>& credentials) {
  std::vector<int> weights;
  for (const CredentialPool::Credential& each : credentials) {
    weights.push_back(each.weight);
  }
  return weights;
}

}  // namespace

CredentialPool::CredentialPool(const std::vector<Credential>& credentials,
                               const Options& options,
                               const CredentialPool* previous)
    : options_(options), rotation_(WeightsIn(credentials)) {
  assert(!credentials.empty() && credentials.size() <= kCredentialsLimit);
  credentials_.reserve(credentials.size());
  for (const Credential& credential : credentials) {
    Entry entry = {.credential = credential};
    const std::optional<size_t> before =
        previous == nullptr ? std::nullopt : previous->IndexOf(credential.name);
    if (before.has_value() &&
        previous->credentials_[*before].credential.fingerprint ==
            credential.fingerprint) {
      entry.condition = previous->credentials_[*before].condition;
    } else {
      entry.condition = std::make_shared<Condition>();
    }
    credentials_.push_back(std::move(entry));
  }
}

void CredentialPool::Begin() {
  for (Entry& entry : credentials_) {
    int64_t out = kNever;
    entry.condition->usable_from.compare_exchange_strong(
        out, 0, std::memory_order_relaxed);
  }
}

CredentialPool::Choice CredentialPool::Pick(absl::Duration now,
                                            size_t turn) const {
  assert(turn < credentials_.size());
  const int64_t from =
      credentials_[turn].condition->usable_from.load(std::memory_order_relaxed);
  if (from == 0) return {.index = turn};
  const int64_t now_nanos = absl::ToInt64Nanoseconds(now);
  if (from <= now_nanos) return {.index = turn};
  return PickAnother(now_nanos);
}

CredentialPool::Choice CredentialPool::PickWhere(
    absl::Duration now, absl::FunctionRef<bool(size_t index)> takes) const {
  const int64_t now_nanos = absl::ToInt64Nanoseconds(now);
  const size_t turn = rotation_.Next();
  const bool turn_is_usable = IsUsable(turn, now);
  if (turn_is_usable && takes(turn)) return {.index = turn};
  if (size() == 1 && turn_is_usable) return {.declined = true};
  Usable usable;
  Choice choice;
  FindUsable(now_nanos, &usable, &choice);
  if (usable.count == 0) return choice;
  const uint64_t first = stand_in_turn_.fetch_add(1, std::memory_order_relaxed);
  for (size_t i = 0; i < usable.count; ++i) {
    const size_t index = usable.indices[(first + i) % usable.count];
    if (index == turn && turn_is_usable) continue;
    if (takes(index)) return {.index = index};
  }
  return {.declined = true};
}

// Picks a stand-in for one that is not usable.
CredentialPool::Choice CredentialPool::PickAnother(int64_t now) const {
  Usable usable;
  Choice choice;
  FindUsable(now, &usable, &choice);
  if (usable.count == 0) return choice;
  const uint64_t turn = stand_in_turn_.fetch_add(1, std::memory_order_relaxed);
  return {.index = usable.indices[turn % usable.count]};
}

void CredentialPool::FindUsable(int64_t now, Usable* usable,
                                Choice* choice) const {
  int64_t earliest = kNever;
  std::optional<size_t> predicted;
  for (size_t i = 0; i < credentials_.size(); ++i) {
    const Condition& condition = *credentials_[i].condition;
    const int64_t from = condition.usable_from.load(std::memory_order_relaxed);
    if (from <= now) usable->indices[usable->count++] = static_cast<uint8_t>(i);
    if (from != kNever && !predicted.has_value() &&
        condition.predicted.load(std::memory_order_relaxed)) {
      predicted = i;
    }
    earliest = std::min(earliest, from);
  }
  if (usable->count > 0) return;
  if (earliest == kNever) {
    choice->last_resort = rotation_.Next();
    return;
  }
  choice->wait = absl::Nanoseconds(earliest - now);
  choice->last_resort = predicted;
}

bool CredentialPool::HasUsable(absl::Duration now) const {
  for (size_t i = 0; i < credentials_.size(); ++i) {
    if (IsUsable(i, now)) return true;
  }
  return false;
}

std::optional<absl::Duration> CredentialPool::WaitFrom(
    absl::Duration now) const {
  int64_t earliest = kNever;
  for (const Entry& entry : credentials_) {
    earliest = std::min(
        earliest, entry.condition->usable_from.load(std::memory_order_relaxed));
  }
  if (earliest == kNever) return std::nullopt;
  return std::max(absl::Nanoseconds(earliest) - now, absl::ZeroDuration());
}

absl::Duration CredentialPool::CoolsFor(size_t index,
                                        absl::Duration now) const {
  const int64_t from = credentials_[index].condition->usable_from.load(
      std::memory_order_relaxed);
  if (from == kNever) return absl::InfiniteDuration();
  return std::max(absl::Nanoseconds(from) - now, absl::ZeroDuration());
}

CredentialPool::Change CredentialPool::Record(
    size_t index, absl::Duration now, const absl::Status& outcome,
    std::optional<absl::Duration> resets_in) {
  assert(index < credentials_.size());
  Condition& condition = *credentials_[index].condition;
  const Verdict verdict =
      outcome.ok() ? Verdict::kSaysNothing : ClassifyFailure(outcome);
  switch (verdict) {
    case Verdict::kRateLimited:
      return Cool(condition, now,
                  RetryDelay(outcome).value_or(
                      resets_in.value_or(options_.default_cooling)),
                  /*predicted=*/false);
    case Verdict::kCredentialRefused:
      // There is nothing that an operator could mend by itself.
      return is_keyless() ? Change::kNone : TakeOut(condition);
    case Verdict::kRetryHere:
    case Verdict::kGoElsewhere:
    case Verdict::kOutOfTime:
    case Verdict::kTooLarge:
    case Verdict::kAccessRefused:
    case Verdict::kOutputFailed:
    case Verdict::kCallersFault:
    case Verdict::kSaysNothing:
      break;
  }
  return resets_in.has_value()
             ? Cool(condition, now, *resets_in, /*predicted=*/true)
             : Change::kNone;
}

CredentialPool::Change CredentialPool::Cool(Condition& condition,
                                            absl::Duration now,
                                            absl::Duration time,
                                            bool predicted) {
  const int64_t now_nanos = absl::ToInt64Nanoseconds(now);
  const int64_t until = now_nanos + absl::ToInt64Nanoseconds(
                                        std::min(time, options_.cooling_limit));
  if (until <= now_nanos) return Change::kNone;
  int64_t from = condition.usable_from.load(std::memory_order_relaxed);
  const bool was_predicted =
      condition.predicted.exchange(predicted, std::memory_order_relaxed);
  // A prediction adds nothing to what a provider has said.
  if (predicted && !was_predicted && from > now_nanos) {
    condition.predicted.store(false, std::memory_order_relaxed);
    return Change::kNone;
  }
  const bool replaces = was_predicted && !predicted;
  do {
    if (from == kNever || (from >= until && !replaces)) return Change::kNone;
  } while (!condition.usable_from.compare_exchange_weak(
      from, until, std::memory_order_relaxed));
  if (from > now_nanos) return Change::kNone;  // It cools longer.
  condition.coolings.fetch_add(1, std::memory_order_relaxed);
  return Change::kCools;
}

CredentialPool::Change CredentialPool::TakeOut(Condition& condition) {
  if (condition.usable_from.exchange(kNever, std::memory_order_relaxed) ==
      kNever) {
    return Change::kNone;
  }
  condition.refusals.fetch_add(1, std::memory_order_relaxed);
  return Change::kIsOut;
}

bool CredentialPool::TakeBack(size_t index) {
  assert(index < credentials_.size());
  int64_t out = kNever;
  return credentials_[index].condition->usable_from.compare_exchange_strong(
      out, 0, std::memory_order_relaxed);
}

bool CredentialPool::Reset(size_t index) {
  assert(index < credentials_.size());
  return credentials_[index].condition->usable_from.exchange(
             0, std::memory_order_relaxed) == kNever;
}

std::vector<CredentialPool::Snapshot> CredentialPool::Read(
    absl::Duration now) const {
  const int64_t now_nanos = absl::ToInt64Nanoseconds(now);
  std::vector<Snapshot> snapshots;
  snapshots.reserve(credentials_.size());
  for (const Entry& entry : credentials_) {
    const Condition& condition = *entry.condition;
    const int64_t from = condition.usable_from.load(std::memory_order_relaxed);
    snapshots.push_back(
        {.name = entry.credential.name,
         .is_out = from == kNever,
         .cools_for = from == kNever || from <= now_nanos
                          ? absl::ZeroDuration()
                          : absl::Nanoseconds(from - now_nanos),
         .is_predicted = from != kNever && from > now_nanos &&
                         condition.predicted.load(std::memory_order_relaxed),
         .coolings = condition.coolings.load(std::memory_order_relaxed),
         .refusals = condition.refusals.load(std::memory_order_relaxed)});
  }
  return snapshots;
}

std::optional<size_t> CredentialPool::IndexOf(std::string_view name) const {
  for (size_t i = 0; i < credentials_.size(); ++i) {
    if (credentials_[i].credential.name == name) return i;
  }
  return std::nullopt;
}

}  // namespace gateway
