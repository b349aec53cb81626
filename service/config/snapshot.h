// ConfigSnapshot is one configuration, whole and final: every default filled
// in, every check passed, every secret at hand. It never changes.
//
//   std::shared_ptr<const ConfigSnapshot> config = reading.snapshot;
//   for (const auto& credential : config->CredentialsOf("openai")) ...
//   // None if none is needed, or if their variables are not set.
//
// Whoever works with a snapshot holds its pointer, so that the rules do not
// change under a call.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_SNAPSHOT_H_
#define SERVICE_CONFIG_SNAPSHOT_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "llmgateway/config/v1/config.pb.h"
#include "providers/provider_kind.h"
#include "service/config/config_problem.h"
#include "service/config/environment.h"
#include "service/identity/caller.h"
#include "service/identity/key_set_fetch.h"

namespace gateway {

class ConfigSnapshot {
 public:
  // Whether the credential of a provider is there.
  enum class Credential {
    kNotNeeded,  // The configuration names none.
    kPresent,
    kAbsent,  // None of the variables that it names is set.
  };

  // A credential whose secret is at hand, and its share of the calls.
  struct ProviderKey {
    std::string name;
    Secret key;
    int weight = 1;
  };

  // A key that callers or operators may show.
  struct AccessKey {
    Caller caller;              // Whom it stands for.
    std::optional<Secret> key;  // Not set if only the digest is known.
    Sha256Digest digest;        // The key's SHA-256.
    bool disabled = false;
  };

  // Certificates and keys of a listener, in PEM.
  struct Tls {
    Secret cert_chain;
    Secret private_key;
    // If set, clients must have a certificate of it.
    std::optional<Secret> client_ca;
  };

  // What connections to Redis need that the configuration names.
  struct Redis {
    Secret password{""};
    Secret sentinel_password{""};
    // PEM; empty where none is named.
    std::string ca;
    std::string cert_chain;
    Secret private_key{""};
  };

  // A key that bodies of the audit log are encrypted with.
  struct AuditKey {
    std::string id;
    Secret key;
  };

  // A header of `tracing.headers`.
  struct TracingHeader {
    std::string name;
    Secret value;
  };

  // A header of a webhook.
  struct WebhookHeader {
    std::string name;
    Secret value;
    bool is_named = false;  // By a variable or a file.
  };

  // What a webhook of `alerts.actions` needs that is, or may be, a secret.
  struct AlertWebhook {
    Secret url;
    Secret signing_key{""};  // Empty for no signature.
    std::vector<WebhookHeader> headers;  // By name.
  };
  // By the action's name.
  using AlertWebhooks = std::map<std::string, AlertWebhook, std::less<>>;

  // Resolves the secrets of a configuration with defaults that has passed
  // validation. If one cannot be resolved, or certificate and key of a listener
  // cannot be used, adds the problem and returns null. Warns of credentials
  // whose variable is not set, and of certificates that are not valid at
  // `load_time`.
  // `source` is the file's name.
  static std::shared_ptr<const ConfigSnapshot> Make(
      const ProviderKinds& kinds, llmgateway::config::v1::GatewayConfig config,
      const FieldPlaces& places, const Environment& environment,
      std::string source, absl::Time load_time, ConfigProblems* problems);

  const llmgateway::config::v1::GatewayConfig& config() const {
    return config_;
  }

  // Returns the kinds of provider that it was read for, and by which its
  // providers are made.
  const ProviderKinds& kinds() const { return kinds_; }

  // Returns kNotNeeded also for providers that are not configured.
  Credential CredentialOf(std::string_view provider) const;

  // Returns credentials only if CredentialOf(provider) is kPresent.
  const std::vector<ProviderKey>& CredentialsOf(
      std::string_view provider) const;

  // All keys, also disabled and expired ones: whoever shows such a key is told.
  const std::vector<AccessKey>& caller_keys() const { return caller_keys_; }
  const std::vector<AccessKey>& operator_keys() const {
    return operator_keys_;
  }

  // How the key sets of `auth.callers.jwt_issuers` and of the operators' are
  // read, in their order.
  const std::vector<KeySetAccess>& caller_key_sets() const {
    return caller_key_sets_;
  }
  const std::vector<KeySetAccess>& operator_key_sets() const {
    return operator_key_sets_;
  }

  // Returns null for listeners without TLS. `listener` is its field's name:
  // grpc, http, admin or operations.
  const Tls* FindTls(std::string_view listener) const;

  const Redis& redis_secrets() const { return redis_; }

  // Of `ledger.postgres`; empty if it has none.
  const Secret& ledger_password() const { return ledger_password_; }

  // Those of `audit.encryption`, in their order.
  const std::vector<AuditKey>& audit_keys() const { return audit_keys_; }
  const std::vector<TracingHeader>& tracing_headers() const {
    return tracing_headers_;
  }
  const AlertWebhooks& alert_webhooks() const { return alert_webhooks_; }
  // Of `tools`; empty if it has none.
  const Secret& tools_credential() const { return tools_credential_; }

  // The configuration as YAML, with secrets masked.
  const std::string& masked_yaml() const { return masked_yaml_; }

  // The SHA-256 of masked_yaml(), in hexadecimal.
  const std::string& checksum() const { return checksum_; }

  // Differs whenever the content does, including masked secrets. Keyed with a
  // number that this process draws when it starts, so that short secrets cannot
  // be guessed by it: it can be compared within the process only.
  const std::string& etag() const { return etag_; }

  // Differs whenever etag() does, and whenever a secret, a certificate or a
  // file of authorities that is named has another content. Within the process
  // only.
  const std::string& fingerprint() const { return fingerprint_; }

  // Whether the provider of this name is configured here as it is in `other`,
  // with the same secrets: then one that was made for the one serves the other
  // as well. What is said of its models counts for nothing there.
  bool HasSameProvider(const ConfigSnapshot& other,
                       std::string_view provider) const;

  const std::string& source() const { return source_; }
  absl::Time load_time() const { return load_time_; }

 private:
  class Resolver;

  // Stands for all that is named and was read, secrets too, and shows nothing
  // of it.
  std::string NamedContents() const;

  explicit ConfigSnapshot(const ProviderKinds& kinds) : kinds_(kinds) {}

  const ProviderKinds kinds_;
  llmgateway::config::v1::GatewayConfig config_;
  // By the provider's name; there is no entry for a provider that needs none.
  std::map<std::string, std::vector<ProviderKey>, std::less<>> credentials_;
  std::vector<AccessKey> caller_keys_;
  std::vector<AccessKey> operator_keys_;
  std::vector<KeySetAccess> caller_key_sets_;
  std::vector<KeySetAccess> operator_key_sets_;
  std::map<std::string, Tls, std::less<>> tls_;
  Redis redis_;
  Secret ledger_password_{""};
  std::vector<AuditKey> audit_keys_;
  std::vector<TracingHeader> tracing_headers_;
  AlertWebhooks alert_webhooks_;
  Secret tools_credential_{""};
  // The content of its file of authorities, by the provider's name.
  std::map<std::string, std::string, std::less<>> ca_files_;
  std::string masked_yaml_;
  std::string checksum_;
  std::string etag_;
  std::string fingerprint_;
  std::string source_;
  absl::Time load_time_;
};

}  // namespace gateway

#endif  // SERVICE_CONFIG_SNAPSHOT_H_
