#include "service/money/money.h"

#include "base/status_macros.h"
#include "service/money/decimal.h"

namespace gateway {
namespace {

using Limits = std::numeric_limits<int64_t>;

constexpr int kDecimals = 9;

}  // namespace

absl::StatusOr<Money> Money::Parse(std::string_view dollars) {
  GATEWAY_ASSIGN_OR_RETURN(const int64_t nanos,
                           ParseDecimal(dollars, kDecimals, Limits::max()));
  return Money(nanos);
}

std::string Money::Text() const { return DecimalText(nanos_, kDecimals); }

char* Money::WriteText(char* out) const {
  return WriteDecimalText(nanos_, kDecimals, out);
}

Money& Money::operator+=(Money other) {
  if (__builtin_add_overflow(nanos_, other.nanos_, &nanos_)) {
    nanos_ = other.nanos_ > 0 ? Limits::max() : Limits::min();
  }
  return *this;
}

Money& Money::operator-=(Money other) {
  if (__builtin_sub_overflow(nanos_, other.nanos_, &nanos_)) {
    nanos_ = other.nanos_ < 0 ? Limits::max() : Limits::min();
  }
  return *this;
}

}  // namespace gateway
