#include "service/observability/second_count.h"

#include <utility>

namespace gateway {

bool SecondCount::Take(absl::Duration now, int limit, int64_t* beyond) {
  if (now - began_ >= absl::Seconds(1)) {
    began_ = now;
    times_ = 0;
  }
  if (times_ >= limit) {
    ++times_beyond_;
    return false;
  }
  ++times_;
  *beyond = std::exchange(times_beyond_, 0);
  return true;
}

}  // namespace gateway
