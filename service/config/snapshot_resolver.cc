#include "service/config/snapshot_resolver.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/net/tls_context.h"
#include "base/net/tls_material.h"
#include "base/os/file.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "base/string_view.h"
#include "google/protobuf/message.h"
#include "providers/provider_settings.h"
#include "service/alerts/webhook.h"
#include "service/config/config_problem.h"
#include "service/config/redis_url.h"
#include "service/config/secret_reference.h"
#include "service/identity/caller_grants.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::ApiKey;
using ::llmgateway::config::v1::AuthConfig;
using ::llmgateway::config::v1::AuthMethods;
using ::llmgateway::config::v1::HttpUpstream;
using ::llmgateway::config::v1::Listeners;
using ::llmgateway::config::v1::ProviderConfig;
using ::llmgateway::config::v1::RedisConfig;
using ::llmgateway::config::v1::TlsServer;
using ::llmgateway::config::v1::WebhookAction;

constexpr size_t kAccessKeyLengthMin = 16;

// REQUIRES: `hex` is 64 hexadecimal digits.
Sha256Digest DigestFromHex(const std::string& hex) {
  const std::string bytes = absl::HexStringToBytes(hex);
  assert(bytes.size() == kSha256Bytes);
  Sha256Digest digest;
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

// The name of a credential that is given by the kind's own `api_key`.
constexpr std::string_view kDefaultCredential = "default";

constexpr size_t kCaFileBytesLimit = size_t{4} * 1024 * 1024;

// Describes a reference. REQUIRES: validation has passed it.
std::string Describe(const std::string& reference) {
  return SecretReference::Parse(reference)->description();
}

// Of a file, which ends its only line.
Secret OneLine(const Secret& text) {
  return Secret(
      ToStd(absl::StripTrailingAsciiWhitespace(ToAbsl(text.Reveal()))));
}

}  // namespace

void ConfigSnapshot::Resolver::ResolveAll(ConfigSnapshot* snapshot) {
  ResolveProviders(snapshot);
  const AuthConfig& auth = snapshot->config_.auth();
  snapshot->caller_keys_ =
      ResolveAccessKeys("auth.callers.api_keys", auth.callers());
  snapshot->operator_keys_ =
      ResolveAccessKeys("auth.operators.api_keys", auth.operators());
  snapshot->caller_key_sets_ =
      ResolveKeySets("auth.callers.jwt_issuers", auth.callers());
  snapshot->operator_key_sets_ =
      ResolveKeySets("auth.operators.jwt_issuers", auth.operators());
  const Listeners& listeners = snapshot->config_.listeners();
  const auto resolve_tls = [&](const char* name, const auto& listener) {
    if (listener.has_tls()) ResolveTls(name, listener.tls(), snapshot);
  };
  resolve_tls("grpc", listeners.grpc());
  resolve_tls("http", listeners.http());
  resolve_tls("admin", listeners.admin());
  resolve_tls("operations", listeners.operations());
  resolve_tls("admin_http", listeners.admin_http());
  if (snapshot->config_.has_redis()) ResolveRedis(snapshot);
  snapshot->ledger_password_ = OneLine(RequireIfGiven(
      "ledger.postgres.password",
      snapshot->config_.ledger().postgres().password(), SecretForm::kText));
  ResolveAuditKeys(snapshot);
  ResolveTracing(snapshot);
  ResolveAlerts(snapshot);
  snapshot->tools_credential_ =
      RequireIfGiven("tools.credential", snapshot->config_.tools().credential(),
                     SecretForm::kToken);
}

std::optional<Secret> ConfigSnapshot::Resolver::Resolve(
    const std::string& path, const std::string& reference, SecretForm form) {
  const absl::StatusOr<SecretReference> parsed =
      SecretReference::Parse(reference);
  if (!parsed.ok()) {
    Add(path, ToStd(parsed.status().message()));
    return std::nullopt;
  }
  absl::StatusOr<std::optional<Secret>> secret =
      parsed->Resolve(environment_, form);
  if (!secret.ok()) {
    Add(path, ToStd(secret.status().message()));
    return std::nullopt;
  }
  return *std::move(secret);
}

std::optional<Secret> ConfigSnapshot::Resolver::Require(
    const std::string& path, const std::string& reference, SecretForm form) {
  const bool before = succeeded_;
  succeeded_ = true;
  std::optional<Secret> secret = Resolve(path, reference, form);
  if (!secret.has_value() && succeeded_) {
    Add(path, absl::StrCat(Describe(reference), " is not set; set it"));
  }
  succeeded_ = succeeded_ && before;
  return secret;
}

Secret ConfigSnapshot::Resolver::RequireIfGiven(const std::string& path,
                                                const std::string& reference,
                                                SecretForm form) {
  if (reference.empty()) return Secret("");
  return Require(path, reference, form).value_or(Secret(""));
}

void ConfigSnapshot::Resolver::ResolveProviders(ConfigSnapshot* snapshot) {
  for (int i = 0; i < snapshot->config_.providers_size(); ++i) {
    const ProviderConfig& provider = snapshot->config_.providers(i);
    const std::string path = ElementPath("providers", static_cast<size_t>(i));
    std::vector<ProviderKey> keys;
    std::vector<std::pair<std::string, std::string>> absent;
    bool needed = false;
    const auto resolve = [&](const std::string& key_path,
                             const std::string& reference,
                             const std::string& name, int weight) {
      if (reference.empty()) return;
      needed = true;
      std::optional<Secret> key =
          Resolve(key_path, reference, SecretForm::kToken);
      if (key.has_value()) {
        keys.push_back({name, *std::move(key), weight});
      } else {
        absent.emplace_back(key_path, reference);
      }
    };
    const google::protobuf::Message* const settings =
        ProviderSettings(provider);
    if (settings != nullptr) {
      resolve(absl::StrCat(path, ".", ToAbsl(ProviderKindName(provider)),
                           ".api_key"),
              TextSetting(*settings, "api_key"),
              std::string(kDefaultCredential), 1);
    }
    for (int k = 0; k < provider.credentials_size(); ++k) {
      const auto& credential = provider.credentials(k);
      resolve(absl::StrCat(path, ".credentials[", k, "].api_key"),
              credential.api_key(), credential.name(), credential.weight());
    }
    WarnOfAbsent(absent, /*others_serve=*/!keys.empty());
    if (needed) snapshot->credentials_[provider.name()] = std::move(keys);
    ReadCaFile(provider, snapshot);
  }
}

// Only so that a change is noticed: whoever connects reads the file itself, and
// says what is wrong with it.
void ConfigSnapshot::Resolver::ReadCaFile(const ProviderConfig& provider,
                                          ConfigSnapshot* snapshot) {
  const google::protobuf::Message* const settings = ProviderSettings(provider);
  if (settings == nullptr) return;
  const HttpUpstream* const http = HttpSettings(*settings);
  if (http == nullptr || http->ca_file().empty()) return;
  absl::StatusOr<std::string> pem =
      ReadFile(http->ca_file(), kCaFileBytesLimit);
  if (pem.ok()) snapshot->ca_files_[provider.name()] = *std::move(pem);
}

void ConfigSnapshot::Resolver::WarnOfAbsent(
    const std::vector<std::pair<std::string, std::string>>& absent,
    bool others_serve) {
  for (const auto& [path, reference] : absent) {
    problems_.Warn(
        places_.Find(path), path,
        absl::StrCat(Describe(reference), " is not set; ",
                     others_serve ? "the other credentials serve alone"
                                  : "until it is, rules skip this provider"));
  }
}

std::vector<ConfigSnapshot::AccessKey>
ConfigSnapshot::Resolver::ResolveAccessKeys(const std::string& list,
                                            const AuthMethods& methods) {
  std::vector<AccessKey> keys;
  // From a digest to the id of its key, to find keys that are given twice.
  absl::flat_hash_map<Sha256Digest, std::string> taken;
  for (int i = 0; i < methods.api_keys_size(); ++i) {
    const std::string path = ElementPath(list, static_cast<size_t>(i));
    std::optional<AccessKey> key = ResolveAccessKey(path, methods.api_keys(i));
    if (!key.has_value()) continue;
    const auto [first, is_new] = taken.try_emplace(key->digest, key->caller.id);
    if (!is_new) {
      Add(JoinPath(path, key->key.has_value() ? "key" : "key_sha256"),
          absl::StrCat("leads to the same key as '", first->second,
                       "'; give each its own"));
    }
    keys.push_back(*std::move(key));
  }
  return keys;
}

std::vector<KeySetAccess> ConfigSnapshot::Resolver::ResolveKeySets(
    const std::string& list, const AuthMethods& methods) {
  std::vector<KeySetAccess> resolved;
  for (int i = 0; i < methods.jwt_issuers_size(); ++i) {
    const auto& issuer = methods.jwt_issuers(i);
    const std::string path = ElementPath(list, static_cast<size_t>(i));
    KeySetAccess& access = resolved.emplace_back();
    if (!issuer.key_set_token().empty()) {
      access.token = Require(JoinPath(path, "key_set_token"),
                             issuer.key_set_token(), SecretForm::kToken)
                         .value_or(Secret(""));
    }
    if (issuer.key_set_ca().empty()) continue;
    const std::string ca_path = JoinPath(path, "key_set_ca");
    const std::optional<Secret> ca =
        Require(ca_path, issuer.key_set_ca(), SecretForm::kText);
    if (!ca.has_value()) continue;
    access.ca_pem = std::string(ca->Reveal());
    const absl::Status usable =
        TlsContext::ForClient({.ca_pem = access.ca_pem}).status();
    if (!usable.ok()) {
      Add(ca_path,
          absl::StrCat(Describe(issuer.key_set_ca()), ": ", usable.message()));
    }
  }
  return resolved;
}

// Whom a key stands for. REQUIRES: it has passed validation.
Caller ConfigSnapshot::Resolver::CallerOf(const ApiKey& entry) {
  Caller caller = CallerWithGrants(entry);
  caller.id = entry.id();
  caller.method = CallerMethod::kConfiguredKey;
  if (entry.has_expire_time()) {
    caller.expire_time = absl::FromUnixSeconds(entry.expire_time().seconds()) +
                         absl::Nanoseconds(entry.expire_time().nanos());
  }
  return caller;
}

std::optional<ConfigSnapshot::AccessKey>
ConfigSnapshot::Resolver::ResolveAccessKey(const std::string& path,
                                           const ApiKey& entry) {
  AccessKey key;
  if (entry.has_key_sha256()) {
    key.digest = DigestFromHex(entry.key_sha256());
  } else {
    const std::string key_path = JoinPath(path, "key");
    key.key = Require(key_path, entry.key(), SecretForm::kToken);
    if (!key.key.has_value()) return std::nullopt;
    if (key.key->Reveal().size() < kAccessKeyLengthMin) {
      Add(key_path,
          absl::StrCat(Describe(entry.key()), " is a key of less than ",
                       kAccessKeyLengthMin, " characters; make a longer one"));
    }
    key.digest = Sha256(key.key->Reveal());
  }
  key.disabled = entry.state() == ApiKey::STATE_DISABLED;
  key.caller = CallerOf(entry);
  return key;
}

void ConfigSnapshot::Resolver::ResolveTls(const std::string& listener,
                                          const TlsServer& server,
                                          ConfigSnapshot* snapshot) {
  const std::string path = absl::StrCat("listeners.", listener, ".tls.");
  std::optional<Secret> cert_chain =
      Require(path + "cert_chain", server.cert_chain(), SecretForm::kText);
  std::optional<Secret> private_key =
      Require(path + "private_key", server.private_key(), SecretForm::kText);
  std::optional<Secret> client_ca;
  if (!server.client_ca().empty()) {
    client_ca =
        Require(path + "client_ca", server.client_ca(), SecretForm::kText);
  }
  if (!cert_chain.has_value() || !private_key.has_value()) return;
  Tls tls{*std::move(cert_chain), *std::move(private_key),
          std::move(client_ca)};
  CheckTls(path, server, tls);
  snapshot->tls_.insert_or_assign(listener, std::move(tls));
}

void ConfigSnapshot::Resolver::CheckTls(const std::string& path,
                                        const TlsServer& server,
                                        const Tls& tls) {
  const ServerTlsCheck check = CheckServerTls(
      tls.cert_chain.Reveal(), tls.private_key,
      tls.client_ca.has_value() ? tls.client_ca->Reveal() : std::string_view(),
      now_);
  const auto add_if_bad = [&](const char* field, const std::string& reference,
                              const absl::Status& status) {
    if (status.ok()) return;
    Add(path + field, absl::StrCat(Describe(reference), " ", status.message()));
  };
  add_if_bad("cert_chain", server.cert_chain(), check.cert_chain);
  add_if_bad("private_key", server.private_key(), check.private_key);
  add_if_bad("client_ca", server.client_ca(), check.client_ca);
  // A warning only: the clock may be wrong, and the file may be renewed.
  if (!check.validity.ok()) {
    problems_.Warn(places_.Find(path + "cert_chain"), path + "cert_chain",
                   absl::StrCat(Describe(server.cert_chain()), " ",
                                check.validity.message()));
  }
}

void ConfigSnapshot::Resolver::ResolveAuditKeys(ConfigSnapshot* snapshot) {
  const auto& keys = snapshot->config_.audit().encryption().keys();
  for (int i = 0; i < keys.size(); ++i) {
    std::optional<Secret> key =
        Require(absl::StrCat("audit.encryption.keys[", i, "].key"),
                keys[i].key(), SecretForm::kText);
    if (key.has_value()) {
      snapshot->audit_keys_.push_back({keys[i].id(), *std::move(key)});
    }
  }
}

void ConfigSnapshot::Resolver::ResolveRedis(ConfigSnapshot* snapshot) {
  const RedisConfig& config = snapshot->config_.redis();
  Redis& redis = snapshot->redis_;
  const auto require = [&](const char* field, const std::string& reference) {
    return RequireIfGiven(absl::StrCat("redis.", field), reference,
                          SecretForm::kText);
  };
  const auto password = [&](const char* field, const std::string& reference) {
    return RedisPasswordIn(OneLine(require(field, reference)));
  };
  const auto text = [&](const char* field, const std::string& reference) {
    return std::string(require(field, reference).Reveal());
  };
  redis.password = password("password", config.password());
  redis.sentinel_password =
      password("sentinel_password", config.sentinel_password());
  redis.ca = text("tls.ca", config.tls().ca());
  redis.cert_chain = text("tls.cert_chain", config.tls().cert_chain());
  redis.private_key = require("tls.private_key", config.tls().private_key());
  const absl::Status usable =
      TlsContext::ForClient({.ca_pem = redis.ca,
                             .certificate_chain_pem = redis.cert_chain,
                             .private_key_pem = redis.private_key})
          .status();
  if (!usable.ok()) Add("redis.tls", ToStd(usable.message()));
}

void ConfigSnapshot::Resolver::ResolveTracing(ConfigSnapshot* snapshot) {
  const auto& headers = snapshot->config_.tracing().headers();
  for (int i = 0; i < headers.size(); ++i) {
    std::optional<Secret> value =
        Require(absl::StrCat("tracing.headers[", i, "].value"),
                headers[i].value(), SecretForm::kHeaderValue);
    if (!value.has_value()) continue;
    snapshot->tracing_headers_.push_back(
        {headers[i].name(), *std::move(value)});
  }
}

std::vector<ConfigSnapshot::WebhookHeader>
ConfigSnapshot::Resolver::ResolveHeaders(const std::string& path,
                                         const WebhookAction& webhook) {
  std::vector<WebhookHeader> headers;
  for (const auto& [name, text] : webhook.headers()) {
    WebhookHeader header = {.name = name, .value = Secret(text)};
    header.is_named = SecretReference::Parse(text).ok();
    if (header.is_named) {
      header.value =
          Require(EntryPath(path, name), text, SecretForm::kHeaderValue)
              .value_or(Secret(""));
    }
    headers.push_back(std::move(header));
  }
  std::sort(headers.begin(), headers.end(),
            [](const WebhookHeader& a, const WebhookHeader& b) {
              return a.name < b.name;
            });
  return headers;
}

void ConfigSnapshot::Resolver::ResolveAlerts(ConfigSnapshot* snapshot) {
  const auto& actions = snapshot->config_.alerts().actions();
  for (int i = 0; i < actions.size(); ++i) {
    const auto& config = actions[i].webhook();
    if (!actions[i].has_webhook()) continue;
    const std::string path = absl::StrCat("alerts.actions[", i, "].webhook.");
    AlertWebhook webhook = {.url = Secret(config.url())};
    if (SecretReference::Parse(config.url()).ok()) {
      webhook.url =
          Require(path + "url", config.url(), SecretForm::kToken)
              .value_or(Secret(""));
      const absl::Status usable = CheckWebhookUrl(webhook.url.Reveal());
      if (!webhook.url.empty() && !usable.ok()) {
        Add(path + "url",
            absl::StrCat(Describe(config.url()), " ", usable.message()));
      }
    }
    webhook.signing_key = RequireIfGiven(
        path + "signing_key", config.signing_key(), SecretForm::kToken);
    webhook.headers = ResolveHeaders(path + "headers", config);
    snapshot->alert_webhooks_.insert_or_assign(actions[i].name(),
                                               std::move(webhook));
  }
}

}  // namespace gateway
