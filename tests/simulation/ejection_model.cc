#include "tests/simulation/ejection_model.h"

#include <algorithm>

namespace gateway {

void EjectionModel::Succeeds(size_t target, absl::Duration now) {
  Target& state = targets_[target];
  if (!IsOut(state, now)) state.failures_in_a_row = 0;
  LookAtInterval(now);
}

void EjectionModel::Fails(size_t target, absl::Duration now) {
  Target& state = targets_[target];
  if (!IsOut(state, now)) {
    ++state.failures_in_a_row;
    const auto out = static_cast<size_t>(
        std::count_if(targets_.begin(), targets_.end(),
                      [&](const Target& each) { return IsOut(each, now); }));
    if (state.failures_in_a_row >= settings_->ejection_failures &&
        out < ejected_max()) {
      ++state.ejections;
      state.ejected_until =
          now + std::min(settings_->base_ejection * state.ejections,
                         settings_->ejection_limit);
      state.failures_in_a_row = 0;
      changed_at_ = now;
    }
  }
  LookAtInterval(now);
}

size_t EjectionModel::ejected_max() const {
  return std::min(targets_.size() - 1,
                  targets_.size() *
                      static_cast<size_t>(settings_->ejected_percent_limit) /
                      100);
}

absl::Duration EjectionModel::EjectedFor(size_t target,
                                         absl::Duration now) const {
  return std::max(targets_[target].ejected_until - now, absl::ZeroDuration());
}

int EjectionModel::WeightPermille(size_t target, absl::Duration now) const {
  if (IsOut(targets_[target], now)) return 0;
  const absl::Duration back = now - targets_[target].ejected_until;
  if (back >= settings_->slow_start) return 1000;
  // From a tenth to the whole.
  return static_cast<int>(100 +
                          900 * absl::ToInt64Nanoseconds(back) /
                              absl::ToInt64Nanoseconds(settings_->slow_start));
}

void EjectionModel::LookAtInterval(absl::Duration now) {
  if (now < next_look_) return;
  next_look_ = now + settings_->ejection_interval;
  for (Target& target : targets_) {
    if (target.ejections > 0 && !IsOut(target, now) &&
        now - target.ejected_until >= settings_->ejection_interval) {
      --target.ejections;
    }
  }
}

}  // namespace gateway
