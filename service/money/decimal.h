// Reads and writes decimal numbers exactly, as whole numbers of their smallest
// unit: with 9 decimals "2.5" is 2,500,000,000. No double is involved.
//
//   GATEWAY_ASSIGN_OR_RETURN(int64_t nanos, ParseDecimal("0.0315", 9, kMost));
//   DecimalText(nanos, 9);  // "0.0315"
//
// Thread-safe: plain functions.

#ifndef SERVICE_MONEY_DECIMAL_H_
#define SERVICE_MONEY_DECIMAL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gateway {

// Returns `text` in units of 10^-decimals. The text is digits with at most one
// point: "2", "2.50", ".5"; zeros behind the last decimal count for nothing.
// Returns INVALID_ARGUMENT, with the text in its message, if it is anything
// else, a sign or an exponent included, if it has more decimals than can be
// kept, or if it is more than `units_max` units.
// REQUIRES: 0 <= decimals <= 18.
absl::StatusOr<int64_t> ParseDecimal(std::string_view text, int decimals,
                                     int64_t units_max);

// Returns the shortest text of `units` of 10^-decimals: without zeros at the
// end, "0" for none. REQUIRES: 0 <= decimals <= 18.
std::string DecimalText(int64_t units, int decimals);

// The same into memory of the caller's, of kDecimalTextBytesMax; returns its
// end. For what is told of each call.
inline constexpr size_t kDecimalTextBytesMax = 24;
char* WriteDecimalText(int64_t units, int decimals, char* out);

}  // namespace gateway

#endif  // SERVICE_MONEY_DECIMAL_H_
