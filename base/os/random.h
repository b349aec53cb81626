// Random draws numbers: jitter, sampling, ids. Code that takes one can be
// tested with a FakeRandom (tests/testing/fake_random.h), which draws the same
// numbers each time.
//
//   const absl::Duration delay = longest * random.UniformDouble();
//   const std::string request_id = random.HexId(32);
//
// Not for keys: the numbers are well spread, but can be foretold by who has
// seen enough of them.
//
// Thread-safe. A number costs a few nanoseconds and never blocks.

#ifndef BASE_OS_RANDOM_H_
#define BASE_OS_RANDOM_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace gateway {

class Random {
 public:
  virtual ~Random() = default;

  // 64 random bits.
  virtual uint64_t Bits() = 0;

  // A whole number in [0, bound), each equally likely. REQUIRES: bound > 0.
  uint64_t Uniform(uint64_t bound);

  // A number in [0, 1).
  double UniformDouble();

  // Lower-case hexadecimal digits.
  std::string HexId(size_t digits);

  // The same without allocating: writes exactly `digits` characters and no
  // terminating zero.
  void FillHexId(char* out, size_t digits);
};

// Fast generators, one per thread, seeded by the kernel. Lives forever.
Random& SystemRandom();

}  // namespace gateway

#endif  // BASE_OS_RANDOM_H_
