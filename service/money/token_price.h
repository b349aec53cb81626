// TokenPrice is the price of a token. Its unit is a nano-dollar per million
// tokens, which is 10^-15 dollars per token: every price that vendors tell,
// down to nine decimals of a dollar per million, is a whole number of them.
//
//   const absl::StatusOr<TokenPrice> price = TokenPrice::Parse("3.75");
//   if (!price.ok()) return price.status();
//   price->nanos_per_million();  // 3,750,000,000
//   price->Text();               // "3.75"
//
// Thread contract: a value.

#ifndef SERVICE_MONEY_TOKEN_PRICE_H_
#define SERVICE_MONEY_TOKEN_PRICE_H_

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gateway {

// How many tokens a text tells the price of.
enum class PricedPer : uint8_t { kToken, kThousandTokens, kMillionTokens };

class TokenPrice {
 public:
  // A dollar per token. More is a mistake in the unit, and what it would cost
  // might not fit into the 128 bits that costs are computed with.
  static constexpr int64_t kNanosPerMillionMax = 1'000'000'000'000'000;

  // Free.
  constexpr TokenPrice() = default;

  // REQUIRES: 0 <= nanos <= kNanosPerMillionMax.
  static constexpr TokenPrice FromNanosPerMillion(int64_t nanos) {
    return TokenPrice(nanos);
  }

  // Returns the price that a decimal text tells in dollars for so many tokens.
  // Returns INVALID_ARGUMENT, naming the text, if it is no decimal number,
  // negative, more than a dollar per token, or has more decimals than can be
  // kept exactly: 9 of a price per million, 12 per thousand, 15 per token.
  static absl::StatusOr<TokenPrice> Parse(
      std::string_view dollars, PricedPer per = PricedPer::kMillionTokens);

  constexpr int64_t nanos_per_million() const { return nanos_per_million_; }

  // Returns the dollars per million tokens, as the shortest exact decimal text.
  std::string Text() const;

  friend constexpr auto operator<=>(TokenPrice a, TokenPrice b) = default;

 private:
  explicit constexpr TokenPrice(int64_t nanos) : nanos_per_million_(nanos) {}

  int64_t nanos_per_million_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_MONEY_TOKEN_PRICE_H_
