// Checks what the configuration says of the cache of answers, and of what
// replicas know of idempotency keys and streams.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_CACHE_VALIDATOR_H_
#define SERVICE_CONFIG_CACHE_VALIDATOR_H_

#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"

namespace gateway {

// Adds what is wrong with `config.cache()` and `config.idempotency()`. Warns of
// what callers find only at the replica where they began.
// REQUIRES: defaults have been applied.
void CheckCache(const llmgateway::config::v1::GatewayConfig& config,
                const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_CACHE_VALIDATOR_H_
