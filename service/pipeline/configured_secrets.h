// The secrets of a configuration, for who takes them out of what is recorded:
// keys of callers, operators and providers, passwords, what encrypts.
//
//   settings.secrets = ConfiguredSecrets(*config);
//
// Thread-safe: plain functions.

#ifndef SERVICE_PIPELINE_CONFIGURED_SECRETS_H_
#define SERVICE_PIPELINE_CONFIGURED_SECRETS_H_

#include <vector>

#include "base/secret.h"
#include "service/audit/redaction/secret_digests.h"
#include "service/config/snapshot.h"

namespace gateway {

// Copies of all that the configuration names and must not be told. Of keys that
// are configured by their digest nothing is known that could be looked for.
std::vector<Secret> ConfiguredSecrets(const ConfigSnapshot& config);

// The same without the secrets themselves; with those keys.
SecretDigests ConfiguredSecretDigests(const ConfigSnapshot& config);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CONFIGURED_SECRETS_H_
