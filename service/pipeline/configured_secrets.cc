#include "service/pipeline/configured_secrets.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/os/random.h"

namespace gateway {
namespace {

// What connections show that outlast a configuration.
std::vector<Secret> SecretsOfConnections(const ConfigSnapshot& config) {
  const ConfigSnapshot::Redis& redis = config.redis_secrets();
  std::vector<Secret> secrets = {redis.password, redis.sentinel_password,
                                 redis.private_key, config.ledger_password()};
  for (const ConfigSnapshot::TracingHeader& each : config.tracing_headers()) {
    secrets.push_back(each.value);
  }
  return secrets;
}

bool Has(const std::vector<Secret>& secrets, const Secret& secret) {
  return std::any_of(secrets.begin(), secrets.end(), [&](const Secret& each) {
    return each.Reveal() == secret.Reveal();
  });
}

}  // namespace

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
  for (Secret& each : SecretsOfConnections(config)) {
    secrets.push_back(std::move(each));
  }
  for (const ConfigSnapshot::AuditKey& each : config.audit_keys()) {
    secrets.push_back(each.key);
  }
  for (const auto& [name, webhook] : config.alert_webhooks()) {
    secrets.push_back(webhook.url);
    secrets.push_back(webhook.signing_key);
    for (const ConfigSnapshot::WebhookHeader& header : webhook.headers) {
      if (header.is_named) secrets.push_back(header.value);
    }
  }
  return secrets;
}

std::vector<Secret> FormerSecrets(const ConfigSnapshot& config,
                                  const ConfigSnapshot& before,
                                  const std::vector<Secret>& former) {
  const std::vector<Secret> present = SecretsOfConnections(config);
  std::vector<Secret> all = SecretsOfConnections(before);
  all.insert(all.end(), former.begin(), former.end());
  std::vector<Secret> kept;
  for (Secret& each : all) {
    if (kept.size() == kFormerSecretsMax) break;
    if (each.empty() || Has(present, each) || Has(kept, each)) continue;
    kept.push_back(std::move(each));
  }
  return kept;
}

SecretDigests ConfiguredSecretDigests(const ConfigSnapshot& config,
                                      const std::vector<Secret>& former) {
  SecretDigests digests(SecureRandom());
  for (const Secret& secret : former) digests.Add(secret);
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
