// Which fields of a configuration are read at the start alone, so that a
// process cannot come to have others: addresses, what the loops and listeners
// were made with, what holds memory for all calls.
//
//   RestartFields(in_use, next);  // {"listeners.http.address"}
//
// Thread-safe: plain function.

#ifndef SERVICE_RELOAD_RESTART_FIELDS_H_
#define SERVICE_RELOAD_RESTART_FIELDS_H_

#include <string>
#include <vector>

#include "llmgateway/config/v1/config.pb.h"

namespace gateway {

// Returns those that differ. REQUIRES: both have their defaults.
std::vector<std::string> RestartFields(
    const llmgateway::config::v1::GatewayConfig& in_use,
    const llmgateway::config::v1::GatewayConfig& next);

}  // namespace gateway

#endif  // SERVICE_RELOAD_RESTART_FIELDS_H_
