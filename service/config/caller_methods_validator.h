// Checks the ways to show who one is, beside keys: tokens and certificates.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_CALLER_METHODS_VALIDATOR_H_
#define SERVICE_CONFIG_CALLER_METHODS_VALIDATOR_H_

#include <string>

#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"

namespace gateway {

// Returns whether whoever calls must show who it is: whether there is a way.
bool HasCallerMethod(const llmgateway::config::v1::AuthMethods& methods);

// Checks `auth.callers` and `auth.operators`, with the listeners that they are
// for.
void CheckCallerMethods(const llmgateway::config::v1::GatewayConfig& config,
                        const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_CALLER_METHODS_VALIDATOR_H_
