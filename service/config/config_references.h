// What a configuration refers to outside of itself: variables and files with
// secrets and certificates, and files of certificate authorities.
//
//   for (const NamedReference& named : SecretReferencesOf(config)) {
//     // {"providers[0].openai.api_key", "env:OPENAI_API_KEY"}
//   }
//   FilesNamedBy(config);  // {"/etc/gateway/tls.crt", "/etc/gateway/tls.key"}
//
// Nothing is opened.
//
// Thread-safe: plain functions.

#ifndef SERVICE_CONFIG_CONFIG_REFERENCES_H_
#define SERVICE_CONFIG_CONFIG_REFERENCES_H_

#include <string>
#include <vector>

#include "llmgateway/config/v1/config.pb.h"

namespace gateway {

struct NamedReference {
  std::string path;       // The field that names it.
  std::string reference;  // As in `env:NAME` or `file:path`.
};

// All references to secrets and certificates, in the order of the fields, of a
// map of its keys.
std::vector<NamedReference> SecretReferencesOf(
    const llmgateway::config::v1::GatewayConfig& config);

// The files of authorities, `ca_file`, of providers in the order of the fields
// and of `tracing`.
// The reference is the path alone.
std::vector<NamedReference> CaFilesOf(
    const llmgateway::config::v1::GatewayConfig& config);

// The paths of all files among both, sorted, each once.
std::vector<std::string> FilesNamedBy(
    const llmgateway::config::v1::GatewayConfig& config);

}  // namespace gateway

#endif  // SERVICE_CONFIG_CONFIG_REFERENCES_H_
