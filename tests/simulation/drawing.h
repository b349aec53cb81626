// Drawing draws the parts of a scenario from its seed.
//
//   Drawing draw(17);
//   const int calls = draw.Between(20, 120);
//
// Thread contract: one thread.

#ifndef TESTS_SIMULATION_DRAWING_H_
#define TESTS_SIMULATION_DRAWING_H_

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "tests/testing/fake_random.h"

namespace gateway {

class Drawing {
 public:
  explicit Drawing(uint64_t seed) : random_(seed) {}

  // From `least` to `most`, both included.
  int Between(int least, int most) {
    return least + static_cast<int>(
                       random_.Below(static_cast<uint64_t>(most - least + 1)));
  }
  bool InPercent(int percent) { return Between(1, 100) <= percent; }
  absl::Duration MillisBetween(int least, int most) {
    return absl::Milliseconds(Between(least, most));
  }
  size_t Below(size_t bound) { return random_.Below(bound); }
  template <typename T, size_t kCount>
  T OneOf(const T (&choices)[kCount]) {
    return choices[random_.Below(kCount)];
  }

 private:
  FakeRandom random_;
};

}  // namespace gateway

#endif  // TESTS_SIMULATION_DRAWING_H_
