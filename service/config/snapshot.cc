#include "service/config/snapshot.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/sha256.h"
#include "base/string_view.h"
#include "service/config/config_problem.h"
#include "service/config/environment.h"
#include "service/config/keyed_hex.h"
#include "service/config/masked.h"
#include "service/config/provider_making.h"
#include "service/config/snapshot_resolver.h"
#include "service/config/yaml_writer.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;

absl::string_view BytesOf(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

std::shared_ptr<const ConfigSnapshot> ConfigSnapshot::Make(
    const ProviderKinds& kinds, GatewayConfig config, const FieldPlaces& places,
    const Environment& environment, std::string source, absl::Time load_time,
    ConfigProblems* problems) {
  std::shared_ptr<ConfigSnapshot> snapshot(new ConfigSnapshot(kinds));
  snapshot->config_ = std::move(config);
  snapshot->source_ = std::move(source);
  snapshot->load_time_ = load_time;
  Resolver resolver(places, environment, load_time, problems);
  resolver.ResolveAll(snapshot.get());
  if (!resolver.succeeded()) return nullptr;
  snapshot->masked_yaml_ = WriteYaml(MaskConfig(snapshot->config_));
  snapshot->checksum_ =
      absl::BytesToHexString(BytesOf(Sha256(snapshot->masked_yaml_)));
  const std::string whole = WriteYaml(snapshot->config_);
  snapshot->etag_ = KeyedHex(whole);
  snapshot->fingerprint_ =
      KeyedHex(absl::StrCat(whole, snapshot->NamedContents()));
  return snapshot;
}

std::string ConfigSnapshot::NamedContents() const {
  std::string all;
  const auto add = [&all](std::string_view part) {
    absl::StrAppend(&all, KeyedHex(part), "\n");
  };
  for (const auto& [provider, keys] : credentials_) {
    add(provider);
    for (const ProviderKey& key : keys) {
      add(key.name);
      add(key.key.Reveal());
    }
  }
  for (const auto* keys : {&caller_keys_, &operator_keys_}) {
    for (const AccessKey& key : *keys) add(ToStd(BytesOf(key.digest)));
  }
  for (const auto* key_sets : {&caller_key_sets_, &operator_key_sets_}) {
    for (const KeySetAccess& access : *key_sets) {
      add(access.token.Reveal());
      add(access.ca_pem);
    }
  }
  for (const AuditKey& key : audit_keys_) add(key.key.Reveal());
  for (const auto& [listener, tls] : tls_) {
    add(listener);
    add(tls.cert_chain.Reveal());
    add(tls.private_key.Reveal());
    if (tls.client_ca.has_value()) add(tls.client_ca->Reveal());
  }
  for (const auto& [provider, pem] : ca_files_) {
    add(provider);
    add(pem);
  }
  for (const TracingHeader& header : tracing_headers_) {
    add(header.value.Reveal());
  }
  add(ledger_password_.Reveal());
  for (const auto& [action, webhook] : alert_webhooks_) {
    add(webhook.url.Reveal());
    add(webhook.signing_key.Reveal());
    for (const WebhookHeader& header : webhook.headers) {
      add(header.value.Reveal());
    }
  }
  add(tools_credential_.Reveal());
  if (config_.has_redis()) {
    for (const std::string_view part :
         {redis_.password.Reveal(), redis_.sentinel_password.Reveal(),
          std::string_view(redis_.ca), std::string_view(redis_.cert_chain),
          redis_.private_key.Reveal()}) {
      add(part);
    }
  }
  return all;
}

bool ConfigSnapshot::HasSameProvider(const ConfigSnapshot& other,
                                     std::string_view provider) const {
  const auto same_keys = [](const ProviderKey& a, const ProviderKey& b) {
    return a.name == b.name && a.weight == b.weight &&
           a.key.Reveal() == b.key.Reveal();
  };
  const std::vector<ProviderKey>& keys = CredentialsOf(provider);
  const std::vector<ProviderKey>& other_keys = other.CredentialsOf(provider);
  const auto ca_file = ca_files_.find(provider);
  const auto other_ca_file = other.ca_files_.find(provider);
  const bool has_ca_file = ca_file != ca_files_.end();
  if (CredentialOf(provider) != other.CredentialOf(provider) ||
      !std::equal(keys.begin(), keys.end(), other_keys.begin(),
                  other_keys.end(), same_keys) ||
      has_ca_file != (other_ca_file != other.ca_files_.end()) ||
      (has_ca_file && ca_file->second != other_ca_file->second)) {
    return false;
  }
  const std::optional<std::string> made = MakingOf(config_, provider);
  return made.has_value() && made == MakingOf(other.config_, provider);
}

ConfigSnapshot::Credential ConfigSnapshot::CredentialOf(
    std::string_view provider) const {
  const auto found = credentials_.find(provider);
  if (found == credentials_.end()) return Credential::kNotNeeded;
  return found->second.empty() ? Credential::kAbsent : Credential::kPresent;
}

const std::vector<ConfigSnapshot::ProviderKey>& ConfigSnapshot::CredentialsOf(
    std::string_view provider) const {
  // Never destroyed, since threads may read it while the process exits.
  static const auto& none = *new std::vector<ProviderKey>;
  const auto found = credentials_.find(provider);
  return found == credentials_.end() ? none : found->second;
}

const ConfigSnapshot::Tls* ConfigSnapshot::FindTls(
    std::string_view listener) const {
  const auto found = tls_.find(listener);
  return found == tls_.end() ? nullptr : &found->second;
}

}  // namespace gateway
