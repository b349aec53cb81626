#include "service/pipeline/configured_audit.h"

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/secret.h"
#include "base/status_macros.h"
#include "service/audit/body_cipher.h"
#include "service/audit/body_rules.h"
#include "service/config/audit_validator.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::AuditBodyRule;
using ::llmgateway::config::v1::AuditConfig;

BodyRule RuleOf(const AuditBodyRule& config) {
  return {.routes = {config.routes().begin(), config.routes().end()},
          .apis = {config.apis().begin(), config.apis().end()},
          .callers = {config.callers().begin(), config.callers().end()},
          .owners = {config.owners().begin(), config.owners().end()},
          .request = config.request(),
          .response = config.response(),
          .bytes_limit = static_cast<size_t>(config.body_bytes_limit())};
}

// Null if nothing is encrypted.
absl::StatusOr<std::shared_ptr<const BodyCipher>> CipherOf(
    const ConfigSnapshot& config) {
  std::vector<BodyCipher::Key> keys;
  for (const ConfigSnapshot::AuditKey& key : config.audit_keys()) {
    keys.push_back({key.id, key.key});
  }
  if (keys.empty()) return nullptr;
  absl::StatusOr<BodyCipher> cipher = BodyCipher::Make(std::move(keys));
  if (!cipher.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("audit.encryption.keys: ", cipher.status().message()));
  }
  return std::make_shared<const BodyCipher>(*std::move(cipher));
}

// All that the configuration names and must not be told. Of keys that are
// configured by their digest nothing is known that could be looked for.
std::vector<Secret> SecretsOf(const ConfigSnapshot& config) {
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

}  // namespace

absl::StatusOr<std::shared_ptr<const AuditPolicy>> AuditPolicyOf(
    const ConfigSnapshot& snapshot) {
  if (!snapshot.config().has_audit()) return nullptr;
  const AuditConfig& config = snapshot.config().audit();
  RedactionSettings settings = RedactionSettingsOf(config.redaction());
  settings.secrets = SecretsOf(snapshot);
  GATEWAY_ASSIGN_OR_RETURN(BodyRedactor redactor, BodyRedactor::Make(settings));
  auto policy = std::make_shared<AuditPolicy>(std::move(redactor));
  GATEWAY_ASSIGN_OR_RETURN(policy->cipher, CipherOf(snapshot));
  std::vector<BodyRule> rules;
  for (const AuditBodyRule& rule : config.bodies()) {
    rules.push_back(RuleOf(rule));
  }
  policy->rules = BodyRules(std::move(rules));
  policy->retention = absl::Hours(24) * config.retention_days();
  policy->unknown_callers_per_second = config.unknown_callers_per_second();
  return policy;
}

AuditLog::Options AuditOptionsOf(const AuditConfig& config, std::string file) {
  return {
      .store = {.path = std::move(file),
                .file_bytes_limit = config.file_bytes_limit()},
      .queue_entries_limit = static_cast<size_t>(config.queue_entries_limit()),
      .queue_bytes_limit = static_cast<size_t>(config.queue_bytes_limit())};
}

}  // namespace gateway
