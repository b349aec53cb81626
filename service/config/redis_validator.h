// Checks where the Redis is that replicas share.
//
// Thread-safe: plain function.

#ifndef SERVICE_CONFIG_REDIS_VALIDATOR_H_
#define SERVICE_CONFIG_REDIS_VALIDATOR_H_

#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"

namespace gateway {

// Adds what is wrong with `config.redis()`, if there is one.
void CheckRedis(const llmgateway::config::v1::GatewayConfig& config,
                const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_REDIS_VALIDATOR_H_
