// Backoff says how long to wait before the next attempt: exponentially longer,
// with full jitter, so that callers who failed together do not return together.
//
//   delay(n) = random(0, min(limit, base * multiplier^(n - 1)))
//
// Thread contract: immutable.

#ifndef SERVICE_RESILIENCE_BACKOFF_H_
#define SERVICE_RESILIENCE_BACKOFF_H_

#include "absl/time/time.h"
#include "base/os/random.h"

namespace gateway {

class Backoff {
 public:
  struct Options {
    absl::Duration base;    // REQUIRES: >= 0
    double multiplier = 1;  // REQUIRES: >= 1
    absl::Duration limit;   // REQUIRES: >= 0
  };

  explicit Backoff(const Options& options) : options_(options) {}

  // Returns how long to wait before the attempt after the `failures`th failure.
  // REQUIRES: failures > 0.
  absl::Duration Delay(int failures, Random& random) const;

 private:
  const Options options_;
};

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_BACKOFF_H_
