// What tests of sums make their figures of, and how they say what they are.
//
// Plain functions.

#ifndef TESTS_SERVICE_SUMMARY_SUMMARY_PRINTING_H_
#define TESTS_SERVICE_SUMMARY_SUMMARY_PRINTING_H_

#include <cstddef>
#include <cstdint>
#include <ostream>

#include "service/summary/call_totals.h"
#include "service/summary/recent_calls.h"

namespace gateway {

// Some hour.
inline constexpr int64_t kNow = 490000;

inline bool AnyCall(const RecentCall& /*call*/) { return true; }

inline void PrintTo(const CallTotals& totals, std::ostream* out) {
  *out << "{";
  for (size_t i = 0; i < kFigures; ++i) {
    *out << (i == 0 ? "" : " ") << totals[static_cast<Figure>(i)];
  }
  *out << "}";
}

// `succeeded` calls that cost this together.
inline CallTotals Costs(int64_t cost_usd_nanos, int64_t succeeded = 1) {
  CallTotals totals;
  totals.Add(Figure::kSucceeded, succeeded);
  totals.Add(Figure::kCostUsdNanos, cost_usd_nanos);
  return totals;
}

}  // namespace gateway

#endif  // TESTS_SERVICE_SUMMARY_SUMMARY_PRINTING_H_
