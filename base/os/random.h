// Random draws numbers: jitter, sampling, ids. Code that takes one can be
// tested with a FakeRandom (tests/testing/fake_random.h), which draws the same
// numbers each time.
//
//   const absl::Duration delay = longest * random.UniformDouble();
//   const std::string request_id = random.HexId(32);
//
// Abseil's BitGen is not used: its numbers and distributions may be others in
// each build, so that nothing could be expected of a test, and all that it
// would take over is the dozen lines of one generator.
//
// SystemRandom is not for what nobody may guess: its numbers are well spread,
// but can be foretold by who has seen enough of them. SecureRandom is.
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

  // Returns 64 random bits.
  virtual uint64_t Bits() = 0;

  // Returns a number in [0, 1).
  double UniformDouble();

  // Returns so many lower-case hexadecimal digits.
  std::string HexId(size_t digits);

  // The same without allocating: writes exactly `digits` characters and no
  // terminating zero.
  void FillHexId(char* out, size_t digits);
};

// Returns the fast generators, one per thread, seeded by the kernel. Lives
// until the process ends.
Random& SystemRandom();

// Returns the kernel's own random numbers, read into one buffer per thread: for
// names that open something to whoever knows them. A number costs some ten
// nanoseconds, and one in 32 a system call.
Random& SecureRandom();

}  // namespace gateway

#endif  // BASE_OS_RANDOM_H_
