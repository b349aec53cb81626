#include "providers/registry.h"

#include <utility>

#include "base/status_macros.h"
#include "base/string_view.h"
#include "providers/all_providers.h"

namespace gateway {

std::string_view ProviderRegistry::Entry::UpstreamModel(
    std::string_view model) const {
  const auto alias = model_aliases.find(ToAbsl(model));
  return alias == model_aliases.end() ? model : alias->second;
}

absl::StatusOr<std::unique_ptr<const ProviderRegistry>> ProviderRegistry::Make(
    const google::protobuf::RepeatedPtrField<
        llmgateway::config::v1::ProviderConfig>& configs,
    const std::function<Credential(std::string_view name)>& credential_of,
    size_t event_bytes_limit) {
  auto registry = std::make_unique<ProviderRegistry>();
  for (const llmgateway::config::v1::ProviderConfig& config : configs) {
    const Credential credential = credential_of(config.name());
    Entry entry;
    entry.name = config.name();
    entry.kind = ProviderKindName(config);
    entry.credential_absent = credential.absent;
    GATEWAY_ASSIGN_OR_RETURN(
        entry.provider,
        MakeProvider(config, credential.secret, event_bytes_limit));
    for (const auto& [name, upstream] : config.model_aliases()) {
      entry.model_aliases[name] = upstream;
    }
    entry.models.assign(config.models().begin(), config.models().end());
    registry->entries_.push_back(std::move(entry));
  }
  return registry;
}

const ProviderRegistry::Entry* ProviderRegistry::Find(
    std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

}  // namespace gateway
