// The TLS context of a listener, out of what the configuration says of it, and
// errors that name the listener.
//
// Thread-safe: plain functions.

#ifndef SERVICE_LISTENER_TLS_H_
#define SERVICE_LISTENER_TLS_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/net/tls_context.h"
#include "service/config/snapshot.h"

namespace gateway {

// Puts the field of the listener before an error about it.
absl::Status AtListener(std::string_view listener, const absl::Status& status);

// Returns null for a listener without TLS. `alpn` is what it speaks, most
// wanted first.
absl::StatusOr<std::shared_ptr<TlsContext>> ListenerTls(
    const ConfigSnapshot& config, std::string_view listener,
    std::vector<std::string> alpn);

}  // namespace gateway

#endif  // SERVICE_LISTENER_TLS_H_
