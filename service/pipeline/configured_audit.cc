#include "service/pipeline/configured_audit.h"

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "service/audit/body_cipher.h"
#include "service/audit/body_rules.h"
#include "service/config/audit_validator.h"
#include "service/pipeline/configured_secrets.h"

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

}  // namespace

absl::StatusOr<std::shared_ptr<const AuditPolicy>> AuditPolicyOf(
    const ConfigSnapshot& snapshot, const std::vector<Secret>& former) {
  if (!snapshot.config().has_audit()) return nullptr;
  const AuditConfig& config = snapshot.config().audit();
  RedactionSettings settings = RedactionSettingsOf(config.redaction());
  settings.secrets = ConfiguredSecrets(snapshot);
  settings.secrets.insert(settings.secrets.end(), former.begin(), former.end());
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
  policy->refusals_per_second = config.refusals_per_second();
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
