// RetryPolicy answers three questions after a failed try: may another follow,
// for how long, how far apart.
//
// Tried again are a provider that could not be reached, was too slow to begin,
// failed or was overloaded, and one that asked to wait, if not for too long.
// Never tried again: what is the caller's fault, a refused credential, a spent
// quota, an answer that makes no sense, and anything after output was seen.
//
// Thread contract: immutable.

#ifndef SERVICE_RESILIENCE_RETRY_H_
#define SERVICE_RESILIENCE_RETRY_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/random.h"
#include "llmgateway/config/v1/resilience.pb.h"
#include "service/resilience/backoff.h"

namespace gateway {

class RetryPolicy {
 public:
  // REQUIRES: defaults have been applied.
  explicit RetryPolicy(const llmgateway::config::v1::RetryConfig& config);

  // How long to wait before the next try, or nothing if there must be none.
  // `tries` counts those made, the first included.
  std::optional<absl::Duration> DelayAfter(int tries,
                                           const absl::Status& failure,
                                           Random& random) const;

 private:
  const int tries_max_;
  const Backoff backoff_;
  // A provider that asks for a longer wait is not waited for.
  const absl::Duration retry_after_max_;
};

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_RETRY_H_
