// WeightedTurns gives turns by weight, smoothly: those with many turns do not
// take them all at once.
//
//   WeightedTurns turns({5, 1, 1});
//   turns.Take();  // 0, 0, 1, 0, 2, 0, 0, and again from the beginning.
//
// The order is that of nginx's smooth weighted round robin. It is worked out
// once, so that to take a turn is to count up one number.
//
// Thread-safe; all loops take from one.

#ifndef SERVICE_ROUTING_WEIGHTED_TURNS_H_
#define SERVICE_ROUTING_WEIGHTED_TURNS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace gateway {

class WeightedTurns {
 public:
  // The order is kept as far as it repeats. Where that would take more turns,
  // weights are rounded to whole turns of about so many, and to no fewer than
  // one: never with 16 weights of at most 1,000.
  static constexpr size_t kTurnsMax = 16'384;

  // REQUIRES: at least one and at most 65,536 weights, all of them above 0.
  // Takes some 20 ms for a thousand different ones.
  explicit WeightedTurns(absl::Span<const uint32_t> weights);

  // Returns whose turn it is, and goes on to the next.
  size_t Take() {
    return turns_[taken_.fetch_add(1, std::memory_order_relaxed) %
                  turns_.size()];
  }

  // Returns whose turn it will be after `ahead` more.
  size_t Peek(size_t ahead) const {
    return turns_[(taken_.load(std::memory_order_relaxed) + ahead) %
                  turns_.size()];
  }

  // After so many turns the order repeats.
  size_t size() const { return turns_.size(); }

 private:
  std::vector<uint16_t> turns_;
  std::atomic<uint64_t> taken_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_WEIGHTED_TURNS_H_
