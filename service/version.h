// The version that the gateway reports of itself, as in CHANGELOG.md.
//
// Thread-safe: a constant.

#ifndef SERVICE_VERSION_H_
#define SERVICE_VERSION_H_

#include <string_view>

namespace gateway {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace gateway

#endif  // SERVICE_VERSION_H_
