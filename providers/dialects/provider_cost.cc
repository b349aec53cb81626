#include "providers/dialects/provider_cost.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

constexpr int64_t kNanoDecimals = 9;
// Digits that always fit into an int64_t.
constexpr int64_t kDigitsMax = 18;
constexpr int64_t kExponentMax = 1000;

// A number as its digits, without zeros before them, and where the point is.
struct Decimal {
  std::string digits;
  int64_t point = 0;  // So many digits stand before it; may be negative.
};

// Takes an exponent, such as `e-05`, as far as it matters.
std::optional<int64_t> ReadExponent(std::string_view text) {
  if (text.empty()) return 0;
  if (text[0] != 'e' && text[0] != 'E') return std::nullopt;
  text.remove_prefix(1);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  int64_t exponent = 0;
  for (const char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      return std::nullopt;
    }
    exponent = std::min(exponent * 10 + (c - '0'), kExponentMax);
  }
  return negative ? -exponent : exponent;
}

std::optional<Decimal> ReadDecimal(std::string_view text) {
  Decimal decimal;
  bool behind_point = false;
  size_t at = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '.' && !behind_point) {
      behind_point = true;
      continue;
    }
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) break;
    const bool leads = decimal.digits.empty() && c == '0';
    if (!leads) decimal.digits.push_back(c);
    if (behind_point ? leads : !leads) decimal.point += behind_point ? -1 : 1;
  }
  const std::optional<int64_t> exponent = ReadExponent(text.substr(at));
  if (at == 0 || !exponent.has_value()) return std::nullopt;
  decimal.point += *exponent;
  return decimal;
}

}  // namespace

std::optional<int64_t> NanosOfDollars(std::string_view number) {
  const bool negative = number.starts_with('-');
  if (negative) number.remove_prefix(1);
  const std::optional<Decimal> decimal = ReadDecimal(number);
  if (!decimal.has_value()) return std::nullopt;
  if (decimal->digits.empty()) return 0;
  const int64_t kept = decimal->point + kNanoDecimals;
  if (negative || kept > kDigitsMax) return std::nullopt;
  if (kept < 0) return 0;
  const auto digit_at = [&](int64_t place) {
    return place < static_cast<int64_t>(decimal->digits.size())
               ? decimal->digits[static_cast<size_t>(place)] - '0'
               : 0;
  };
  int64_t nanos = 0;
  for (int64_t place = 0; place < kept; ++place) {
    nanos = nanos * 10 + digit_at(place);
  }
  return nanos + (digit_at(kept) >= 5 ? 1 : 0);
}

absl::StatusOr<std::string_view> ReadProviderCost(
    JsonValue& value, llmgateway::v1::Usage* usage) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
  const std::optional<int64_t> nanos = NanosOfDollars(raw);
  if (nanos.has_value()) {
    usage->set_provider_cost_usd_nanos(*nanos);
  } else {
    usage->clear_provider_cost_usd_nanos();
  }
  return raw;
}

}  // namespace gateway
