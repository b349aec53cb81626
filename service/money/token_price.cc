#include "service/money/token_price.h"

#include "base/status_macros.h"
#include "service/money/decimal.h"

namespace gateway {
namespace {

// So many decimals of dollars make the unit.
int DecimalsOf(PricedPer per) {
  switch (per) {
    case PricedPer::kToken:
      return 15;
    case PricedPer::kThousandTokens:
      return 12;
    case PricedPer::kMillionTokens:
      return 9;
  }
  return 9;
}

}  // namespace

absl::StatusOr<TokenPrice> TokenPrice::Parse(std::string_view dollars,
                                             PricedPer per) {
  GATEWAY_ASSIGN_OR_RETURN(
      const int64_t nanos,
      ParseDecimal(dollars, DecimalsOf(per), kNanosPerMillionMax));
  return TokenPrice(nanos);
}

std::string TokenPrice::Text() const {
  return DecimalText(nanos_per_million_, DecimalsOf(PricedPer::kMillionTokens));
}

}  // namespace gateway
