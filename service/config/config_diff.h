// Tells two configurations apart, field by field.
//
//   for (const ConfigDifference& each : DiffConfigs(before, after, 1000)) {
//     // {"routing.default_target.provider", "\"mock\"", "\"openai\""}
//   }
//
// Entries of a list that have a name or an id are compared with those of the
// same name, wherever they stand; others with those at the same place.
//
// Thread-safe: plain function.

#ifndef SERVICE_CONFIG_CONFIG_DIFF_H_
#define SERVICE_CONFIG_CONFIG_DIFF_H_

#include <cstddef>
#include <string>
#include <vector>

#include "llmgateway/config/v1/config.pb.h"

namespace gateway {

struct ConfigDifference {
  // Such as `providers[0].openai.base_url`; the index is that after, or, of
  // what is gone, that before.
  std::string path;
  // As a file would have it, with what might be a secret masked; empty if it
  // was not there, or is not.
  std::string before;
  std::string after;
};

// In the order of the fields. REQUIRES: both have their defaults.
std::vector<ConfigDifference> DiffConfigs(
    const llmgateway::config::v1::GatewayConfig& before,
    const llmgateway::config::v1::GatewayConfig& after, size_t limit);

}  // namespace gateway

#endif  // SERVICE_CONFIG_CONFIG_DIFF_H_
