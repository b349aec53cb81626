// ProviderRegistry holds the live providers of one configuration, by name.
//
// Thread contract: immutable after Make; shared by all loops.

#ifndef PROVIDERS_REGISTRY_REGISTRY_H_
#define PROVIDERS_REGISTRY_REGISTRY_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "llmgateway/config/v1/server.pb.h"
#include "providers/models/model_facts.h"
#include "providers/provider.h"
#include "providers/provider_setup.h"

namespace gateway {

class ProviderRegistry {
 public:
  // What is at hand for a provider.
  struct Credentials {
    // Some are configured, and all of them are missing.
    bool absent = false;
    std::vector<ProviderCredential> present;
  };

  struct Entry {
    std::string name;
    std::string kind;  // As in the configuration: `openai`, `mock`.
    // Calls would be refused for want of a credential.
    bool credential_absent = false;
    std::unique_ptr<Provider> provider;
    // Names that callers may use, and what the provider calls them.
    absl::flat_hash_map<std::string, std::string> model_aliases;
    // What it offers, as configured.
    std::vector<std::string> models;
    // It is to be asked which others it has.
    bool discover_models = false;

    // What the shipped table calls the vendor: the kind, or the preset.
    std::string vendor;
    // What is configured of the models, in the order of the configuration.
    std::vector<llmgateway::config::v1::ModelCapabilities> capabilities;

    // The provider's own name of a model.
    std::string_view UpstreamModel(std::string_view model) const;
    // What is known of a model, by the provider's own name.
    ModelFacts FactsOf(std::string_view upstream_model) const;
  };

  ProviderRegistry() = default;
  explicit ProviderRegistry(std::vector<Entry> entries)
      : entries_(std::move(entries)) {}

  // `credentials_of` is asked once for each provider. INVALID_ARGUMENT names
  // the provider whose configuration cannot be used.
  static absl::StatusOr<std::unique_ptr<const ProviderRegistry>> Make(
      const google::protobuf::RepeatedPtrField<
          llmgateway::config::v1::ProviderConfig>& configs,
      const std::function<Credentials(std::string_view name)>& credentials_of,
      const llmgateway::config::v1::LimitsConfig& limits);

  // Null if there is none of this name.
  const Entry* Find(std::string_view name) const;

  // In the order of the configuration.
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace gateway

#endif  // PROVIDERS_REGISTRY_REGISTRY_H_
