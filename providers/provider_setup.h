// ProviderSetup is what every kind of provider is made with besides its own
// configuration.
//
// Thread contract: plain data, used at start-up.

#ifndef PROVIDERS_PROVIDER_SETUP_H_
#define PROVIDERS_PROVIDER_SETUP_H_

#include <cstddef>
#include <string>
#include <vector>

#include "base/secret.h"
#include "llmgateway/config/v1/provider.pb.h"

namespace gateway {

// One credential whose secret is at hand, and its share of the calls.
struct ProviderCredential {
  std::string name;  // As in the configuration.
  Secret secret;
  int weight = 1;  // At least 1.
};

struct ProviderSetup {
  // The provider's name in the configuration.
  std::string name;
  // Credentials to send; if there are none, requests carry none.
  std::vector<ProviderCredential> credentials;
  // A caller may bring a credential of its own.
  bool credential_passthrough = false;
  // What to do about a parameter that the format cannot carry.
  llmgateway::config::v1::ProviderConfig::UnsupportedParameters
      unsupported_parameters =
          llmgateway::config::v1::ProviderConfig::UNSUPPORTED_PARAMETERS_DROP;
  // The largest event of a stream.
  size_t event_bytes_limit = 32 * 1024 * 1024;
  // The most bytes of a stream, in a row, that bring no event.
  size_t silent_bytes_limit = 256 * 1024;
};

}  // namespace gateway

#endif  // PROVIDERS_PROVIDER_SETUP_H_
