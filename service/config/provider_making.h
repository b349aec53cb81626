// What a provider is made of, as text: one that was made for a configuration
// serves another where this is the same, and its secrets are.
//
//   if (MakingOf(config, "openai") == MakingOf(other, "openai")) ...
//
// Thread-safe: a plain function.

#ifndef SERVICE_CONFIG_PROVIDER_MAKING_H_
#define SERVICE_CONFIG_PROVIDER_MAKING_H_

#include <optional>
#include <string>
#include <string_view>

#include "llmgateway/config/v1/config.pb.h"

namespace gateway {

// All but what secrets are, and what is said of models and targets; nothing if
// it is not configured.
std::optional<std::string> MakingOf(
    const llmgateway::config::v1::GatewayConfig& config, std::string_view name);

}  // namespace gateway

#endif  // SERVICE_CONFIG_PROVIDER_MAKING_H_
