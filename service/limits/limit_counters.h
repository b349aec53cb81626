// LimitCounters is what has been taken of one limit, and how often it refused.
// Configurations hand it on: a limit of the same name that counts the same for
// the same dimensions goes on with what it had.
//
// Thread-safe.

#ifndef SERVICE_LIMITS_LIMIT_COUNTERS_H_
#define SERVICE_LIMITS_LIMIT_COUNTERS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "service/limits/call_counters.h"
#include "service/limits/rate_counters.h"

namespace gateway {

// So many subjects of a limit are counted apart at a time, where it has any
// dimension: 5 MB at most.
inline constexpr size_t kSubjectsMax = 65536;

struct LimitCounters {
  // Of limits in time a subject that begins has the debt that `former` tells.
  LimitCounters(bool counts_calls, size_t subjects,
                RateCounters::Former former = nullptr) {
    if (counts_calls) {
      calls.emplace(subjects);
    } else {
      rates.emplace(subjects, std::move(former));
    }
  }

  // One of these is there, by the limit's unit.
  std::optional<RateCounters> rates;
  std::optional<CallCounters> calls;

  // Calls that it refused, and, of one that only observes, would have.
  alignas(64) std::atomic<int64_t> refused = 0;
  std::atomic<int64_t> observed = 0;
};

}  // namespace gateway

#endif  // SERVICE_LIMITS_LIMIT_COUNTERS_H_
