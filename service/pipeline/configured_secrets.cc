#include "service/pipeline/configured_secrets.h"

#include <string_view>

#include "base/os/random.h"

namespace gateway {

std::vector<Secret> ConfiguredSecrets(const ConfigSnapshot& config) {
  std::vector<Secret> secrets;
  for (const auto* const keys :
       {&config.caller_keys(), &config.operator_keys()}) {
    for (const ConfigSnapshot::AccessKey& each : *keys) {
      if (each.key.has_value()) secrets.push_back(*each.key);
    }
  }
  for (const auto& provider : config.config().providers()) {
    for (const ConfigSnapshot::ProviderKey& each :
         config.CredentialsOf(provider.name())) {
      secrets.push_back(each.key);
    }
  }
  for (const std::string_view listener :
       {"grpc", "http", "admin", "operations", "admin_http"}) {
    const ConfigSnapshot::Tls* const tls = config.FindTls(listener);
    if (tls != nullptr) secrets.push_back(tls->private_key);
  }
  const ConfigSnapshot::Redis& redis = config.redis_secrets();
  secrets.push_back(redis.password);
  secrets.push_back(redis.sentinel_password);
  secrets.push_back(redis.private_key);
  secrets.push_back(config.ledger_password());
  for (const ConfigSnapshot::AuditKey& each : config.audit_keys()) {
    secrets.push_back(each.key);
  }
  for (const ConfigSnapshot::TracingHeader& each : config.tracing_headers()) {
    secrets.push_back(each.value);
  }
  for (const auto& [name, webhook] : config.alert_webhooks()) {
    secrets.push_back(webhook.url);
    secrets.push_back(webhook.signing_key);
  }
  return secrets;
}

SecretDigests ConfiguredSecretDigests(const ConfigSnapshot& config) {
  SecretDigests digests(SecureRandom());
  for (const Secret& secret : ConfiguredSecrets(config)) digests.Add(secret);
  for (const auto* const keys :
       {&config.caller_keys(), &config.operator_keys()}) {
    for (const ConfigSnapshot::AccessKey& each : *keys) {
      if (!each.key.has_value()) digests.AddSha256(each.digest);
    }
  }
  return digests;
}

}  // namespace gateway
