// SecondCount lets something happen so many times in a second, and knows how
// often it was to happen beyond that.
//
//   int64_t beyond = 0;
//   if (count.Take(loop.Now(), 10, &beyond)) Write(entry, beyond);
//
// A second begins with the first that comes after the last one is over.
//
// Thread-compatible.

#ifndef SERVICE_OBSERVABILITY_SECOND_COUNT_H_
#define SERVICE_OBSERVABILITY_SECOND_COUNT_H_

#include <cstdint>

#include "absl/time/time.h"

namespace gateway {

class SecondCount {
 public:
  // Whether one more is within `limit`, at the steady time `now`. If so, sets
  // `beyond` to how many were not since the last that was.
  bool Take(absl::Duration now, int limit, int64_t* beyond);

 private:
  absl::Duration began_ = -absl::InfiniteDuration();
  int times_ = 0;
  int64_t times_beyond_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_SECOND_COUNT_H_
