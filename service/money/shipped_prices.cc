#include "service/money/shipped_prices.h"

namespace gateway {
namespace {

constexpr std::string_view kText =
#include "service/money/shipped_prices.inc"
    ;

}  // namespace

std::string_view ShippedPrices() { return kText; }

}  // namespace gateway
