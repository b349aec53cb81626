#include "service/routing/weighted_turns.h"

#include <algorithm>
#include <cassert>
#include <numeric>

namespace gateway {
namespace {

// Returns how many turns each weight has until the order repeats.
std::vector<int64_t> TurnsOf(absl::Span<const uint32_t> weights) {
  uint64_t sum = 0;
  uint32_t divisor = 0;
  for (const uint32_t weight : weights) {
    sum += weight;
    divisor = std::gcd(divisor, weight);
  }
  std::vector<int64_t> turns;
  turns.reserve(weights.size());
  for (const uint32_t weight : weights) {
    const uint64_t rounded =
        (weight * uint64_t{WeightedTurns::kTurnsMax} + sum / 2) / sum;
    turns.push_back(sum / divisor <= WeightedTurns::kTurnsMax
                        ? weight / divisor
                        : static_cast<int64_t>(std::max(rounded, uint64_t{1})));
  }
  return turns;
}

}  // namespace

WeightedTurns::WeightedTurns(absl::Span<const uint32_t> weights) {
  assert(!weights.empty() && weights.size() <= 65'536);
  const std::vector<int64_t> turns = TurnsOf(weights);
  const int64_t sum = std::accumulate(turns.begin(), turns.end(), int64_t{0});
  // What each has saved up: who has most is next, and pays for all.
  std::vector<int64_t> saved(turns.size());
  turns_.reserve(sum);
  for (int64_t turn = 0; turn < sum; ++turn) {
    size_t next = 0;
    for (size_t i = 0; i < turns.size(); ++i) {
      saved[i] += turns[i];
      if (saved[i] > saved[next]) next = i;
    }
    saved[next] -= sum;
    turns_.push_back(static_cast<uint16_t>(next));
  }
}

}  // namespace gateway
