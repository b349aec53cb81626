// What a call is charged: the one rule for limits, budgets, and whatever adds
// up or keeps what calls have cost (docs/cost.md).
//
//   sum = AddCharges(sum, ChargedNanos(*record.usage).value_or(0));
//
// A cost that is not known since the model has no price in the service tier
// that served is charged as that of the standard tier. What callers are told in
// headers and details are costs that are known, by `Usage.cost_known`.
//
// Thread-safe: plain functions.

#ifndef SERVICE_OBSERVABILITY_CHARGED_COST_H_
#define SERVICE_OBSERVABILITY_CHARGED_COST_H_

#include <cstdint>
#include <limits>
#include <optional>

#include "llmgateway/v1/usage.pb.h"

namespace gateway {

// Returns nano-US-dollars; nothing if the model has no price at all.
std::optional<int64_t> ChargedNanos(const llmgateway::v1::Usage& usage);

// Returns the sum of two charges of at least 0. One that does not fit stays at
// the largest number: it never looks small for being much.
constexpr int64_t AddCharges(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum)
             ? std::numeric_limits<int64_t>::max()
             : sum;
}

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_CHARGED_COST_H_
