// FakeRandom is a Random that draws the same numbers from the same seed.
//
//   FakeRandom random(7);
//   text += kPieces[random.Below(std::size(kPieces))];
//
// Thread-safe.

#ifndef TESTS_TESTING_FAKE_RANDOM_H_
#define TESTS_TESTING_FAKE_RANDOM_H_

#include <atomic>
#include <cstdint>

#include "base/os/random.h"

namespace gateway {

class FakeRandom : public Random {
 public:
  explicit FakeRandom(uint64_t seed) : state_(seed) {}

  // SplitMix64: good numbers from any seed, zero included.
  uint64_t Bits() override {
    uint64_t bits = state_.fetch_add(kStep, std::memory_order_relaxed) + kStep;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    return bits ^ (bits >> 31);
  }

  // A whole number in [0, bound). REQUIRES: bound > 0.
  uint64_t Below(uint64_t bound) { return Bits() % bound; }

 private:
  static constexpr uint64_t kStep = 0x9e3779b97f4a7c15;

  std::atomic<uint64_t> state_;
};

}  // namespace gateway

#endif  // TESTS_TESTING_FAKE_RANDOM_H_
