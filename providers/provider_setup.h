// ProviderSetup is what every kind of provider is made with besides its own
// configuration.
//
// Thread contract: plain data, used at start-up and reload.

#ifndef PROVIDERS_PROVIDER_SETUP_H_
#define PROVIDERS_PROVIDER_SETUP_H_

#include <cstddef>
#include <string>
#include <vector>

#include "base/secret.h"
#include "llmgateway/config/v1/provider.pb.h"

namespace gateway {

// One credential that is at hand, and its share of the calls.
struct ProviderCredential {
  std::string name;  // As in the configuration.
  Secret secret;
  int weight = 1;  // At least 1.
};

struct ProviderSetup {
  // As in the configuration.
  std::string name;
  // Empty if none is configured or at hand: requests carry none.
  std::vector<ProviderCredential> credentials;
  // A caller may bring a credential of its own.
  bool credential_passthrough = false;
  // What becomes of a parameter that the format cannot carry.
  llmgateway::config::v1::ProviderConfig::UnsupportedParameters
      unsupported_parameters =
          llmgateway::config::v1::ProviderConfig::UNSUPPORTED_PARAMETERS_DROP;
  // One event of a stream, at most.
  size_t event_bytes_limit = 32 * 1024 * 1024;
  // Of a stream that says nothing, one after the other, at most.
  size_t silent_bytes_limit = 256 * 1024;
};

}  // namespace gateway

#endif  // PROVIDERS_PROVIDER_SETUP_H_
