// CallerPaces lets something happen so many times in a second for each caller,
// and knows how often it was to happen beyond that: what costs a caller nothing
// it can cause as often as it likes.
//
//   CallerPaces paces;
//   int64_t beyond = 0;
//   if (paces.Take(caller, loop.Now(), 10, &beyond)) Write(entry, beyond);
//
// What a caller does not use is saved for kSaved: with 10 a second, 100 at once
// are let happen, and 10 in each second from then on.
//
// kCallersMax callers are told apart, which takes some 70 KiB. Those beyond
// have one pace together; a caller that has been still for kSaved gives its
// place up when another needs it, and what it had beyond is told with theirs.
// So what was let happen and what Take has told of, or is going to, is all
// there was.
//
// Thread-compatible.

#ifndef SERVICE_OBSERVABILITY_CALLER_PACES_H_
#define SERVICE_OBSERVABILITY_CALLER_PACES_H_

#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace gateway {

class CallerPaces {
 public:
  static constexpr size_t kCallersMax = 1024;
  static constexpr absl::Duration kSaved = absl::Seconds(10);

  // Whether one more of the caller's is within `per_second`, at the steady time
  // `now`. If so, sets `beyond` to how many were not since the last that was.
  // `caller` is the same number for all that one caller does.
  bool Take(uint64_t caller, absl::Duration now, int per_second,
            int64_t* beyond);

 private:
  struct Pace {
    // Each takes its part of a second behind those before, until kSaved ahead
    // of the clock.
    absl::Duration taken_until = -absl::InfiniteDuration();
    int64_t times_beyond = 0;
  };

  Pace& PaceOf(uint64_t caller, absl::Duration now);
  // Gives up places of callers that are still.
  void Sweep(absl::Duration now);

  absl::flat_hash_map<uint64_t, Pace> paces_;
  Pace others_;
  absl::Duration swept_ = -absl::InfiniteDuration();
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_CALLER_PACES_H_
