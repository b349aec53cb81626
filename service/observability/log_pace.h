// LogPace limits how many lines of one kind are written, and counts the others:
// what peers can cause as often as they like must not fill the disk.
//
//   LogPace pace(absl::Seconds(10));
//   const std::optional<int64_t> unlogged = pace.Take(now);
//   if (unlogged.has_value()) Log(..., {{"unlogged", *unlogged}});
//
// Thread-compatible.

#ifndef SERVICE_OBSERVABILITY_LOG_PACE_H_
#define SERVICE_OBSERVABILITY_LOG_PACE_H_

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/time/time.h"

namespace gateway {

class LogPace {
 public:
  // One line may be written each `interval`.
  explicit LogPace(absl::Duration interval) : interval_(interval) {}

  // Returns how many lines were left out since the last that was written, if
  // one may be written at the steady time `now`; otherwise counts it.
  std::optional<int64_t> Take(absl::Duration now) {
    if (now < next_) {
      ++unlogged_;
      return std::nullopt;
    }
    next_ = now + interval_;
    return std::exchange(unlogged_, 0);
  }

 private:
  const absl::Duration interval_;
  absl::Duration next_ = -absl::InfiniteDuration();
  int64_t unlogged_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_LOG_PACE_H_
