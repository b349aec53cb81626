// The version of the client: that of the file VERSION.
//
// Thread-safe: a constant.

#ifndef CLIENTS_CPP_VERSION_H_
#define CLIENTS_CPP_VERSION_H_

#include <string_view>

namespace gateway {

inline constexpr std::string_view kClientVersion =
#include "clients/cpp/version.inc"
    ;

}  // namespace gateway

#endif  // CLIENTS_CPP_VERSION_H_
