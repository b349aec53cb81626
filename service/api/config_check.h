// Finds out whether the gateway would start with a configuration.
//
//   const v1::ValidateConfigResponse answer =
//       CheckConfig(text, environment, clock.WallTime());
//
// Thread-safe: a plain function. Blocks on files, for up to a second on a text
// made to be slow: never on an event loop.

#ifndef SERVICE_API_CONFIG_CHECK_H_
#define SERVICE_API_CONFIG_CHECK_H_

#include <string_view>

#include "absl/time/time.h"
#include "llmgateway/v1/admin.pb.h"
#include "service/config/environment.h"

namespace gateway {

llmgateway::v1::ValidateConfigResponse CheckConfig(
    std::string_view text, const Environment& environment, absl::Time now);

}  // namespace gateway

#endif  // SERVICE_API_CONFIG_CHECK_H_
