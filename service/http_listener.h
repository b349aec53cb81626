// A listener that speaks HTTP, out of what the configuration says of it:
// address, limits, TLS and the pages that may call. What it serves, and to
// whom, the caller adds.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       LoopRuntime::HttpListener listener,
//       MakeHttpListener(config, "http", config.config().listeners().http(),
//                        &address, &refusals));
//   listener.handler = ...;
//
// Thread-safe: plain functions.

#ifndef SERVICE_HTTP_LISTENER_H_
#define SERVICE_HTTP_LISTENER_H_

#include <cstddef>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "base/net/listener.h"
#include "llmgateway/config/v1/server.pb.h"
#include "service/config/snapshot.h"
#include "service/loop_runtime.h"
#include "service/observability/refusal_log.h"

namespace gateway {

// Binds the address, which `address` receives: it and `refusals` must outlive
// the listener. `name` is that in `listeners.<name>`, which errors begin with.
absl::StatusOr<LoopRuntime::HttpListener> MakeHttpListener(
    const ConfigSnapshot& config, const char* name,
    const llmgateway::config::v1::HttpListener& configured,
    std::optional<ListenAddress>* address, RefusalLog* refusals);

// Makes a listener one for operators, in a process with so many descriptors: it
// has places of its own beside the callers', and serves while the gateway
// drains, so that they see that it does.
void KeepForOperators(size_t descriptors, LoopRuntime::HttpListener* listener);

// What another configuration changes of all loops: certificates of their
// listeners, and what requests and answers may take. Errors name the listener
// whose certificate does not work.
absl::StatusOr<std::shared_ptr<const LoopRuntime::Changes>> ChangesOfLoops(
    const ConfigSnapshot& next);

}  // namespace gateway

#endif  // SERVICE_HTTP_LISTENER_H_
