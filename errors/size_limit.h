// Which limit an answer was too large for: told in the fault's metadata, so
// that who meets it knows what to raise, and the target is not blamed.
//
//   AddFaultMetadata(fault, kSizeLimitKey, kAnswerSizeLimit);

#ifndef ERRORS_SIZE_LIMIT_H_
#define ERRORS_SIZE_LIMIT_H_

#include <string_view>

namespace gateway {

// The metadata's key. Its value is the field of the configuration.
inline constexpr std::string_view kSizeLimitKey = "size_limit";

// How large the whole answer of a provider may be.
inline constexpr std::string_view kAnswerSizeLimit =
    "limits.response_bytes_limit";

}  // namespace gateway

#endif  // ERRORS_SIZE_LIMIT_H_
