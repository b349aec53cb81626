// Percent-encoding (RFC 3986, section 2.1): a byte that may not stand by itself
// stands as %XX.
//
//   EncodePathSegment("org/model")  // org%2Fmodel
//   PercentDecode("org%2Fmodel")    // org/model
//
// Thread-safe: plain functions.

#ifndef BASE_TEXT_PERCENT_H_
#define BASE_TEXT_PERCENT_H_

#include <optional>
#include <string>
#include <string_view>

namespace gateway {

// Encodes the bytes for which `is_plain` is false; the percent sign has to be
// one of them.
std::string PercentEncode(std::string_view text, bool (*is_plain)(char byte));

// Encodes everything but letters, digits and `-._~`; slashes, too, and the dots
// of `.` and `..`, which as they are would lead to another path.
std::string EncodePathSegment(std::string_view text);

// Nothing if a percent sign is not followed by two hexadecimal digits.
std::optional<std::string> PercentDecode(std::string_view text);

}  // namespace gateway

#endif  // BASE_TEXT_PERCENT_H_
