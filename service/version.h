// The version that the gateway reports of itself: that of the file VERSION,
// which images, packages and charts have, too.
//
// Thread-safe: a constant.

#ifndef SERVICE_VERSION_H_
#define SERVICE_VERSION_H_

#include <string_view>

namespace gateway {

inline constexpr std::string_view kVersion =
#include "service/version.inc"
    ;

}  // namespace gateway

#endif  // SERVICE_VERSION_H_
