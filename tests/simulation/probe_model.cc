#include "tests/simulation/probe_model.h"

#include <algorithm>

namespace gateway {
namespace {

// A timer may be late by so much.
constexpr absl::Duration kTick = absl::Milliseconds(1);
// While a probe is under way, its provider is looked at so often.
constexpr absl::Duration kLook = absl::Seconds(1);

}  // namespace

std::string ProbeModel::WhyNotNow(absl::Duration now) const {
  if (under_way_) return "while it is being probed";
  if (may_be_asked_again_ && now == ended_at_) return "";
  if (began_ == -absl::InfiniteDuration()) return "";
  // Give or take a tenth.
  return now - began_ < settings_->probe_interval * 9 / 10
             ? "sooner than its interval lets"
             : "";
}

void ProbeModel::Begins(absl::Duration now) {
  under_way_ = true;
  asked_again_ = may_be_asked_again_ && now == ended_at_;
  may_be_asked_again_ = false;
  // Both have the time of one.
  if (!asked_again_) began_ = now;
}

void ProbeModel::Ends(absl::Duration now, Outcome outcome) {
  under_way_ = false;
  ended_at_ = now;
  if (outcome == Outcome::kNeverSeen && !asked_again_) {
    may_be_asked_again_ = true;
    return;
  }
  ++probes_;
  failures_in_a_row_ = outcome == Outcome::kThere ? 0 : failures_in_a_row_ + 1;
  failures_ += outcome == Outcome::kThere ? 0 : 1;
}

absl::Duration ProbeModel::Late(absl::Duration now) const {
  if (under_way_) return absl::ZeroDuration();
  const absl::Duration due =
      began_ == -absl::InfiniteDuration()
          ? begin_ + settings_->probe_interval / 10
          : std::max(began_ + settings_->probe_interval * 11 / 10,
                     ended_at_ + kLook);
  return std::max(now - due - kTick, absl::ZeroDuration());
}

absl::Duration ProbeModel::ends_by() const {
  return under_way_ ? began_ + settings_->probe_timeout + kTick
                    : absl::InfiniteDuration();
}

}  // namespace gateway
