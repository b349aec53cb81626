#include "service/resilience/target_board.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "base/os/logging.h"
#include "base/string_view.h"
#include "errors/verdict.h"

namespace gateway {
namespace {

constexpr size_t kSlotsMin = 64;  // A power of two.

// What is not configured, over all providers. Shares of kTargetsMax come to
// more than that where a configuration has been followed by one with more
// providers.
constexpr size_t kOthersMax = 2 * TargetBoard::kTargetsMax;
// With what providers share: more of them than a configuration may have, by
// many reloads.
constexpr size_t kSharedMax = kOthersMax + TargetBoard::kTargetsMax;
constexpr size_t kAllMax = 16 * TargetBoard::kTargetsMax;

// Tells where a search begins, and decides nothing.
size_t HashOf(std::string_view provider, std::string_view model) {
  return absl::HashOf(ToAbsl(provider), ToAbsl(model));
}

}  // namespace

void TargetState::RecordWhole(absl::Duration now, absl::Duration took) {
  LatencyWindow* window = whole_latency_.load(std::memory_order_acquire);
  if (window == nullptr) {
    auto made = std::make_unique<LatencyWindow>(LatencyWindow::Options());
    // Another thread may have been first.
    if (whole_latency_.compare_exchange_strong(window, made.get(),
                                               std::memory_order_acq_rel)) {
      window = made.release();
    }
  }
  window->Record(now, took);
}

void TargetState::RecordSuccess() {
  availability.RecordSuccess();
  if (!proven.load(std::memory_order_relaxed)) {
    proven.store(true, std::memory_order_relaxed);
  }
}

void TargetState::RecordFailure() {
  proven.store(true, std::memory_order_relaxed);
  const int failures = availability.RecordFailure();
  const int limit = rules_.failures_limit.load(std::memory_order_relaxed);
  // What many models share, one of them does not disable.
  if (limit == 0 || failures < limit || model.empty()) return;
  if (!availability.Disable(TargetAvailability::By::kFailures,
                            absl::StrCat("by ", failures,
                                         " failures of its own in a row"))) {
    return;
  }
  rules_.disabled_by_failures.fetch_add(1, std::memory_order_relaxed);
  Log(LogLevel::kError, "providers", "A model is disabled, since it fails",
      {{"provider", provider},
       {"model", model},
       {"failures_in_a_row", failures}});
  if (rules_.on_disabled) rules_.on_disabled();
}

void TargetUse::RecordOutcome(absl::Duration now, const absl::Status& outcome,
                              bool abandoned,
                              std::optional<absl::Duration> latency) {
  if (target_ == nullptr) return;
  if (outcome.ok()) {
    target_->RecordSuccess();
    if (member_ != nullptr) member_->RecordSuccess(now, latency);
  } else if (BlamesTarget(ClassifyFailure(outcome, abandoned))) {
    target_->RecordFailure();
    if (member_ != nullptr) member_->RecordFault(now);
  }
}

// Kept for those who have found it.
struct TargetBoard::Forgotten {
  std::vector<std::unique_ptr<ProviderProbes>> probes;
  std::vector<std::unique_ptr<TargetState>> targets;
  std::vector<std::unique_ptr<Table>> tables;
};

TargetBoard::TargetBoard(BreakerOptions options)
    : options_(std::move(options)),
      configured_(std::make_shared<const ConfiguredModels>()) {
  const MutexLock lock(mu_);
  RenewTable();
}

TargetState& TargetBoard::Find(std::string_view provider,
                               std::string_view model) {
  size_t free_slot;
  TargetState* const known = FindKnown(provider, model, &free_slot);
  return known != nullptr ? *known
                          : *Add(provider, model, /*has_own=*/false);
}

TargetState* TargetBoard::FindOwn(std::string_view provider,
                                  std::string_view model) {
  TargetState* const known = FindKnown(provider, model);
  return known != nullptr ? known : Add(provider, model, /*has_own=*/true);
}

TargetState* TargetBoard::FindIn(const Table& table, std::string_view provider,
                                 std::string_view model, size_t* free_slot) {
  for (size_t slot = HashOf(provider, model) & table.mask;;
       slot = (slot + 1) & table.mask) {
    TargetState* const there =
        table.slots[slot].load(std::memory_order_acquire);
    if (there == nullptr) {
      *free_slot = slot;
      return nullptr;
    }
    if (there->model == model && there->provider == provider) return there;
  }
}

bool TargetBoard::IsConfigured(std::string_view provider,
                               std::string_view model) const {
  const auto there = configured_->find(provider);
  return there != configured_->end() &&
         there->second.find(model) != there->second.end();
}

bool TargetBoard::HasRoom(std::string_view provider, std::string_view model,
                          bool has_own) const {
  // However many configurations have come and gone.
  if (IsConfigured(provider, model)) return targets_.size() < kAllMax;
  if (has_own) return others_ < kSharedMax + kOwnMax;
  const auto of_provider = others_of_.find(provider);
  const size_t share = kTargetsMax / std::max<size_t>(configured_->size(), 1);
  return (of_provider == others_of_.end() || of_provider->second < share) &&
         others_ < kOthersMax;
}

void TargetBoard::Count(const TargetState& target) {
  if (IsConfigured(target.provider, target.model)) return;
  ++others_;
  if (!target.model.empty()) ++others_of_[target.provider];
}

void TargetBoard::Recount() {
  others_ = 0;
  others_of_.clear();
  for (const std::unique_ptr<TargetState>& target : targets_) Count(*target);
}

TargetState* TargetBoard::Add(std::string_view provider,
                              std::string_view model, bool has_own) {
  const MutexLock lock(mu_);
  size_t slot;
  // Another thread may have been here first.
  TargetState* known = FindKnown(provider, model, &slot);
  if (known != nullptr) return known;
  if (!HasRoom(provider, model, has_own)) {
    if (has_own) return nullptr;
    model = {};
    if (others_ >= kSharedMax) provider = {};
    known = FindKnown(provider, model, &slot);
    if (known != nullptr) return known;
  }
  targets_.push_back(std::make_unique<TargetState>(
      provider, model, options_.Of(provider, model), ProbesUnderLock(provider),
      rules_));
  TargetState* const added = targets_.back().get();
  Count(*added);
  const Table& table = *tables_.back();
  if (2 * targets_.size() > table.mask + 1) {
    RenewTable();
  } else {
    table.slots[slot].store(added, std::memory_order_release);
  }
  return added;
}

void TargetBoard::RenewTable() {
  size_t size = kSlotsMin;
  while (size < 2 * targets_.size() + kSlotsMin) size *= 2;
  auto table = std::make_unique<Table>(size);
  for (const std::unique_ptr<TargetState>& target : targets_) {
    size_t slot;
    FindIn(*table, target->provider, target->model, &slot);
    table->slots[slot].store(target.get(), std::memory_order_relaxed);
  }
  table_.store(table.get(), std::memory_order_release);
  tables_.push_back(std::move(table));
}

std::unique_ptr<TargetState> TargetBoard::Renewed(const TargetState& target,
                                                  absl::Duration now) {
  const CircuitBreaker::Snapshot breaker = target.breaker.Read(now);
  const TargetAvailability::Snapshot said = target.availability.Read();
  const bool disabled = said.by == TargetAvailability::By::kOperator;
  if (!breaker.is_forced && !disabled) return nullptr;
  auto renewed = std::make_unique<TargetState>(
      target.provider, target.model, options_.Of(target.provider, target.model),
      ProbesUnderLock(target.provider), rules_);
  if (breaker.is_forced) renewed->breaker.Force(breaker.state, now);
  if (disabled) renewed->availability.Disable(said.by, said.why);
  return renewed;
}

std::shared_ptr<const void> TargetBoard::Sweep(
    absl::FunctionRef<bool(std::string_view provider)> keeps,
    absl::Duration now) {
  // What has no provider, all that are too many share.
  const auto stays = [&](std::string_view provider) {
    return provider.empty() || keeps(provider);
  };
  auto forgotten = std::make_shared<Forgotten>();
  const MutexLock lock(mu_);
  for (auto probes = probes_.begin(); probes != probes_.end();) {
    if (stays(probes->first)) {
      ++probes;
      continue;
    }
    forgotten->probes.push_back(std::move(probes->second));
    probes = probes_.erase(probes);
  }
  std::vector<std::unique_ptr<TargetState>> kept;
  for (std::unique_ptr<TargetState>& target : targets_) {
    if (stays(target->provider)) {
      kept.push_back(std::move(target));
      continue;
    }
    std::unique_ptr<TargetState> renewed = Renewed(*target, now);
    if (renewed != nullptr) kept.push_back(std::move(renewed));
    forgotten->targets.push_back(std::move(target));
  }
  targets_ = std::move(kept);
  Recount();
  if (forgotten->targets.empty()) {
    return forgotten->probes.empty() ? nullptr : forgotten;
  }
  forgotten->tables = std::exchange(tables_, {});
  RenewTable();
  return forgotten;
}

ProviderProbes& TargetBoard::ProbesOf(std::string_view provider) {
  const MutexLock lock(mu_);
  return ProbesUnderLock(provider);
}

ProviderProbes& TargetBoard::ProbesUnderLock(std::string_view provider) {
  const auto found = probes_.find(provider);
  if (found != probes_.end()) return *found->second;
  return *probes_
              .emplace(std::string(provider),
                       std::make_unique<ProviderProbes>())
              .first->second;
}

CircuitBreaker::Options TargetBoard::OptionsOf(std::string_view provider,
                                               std::string_view model) const {
  const MutexLock lock(mu_);
  return options_.Of(provider, model);
}

void TargetBoard::SetFailuresLimit(int limit) {
  rules_.failures_limit.store(limit, std::memory_order_relaxed);
  bool enabled = false;
  {
    const MutexLock lock(mu_);
    for (const std::unique_ptr<TargetState>& target : targets_) {
      enabled = target->availability.EnableAfterFailures() || enabled;
    }
  }
  if (enabled && rules_.on_disabled) rules_.on_disabled();
}

void TargetBoard::SetOptions(BreakerOptions options, absl::Duration now) {
  const MutexLock lock(mu_);
  options_ = std::move(options);
  for (const std::unique_ptr<TargetState>& target : targets_) {
    target->breaker.SetOptions(options_.Of(target->provider, target->model),
                               now);
  }
}

void TargetBoard::SetConfigured(
    std::shared_ptr<const ConfiguredModels> configured) {
  const MutexLock lock(mu_);
  configured_ = std::move(configured);
  Recount();
}

std::vector<TargetState*> TargetBoard::All() const {
  const MutexLock lock(mu_);
  std::vector<TargetState*> all;
  for (const std::unique_ptr<TargetState>& target : targets_) {
    all.push_back(target.get());
  }
  return all;
}

}  // namespace gateway
