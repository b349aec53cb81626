#include "tests/simulation/breaker_model.h"

#include <algorithm>

namespace gateway {

std::optional<BreakerModel::Permit> BreakerModel::Ask(absl::Duration now) {
  if (Wait(now) != absl::ZeroDuration()) return std::nullopt;
  if (state_ == State::kOpen) Enter(State::kHalfOpen);
  const bool probe = state_ == State::kHalfOpen;
  if (probe) ++probes_;
  return Permit{.era = era_, .probe = probe};
}

void BreakerModel::Tell(const Permit& permit, Outcome outcome,
                        absl::Duration now) {
  // What was asked before the state changed says nothing of the time since.
  if (state_ == State::kOff || permit.era != era_) return;
  if (permit.probe) --probes_;
  if (outcome == Outcome::kNothing) return;
  const bool failed = outcome == Outcome::kFailure;
  const int64_t second = absl::ToInt64Seconds(now);
  failures_in_a_row_ = failed ? failures_in_a_row_ + 1 : 0;
  events_.push_back({second, failed});
  if (permit.probe && !failed) {
    Enter(State::kClosed);
  } else if (failed && state_ != State::kMetricsOnly &&
             (permit.probe || ShouldOpen(second))) {
    Enter(State::kOpen);
    opened_ = now;
    first_opened_ = std::min(first_opened_, now);
  }
}

BreakerModel::State BreakerModel::StateAt(absl::Duration now) const {
  return state_ == State::kOpen && now >= opened_ + settings_->open_duration
             ? State::kHalfOpen
             : state_;
}

void BreakerModel::Force(State state) {
  if (state != state_) Enter(state);
}

std::optional<absl::Duration> BreakerModel::Wait(absl::Duration now) const {
  if (state_ == State::kForcedOpen) return absl::InfiniteDuration();
  if (state_ == State::kOpen) {
    return std::max(opened_ + settings_->open_duration - now,
                    absl::ZeroDuration());
  }
  if (state_ == State::kHalfOpen && probes_ >= settings_->half_open_probes) {
    return std::nullopt;
  }
  return absl::ZeroDuration();
}

void BreakerModel::Enter(State state) {
  state_ = state;
  ++era_;
  if (state != State::kOpen && state != State::kHalfOpen) {
    failures_in_a_row_ = 0;
  }
  probes_ = 0;
  events_.clear();
}

bool BreakerModel::ShouldOpen(int64_t second) const {
  if (failures_in_a_row_ >= settings_->consecutive_failures) return true;
  const int64_t window = absl::ToInt64Seconds(settings_->window);
  int calls = 0;
  int failures = 0;
  for (const Event& event : events_) {
    if (second - event.second >= window) continue;
    ++calls;
    failures += event.failed ? 1 : 0;
  }
  return calls >= settings_->minimum_calls &&
         failures * 100 >= calls * settings_->failure_percent;
}

}  // namespace gateway
