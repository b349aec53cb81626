// BudgetAmounts is what calls take of a budget, whatever the budget counts: a
// scope keeps all of it, so that a budget which comes to count something else
// knows what was spent.
//
// Sums that do not fit stay at the largest number: what is spent is never
// forgotten for being much.
//
// Thread contract: a value.

#ifndef SERVICE_BUDGETS_BUDGET_AMOUNTS_H_
#define SERVICE_BUDGETS_BUDGET_AMOUNTS_H_

#include <cstdint>
#include <limits>

#include "llmgateway/config/v1/rate_limits.pb.h"

namespace gateway {

constexpr int64_t SaturatingSum(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) [[likely]] {
    return sum;
  }
  return a < 0 ? std::numeric_limits<int64_t>::min()
               : std::numeric_limits<int64_t>::max();
}

struct BudgetAmounts {
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  int64_t cost_usd_nanos = 0;
  int64_t turns = 0;  // Calls.

  bool operator==(const BudgetAmounts&) const = default;

  BudgetAmounts& operator+=(const BudgetAmounts& other) {
    input_tokens = SaturatingSum(input_tokens, other.input_tokens);
    output_tokens = SaturatingSum(output_tokens, other.output_tokens);
    cost_usd_nanos = SaturatingSum(cost_usd_nanos, other.cost_usd_nanos);
    turns = SaturatingSum(turns, other.turns);
    return *this;
  }
  BudgetAmounts operator-() const {
    return {.input_tokens = -input_tokens,
            .output_tokens = -output_tokens,
            .cost_usd_nanos = -cost_usd_nanos,
            .turns = -turns};
  }
  BudgetAmounts& operator-=(const BudgetAmounts& other) {
    return *this += -other;
  }

  int64_t total_tokens() const {
    return SaturatingSum(input_tokens, output_tokens);
  }

  // As much of it as a budget of the unit counts.
  int64_t In(::llmgateway::config::v1::LimitUnit unit) const {
    switch (unit) {
      case ::llmgateway::config::v1::LIMIT_UNIT_INPUT_TOKENS:
        return input_tokens;
      case ::llmgateway::config::v1::LIMIT_UNIT_OUTPUT_TOKENS:
        return output_tokens;
      case ::llmgateway::config::v1::LIMIT_UNIT_COST:
        return cost_usd_nanos;
      default:
        return total_tokens();
    }
  }
};

// What a limit counts of a scope: in the budget's unit, and calls.
struct BudgetClaim {
  int64_t units = 0;
  int64_t turns = 0;

  // What a budget of the unit counts of the amounts.
  static BudgetClaim Of(const BudgetAmounts& amounts,
                        ::llmgateway::config::v1::LimitUnit unit) {
    return {.units = amounts.In(unit), .turns = amounts.turns};
  }

  bool operator==(const BudgetClaim&) const = default;

  BudgetClaim& operator+=(const BudgetClaim& other) {
    units = SaturatingSum(units, other.units);
    turns = SaturatingSum(turns, other.turns);
    return *this;
  }
};

}  // namespace gateway

#endif  // SERVICE_BUDGETS_BUDGET_AMOUNTS_H_
