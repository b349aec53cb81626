#include "service/money/shipped_prices.h"

namespace gateway {
namespace {

constexpr std::string_view kText =
#include "service/money/shipped_prices.inc"
    ;

}  // namespace

std::string_view ShippedPrices() { return kText; }

std::string_view ShippedPricesDate() {
  constexpr std::string_view kMark = "as of ";
  constexpr std::string_view kShape = "2026-08-01";
  const std::string_view first = kText.substr(0, kText.find('\n'));
  const size_t mark = first.find(kMark);
  if (mark == std::string_view::npos) return {};
  return first.substr(mark + kMark.size()).substr(0, kShape.size());
}

}  // namespace gateway
