// Finds out what is wrong with a configuration, as far as its text says. What
// it refers to - secrets, certificates, files of authorities - is not looked
// at: who asks would learn which files and variables there are. Starting, or
// `gateway --check_config` on the machine itself, tells the rest.
//
//   const v1::ValidateConfigResponse answer =
//       CheckConfig(kinds, text, environment);
//
// Thread-safe: a plain function. Takes up to a second for a text made to be
// slow: never on an event loop.

#ifndef SERVICE_API_CONFIG_CHECK_H_
#define SERVICE_API_CONFIG_CHECK_H_

#include <string_view>

#include "llmgateway/v1/admin.pb.h"
#include "providers/provider_kind.h"
#include "service/config/environment.h"

namespace gateway {

llmgateway::v1::ValidateConfigResponse CheckConfig(
    const ProviderKinds& kinds, std::string_view text,
    const Environment& environment);

}  // namespace gateway

#endif  // SERVICE_API_CONFIG_CHECK_H_
