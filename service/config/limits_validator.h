// Checks how much callers may ask for in a time.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_LIMITS_VALIDATOR_H_
#define SERVICE_CONFIG_LIMITS_VALIDATOR_H_

#include <string>

#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/config/v1/config.pb.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/config/config_problem.h"

namespace gateway {

// Adds what is wrong with `config.rate_limits()`.
void CheckRateLimits(const llmgateway::config::v1::GatewayConfig& config,
                     const FieldPlaces& places, ConfigProblems* problems);

// Adds what is wrong with a match of a limit, or of a budget; `path` is that of
// which it is the `match`.
void CheckLimitMatch(const llmgateway::config::v1::GatewayConfig& config,
                     const std::string& path,
                     const llmgateway::config::v1::LimitMatch& match,
                     const FieldPlaces& places, ConfigProblems* problems);

// Adds what is wrong with the limits of one key, or of callers whom a token or
// a certificate names; `path` is that of the list.
void CheckKeyLimits(
    const std::string& path,
    const google::protobuf::RepeatedPtrField<llmgateway::config::v1::KeyLimit>&
        limits,
    const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_LIMITS_VALIDATOR_H_
