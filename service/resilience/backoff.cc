#include "service/resilience/backoff.h"

#include <algorithm>

namespace gateway {

absl::Duration Backoff::Delay(int failures, Random& random) const {
  absl::Duration longest = options_.base;
  for (int i = 1; i < failures && longest < options_.limit; ++i) {
    longest *= options_.multiplier;
  }
  return std::min(longest, options_.limit) * random.UniformDouble();
}

}  // namespace gateway
