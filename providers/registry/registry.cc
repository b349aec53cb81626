#include "providers/registry/registry.h"

#include <utility>

#include "base/status_macros.h"
#include "base/string_view.h"
#include "providers/models/model_family.h"
#include "providers/models/model_table.h"
#include "providers/provider_settings.h"

namespace gateway {
std::string_view ProviderRegistry::Entry::UpstreamModel(
    std::string_view model) const {
  const auto alias = model_aliases.find(ToAbsl(model));
  return alias == model_aliases.end() ? model : alias->second;
}

ModelFacts ProviderRegistry::Entry::FactsOf(
    std::string_view upstream_model) const {
  const ModelFacts* const shipped = FindModelFacts(vendor, upstream_model);
  ModelFacts facts = shipped == nullptr ? ModelFacts() : *shipped;
  AddFamilyFacts(upstream_model, &facts);
  for (const auto& each : capabilities) {
    std::string_view name = each.model();
    const bool prefix = name.ends_with('*');
    if (prefix) name.remove_suffix(1);
    const bool meant =
        prefix ? upstream_model.starts_with(name) : upstream_model == name;
    if (meant) Override(each, &facts);
  }
  return facts;
}

ProviderRegistry::ProviderRegistry(std::vector<Entry> entries)
    : entries_(std::move(entries)) {
  constexpr size_t kFew = 8;
  if (entries_.size() <= kFew) return;
  for (const Entry& entry : entries_) by_name_.try_emplace(entry.name, &entry);
}

absl::StatusOr<std::unique_ptr<const ProviderRegistry>> ProviderRegistry::Make(
    const ProviderKinds& kinds,
    const google::protobuf::RepeatedPtrField<
        llmgateway::config::v1::ProviderConfig>& configs,
    const std::function<Credentials(std::string_view name)>& credentials_of,
    const llmgateway::config::v1::LimitsConfig& limits,
    const Existing& existing) {
  std::vector<Entry> entries;
  for (const llmgateway::config::v1::ProviderConfig& config : configs) {
    Credentials credentials = credentials_of(config.name());
    Entry entry;
    entry.name = config.name();
    entry.kind = ProviderKindName(config);
    const ProviderKind* const kind = kinds.Find(config);
    entry.vendor = kind == nullptr || kind->vendor == nullptr
                       ? entry.kind
                       : kind->vendor(config);
    entry.capabilities.assign(config.model_capabilities().begin(),
                              config.model_capabilities().end());
    entry.credential_absent = credentials.absent;
    ProviderSetup setup;
    setup.name = config.name();
    setup.credentials = std::move(credentials.present);
    setup.credential_passthrough = config.credential_passthrough();
    setup.unsupported_parameters = config.unsupported_parameters();
    setup.event_bytes_limit =
        static_cast<size_t>(limits.sse_event_bytes_limit());
    setup.silent_bytes_limit =
        static_cast<size_t>(limits.hold_back_bytes_limit());
    if (existing) entry.provider = existing(config.name());
    if (entry.provider == nullptr) {
      GATEWAY_ASSIGN_OR_RETURN(entry.provider,
                               MakeProvider(kinds, config, setup));
    }
    for (const auto& [name, upstream] : config.model_aliases()) {
      entry.model_aliases[name] = upstream;
    }
    entry.models.assign(config.models().begin(), config.models().end());
    entry.discover_models = config.discover_models();
    entries.push_back(std::move(entry));
  }
  return std::make_unique<const ProviderRegistry>(std::move(entries));
}

const ProviderRegistry::Entry* ProviderRegistry::Find(
    std::string_view name) const {
  if (!by_name_.empty()) {
    const auto found = by_name_.find(ToAbsl(name));
    return found == by_name_.end() ? nullptr : found->second;
  }
  for (const Entry& entry : entries_) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

}  // namespace gateway
