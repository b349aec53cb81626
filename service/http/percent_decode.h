// Undoes percent-encoding in a piece of a path.
//
// Thread contract: plain function.

#ifndef SERVICE_HTTP_PERCENT_DECODE_H_
#define SERVICE_HTTP_PERCENT_DECODE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gateway {

// Decodes `text`. INVALID_REQUEST if a percent sign is not followed by two
// hexadecimal digits.
absl::StatusOr<std::string> PercentDecode(std::string_view text);

}  // namespace gateway

#endif  // SERVICE_HTTP_PERCENT_DECODE_H_
