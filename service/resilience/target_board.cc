#include "service/resilience/target_board.h"

#include <utility>

#include "absl/hash/hash.h"
#include "base/string_view.h"

namespace gateway {
namespace {

// Tells where a search begins, and decides nothing.
size_t HashOf(std::string_view provider, std::string_view model) {
  return absl::HashOf(ToAbsl(provider), ToAbsl(model));
}

}  // namespace

TargetBoard::TargetBoard(BreakerOptions options)
    : options_(std::move(options)) {}

TargetState& TargetBoard::Find(std::string_view provider,
                               std::string_view model) {
  size_t free_slot;
  TargetState* const known = FindKnown(provider, model, &free_slot);
  return known != nullptr ? *known : Add(provider, model);
}

TargetState* TargetBoard::FindKnown(std::string_view provider,
                                    std::string_view model,
                                    size_t* free_slot) const {
  for (size_t slot = HashOf(provider, model) % kSlots;;
       slot = (slot + 1) % kSlots) {
    TargetState* const there = slots_[slot].load(std::memory_order_acquire);
    if (there == nullptr) {
      *free_slot = slot;
      return nullptr;
    }
    if (there->model == model && there->provider == provider) return there;
  }
}

TargetState& TargetBoard::Add(std::string_view provider,
                              std::string_view model) {
  const MutexLock lock(mu_);
  if (targets_.size() >= kTargetsMax) model = {};
  // More providers than a configuration may have, by many reloads.
  if (targets_.size() >= kTargetsMax + kTargetsMax / 2) provider = {};
  size_t slot;
  // Another thread may have been here first.
  TargetState* const known = FindKnown(provider, model, &slot);
  if (known != nullptr) return *known;
  TargetState& added =
      targets_.emplace_back(provider, model, options_.Of(provider));
  slots_[slot].store(&added, std::memory_order_release);
  return added;
}

void TargetBoard::SetOptions(BreakerOptions options, absl::Duration now) {
  const MutexLock lock(mu_);
  options_ = std::move(options);
  for (TargetState& target : targets_) {
    target.breaker.SetOptions(options_.Of(target.provider), now);
  }
}

std::vector<TargetState*> TargetBoard::All() const {
  const MutexLock lock(mu_);
  std::vector<TargetState*> all;
  for (const TargetState& target : targets_) {
    all.push_back(const_cast<TargetState*>(&target));
  }
  return all;
}

}  // namespace gateway
