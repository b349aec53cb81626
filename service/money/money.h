// Money is an amount of US dollars, kept as a whole number of nano-dollars:
// 1 USD = 1,000,000,000. It goes up to 9,223,372,036 dollars, and down as far.
//
//   GATEWAY_ASSIGN_OR_RETURN(const Money limit, Money::Parse("0.50"));
//   if (spent + estimate > limit) return Refusal(spent.Text());
//   usage->set_cost_usd_nanos(spent.nanos());
//
// A sum or difference that does not fit is the largest or least amount, never
// one of the other sign: a limit that is compared with it holds.
//
// Thread contract: a value.

#ifndef SERVICE_MONEY_MONEY_H_
#define SERVICE_MONEY_MONEY_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "service/money/decimal.h"

namespace gateway {

class Money {
 public:
  static constexpr int64_t kNanosPerDollar = 1'000'000'000;

  // Nothing.
  constexpr Money() = default;

  static constexpr Money FromNanos(int64_t nanos) { return Money(nanos); }
  static constexpr Money Max() {
    return Money(std::numeric_limits<int64_t>::max());
  }

  // Returns the dollars that a decimal text says, such as "0.0315" or "50".
  // Returns INVALID_ARGUMENT, naming the text, if it is no such number,
  // negative, finer than a nano-dollar or more than Max().
  static absl::StatusOr<Money> Parse(std::string_view dollars);

  constexpr int64_t nanos() const { return nanos_; }

  // Returns the dollars as the shortest exact decimal text: "0.0315", "50".
  std::string Text() const;
  // The same into memory of kTextBytesMax; returns its end.
  static constexpr size_t kTextBytesMax = kDecimalTextBytesMax;
  char* WriteText(char* out) const;

  Money& operator+=(Money other);
  Money& operator-=(Money other);
  friend Money operator+(Money a, Money b) { return a += b; }
  friend Money operator-(Money a, Money b) { return a -= b; }
  friend constexpr auto operator<=>(Money a, Money b) = default;

 private:
  explicit constexpr Money(int64_t nanos) : nanos_(nanos) {}

  int64_t nanos_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_MONEY_MONEY_H_
