// CallTotals is the sum of some calls, in figures that only grow.
//
//   CallTotals totals;
//   totals.Add(Figure::kSucceeded, 1);
//   totals.Add(Figure::kCostUsdNanos, 4'500'000);
//   totals.Add(others);
//   totals.calls();
//
// A figure that would be larger than an int64_t can be stays at the largest:
// nine billion dollars.
//
// Plain data.

#ifndef SERVICE_SUMMARY_CALL_TOTALS_H_
#define SERVICE_SUMMARY_CALL_TOTALS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace gateway {

// What is counted, in the order in which it is kept on disk: new ones come at
// the end.
enum class Figure : uint8_t {
  kSucceeded,
  kFailed,
  // Of the failed, those that the caller gave up.
  kCancelled,
  // Of the succeeded, those whose answer was made for another call.
  kReused,
  kInputTokens,
  kOutputTokens,
  kCachedInputTokens,
  kCacheWriteTokens,
  kReasoningTokens,
  kCostUsdNanos,
  // Attempts that consumed tokens whose price is not known, or whose tokens are
  // estimated.
  kUnpriced,
  kEstimated,
  // Of the calls, added up.
  kDurationMicros,
};
inline constexpr size_t kFigures = 13;

// Both at least 0.
inline int64_t AddSaturated(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum)
             ? std::numeric_limits<int64_t>::max()
             : sum;
}

class CallTotals {
 public:
  int64_t operator[](Figure figure) const {
    return figures_[static_cast<size_t>(figure)];
  }
  // Ignores negative amounts, since nothing is given back.
  void Add(Figure figure, int64_t amount) {
    int64_t& sum = figures_[static_cast<size_t>(figure)];
    if (amount > 0) sum = AddSaturated(sum, amount);
  }
  void Add(const CallTotals& other) {
    for (size_t i = 0; i < kFigures; ++i) {
      figures_[i] = AddSaturated(figures_[i], other.figures_[i]);
    }
  }

  // All that have ended.
  int64_t calls() const {
    return AddSaturated((*this)[Figure::kSucceeded], (*this)[Figure::kFailed]);
  }
  bool IsZero() const { return *this == CallTotals(); }

  bool operator==(const CallTotals&) const = default;

 private:
  std::array<int64_t, kFigures> figures_ = {};
};

}  // namespace gateway

#endif  // SERVICE_SUMMARY_CALL_TOTALS_H_
