#include "service/identity/key_set_schedule.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"

namespace gateway {

void KeySetSchedule::Begin(absl::Duration now) {
  under_way_ = true;
  if (std::exchange(for_missing_key_, false)) {
    may_miss_ = now + options_.missing_key_interval;
  }
}

void KeySetSchedule::Succeeded(absl::Duration now) {
  under_way_ = false;
  failures_ = 0;
  read_ = now;
  next_ = now + Shortened(options_.interval, 0.1);
}

void KeySetSchedule::Failed(absl::Duration now) {
  under_way_ = false;
  absl::Duration wait = options_.first_retry;
  for (int i = 0; i < failures_ && wait < options_.longest_retry; ++i) {
    wait *= 2;
  }
  ++failures_;
  next_ = now + Shortened(std::min(wait, options_.longest_retry), 0.5);
}

bool KeySetSchedule::MissesKey(absl::Duration now) {
  if (under_way_ || failures_ > 0) return false;
  const absl::Duration sooner = std::max(now, may_miss_);
  if (sooner >= next_) return false;
  next_ = sooner;
  for_missing_key_ = true;
  return true;
}

absl::Duration KeySetSchedule::Shortened(absl::Duration duration,
                                         double share) {
  return duration * (1 - share * random_.UniformDouble());
}

}  // namespace gateway
