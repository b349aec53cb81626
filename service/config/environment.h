// The process's environment, and the configuration fields that it overrides.
//
// Every field that is not inside a list or map can be given as a variable:
// LLM_GATEWAY_ and its path in capitals, dots as underscores.
//
//   LLM_GATEWAY_LISTENERS_HTTP_ADDRESS=0.0.0.0:8080   listeners.http.address
//   LLM_GATEWAY_LOGGING_LEVEL=debug                   logging.level
//
// The environment is handed in, since only programs may ask the system for it.
// A variable that begins so and names no field is a mistake and is reported;
// an empty one counts as not set. Kubernetes puts variables of the same form
// into every pod beside a service called `llm-gateway`; those are let pass.
// Those of other systems have names of their own
// (compatibility_variables.h).
//
// Thread-safe.

#ifndef SERVICE_CONFIG_ENVIRONMENT_H_
#define SERVICE_CONFIG_ENVIRONMENT_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"

namespace gateway {

using Environment = std::map<std::string, std::string>;

// Returns the process's own.
Environment ProcessEnvironment();

struct EnvironmentOverride {
  std::string variable;  // Such as LLM_GATEWAY_LOGGING_LEVEL.
  std::string path;      // Such as logging.level.
};

// Returns every variable that overrides a field, sorted by name.
const std::vector<EnvironmentOverride>& EnvironmentOverrides();

// Sets the field at the end of the path, such as `logging.level`, from text;
// creates the messages on the way. REQUIRES: there is such a field, outside of
// lists and maps.
absl::Status AssignPath(const std::string& path, std::string_view text,
                        google::protobuf::Message* message);

// Sets the fields whose variables are set, whatever they were before.
void ApplyEnvironment(const Environment& environment,
                      llmgateway::config::v1::GatewayConfig* config,
                      ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_ENVIRONMENT_H_
