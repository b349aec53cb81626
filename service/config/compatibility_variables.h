// The environment variables of the systems whose place the gateway takes, such
// as GATEWAY_MAX_RETRIES: each sets a field of the configuration, in its own
// unit, switches something off, or is told to do nothing here.
//
//   GATEWAY_RETRY_DELAY=1.5        resilience.retry.backoff_base: 1.5s
//   GATEWAY_MAX_RETRIES=3          resilience.retry.attempts_limit: 4
//   OPENROUTER_FALLBACK_ENABLED=0  no rule, policy and chain has OpenRouter
//
// They are stronger than the file and weaker than the fields' own variables
// (environment.h). An empty one counts as not set. docs/configuration.md has a
// row for each.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_COMPATIBILITY_VARIABLES_H_
#define SERVICE_CONFIG_COMPATIBILITY_VARIABLES_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llmgateway/config/v1/config.pb.h"
#include "providers/provider_kind.h"
#include "service/config/config_problem.h"

namespace gateway {

using Environment = std::map<std::string, std::string>;

// What problems with variables are told to come from.
inline constexpr char kVariableSource[] = "environment";

// Reads `true`, `1`, `yes`, `on` and their opposites, in either case; nothing
// of anything else.
std::optional<bool> SwitchOf(std::string_view text);

// Returns the names of all of them.
std::vector<std::string_view> CompatibilityVariables();
bool IsCompatibilityVariable(std::string_view name);

// Sets the fields whose variables are set, before defaults are applied. Warns
// of those that are set and not followed.
void ApplyCompatibilityVariables(const Environment& environment,
                                 llmgateway::config::v1::GatewayConfig* config,
                                 ConfigProblems* problems);

// Takes out what variables switch off, of a configuration with its defaults,
// and sets what depends on those.
void ApplyCompatibilitySwitches(const ProviderKinds& kinds,
                                const Environment& environment,
                                llmgateway::config::v1::GatewayConfig* config);

}  // namespace gateway

#endif  // SERVICE_CONFIG_COMPATIBILITY_VARIABLES_H_
