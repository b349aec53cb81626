// The prices that the gateway ships: shipped_prices.txt, which says where they
// come from and of what day they are, and which tools/models/price_list.py
// writes. Read it with ReadPriceLines (price_lines.h).
//
// Thread-safe: the text is a constant.

#ifndef SERVICE_MONEY_SHIPPED_PRICES_H_
#define SERVICE_MONEY_SHIPPED_PRICES_H_

#include <string_view>

namespace gateway {

std::string_view ShippedPrices();

// Of what day they are, as in `2026-08-01`; empty if they do not say so.
std::string_view ShippedPricesDate();

}  // namespace gateway

#endif  // SERVICE_MONEY_SHIPPED_PRICES_H_
