// The secrets of a configuration, for who takes them out of what is recorded:
// keys of callers, operators and providers, passwords, what encrypts.
//
//   settings.secrets = ConfiguredSecrets(*config);
//
// Thread-safe: plain functions.

#ifndef SERVICE_PIPELINE_CONFIGURED_SECRETS_H_
#define SERVICE_PIPELINE_CONFIGURED_SECRETS_H_

#include <cstddef>
#include <vector>

#include "base/secret.h"
#include "service/audit/redaction/secret_digests.h"
#include "service/config/snapshot.h"

namespace gateway {

// Copies of all that the configuration names and must not be told. Of keys that
// are configured by their digest nothing is known that could be looked for.
std::vector<Secret> ConfiguredSecrets(const ConfigSnapshot& config);

// Those by which connections to what replicas share, and to a collector, may
// still stand though `config` has others in their place: of the configuration
// before it, and of `former`, those of that one. The newest first, and no more
// than so many.
inline constexpr size_t kFormerSecretsMax = 16;
std::vector<Secret> FormerSecrets(const ConfigSnapshot& config,
                                  const ConfigSnapshot& before,
                                  const std::vector<Secret>& former);

// Digests of the configured ones, also of those keys, and of `former`.
SecretDigests ConfiguredSecretDigests(const ConfigSnapshot& config,
                                      const std::vector<Secret>& former);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CONFIGURED_SECRETS_H_
