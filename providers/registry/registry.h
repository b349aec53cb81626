// ProviderRegistry holds the live providers of one configuration, by name.
//
// Thread contract: immutable after Make; shared by all loops.

#ifndef PROVIDERS_REGISTRY_REGISTRY_H_
#define PROVIDERS_REGISTRY_REGISTRY_H_

#include <functional>
#include <map>
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
#include "providers/provider_kind.h"
#include "providers/provider_setup.h"

namespace gateway {

// Providers of a program's own, by the names of configured ones in whose place
// they answer.
using RegisteredProviders =
    std::map<std::string, std::shared_ptr<const Provider>, std::less<>>;

class ProviderRegistry {
 public:
  // The credentials of a provider whose secrets are at hand.
  struct Credentials {
    // Some are configured, and the secrets of all are missing.
    bool absent = false;
    std::vector<ProviderCredential> present;
  };

  struct Entry {
    std::string name;
    std::string kind;  // The kind, as in the configuration: `openai`, `mock`.
    // Calls would be refused, because all configured credentials are missing.
    bool credential_absent = false;
    // Shared by the registries of configurations that say the same of it.
    std::shared_ptr<const Provider> provider;
    // From names that callers may use to what the provider calls them.
    absl::flat_hash_map<std::string, std::string> model_aliases;
    // The models that it offers, as configured.
    std::vector<std::string> models;
    // It is to be asked which other models it has.
    bool discover_models = false;

    // The vendor's name in the shipped table: the kind, or the preset.
    std::string vendor;
    // What the configuration says of models, in its order.
    std::vector<llmgateway::config::v1::ModelCapabilities> capabilities;

    // Returns the provider's own name of a model.
    std::string_view UpstreamModel(std::string_view model) const;
    // Returns what is known of a model, by the provider's own name.
    ModelFacts FactsOf(std::string_view upstream_model) const;
  };

  ProviderRegistry() = default;
  explicit ProviderRegistry(std::vector<Entry> entries);

  // Returns a provider that was made before and serves as well as a new one;
  // null if there is none.
  using Existing =
      std::function<std::shared_ptr<const Provider>(std::string_view name)>;

  // Makes all providers but those that `existing` has, if it is set.
  // `credentials_of` is called once for each. INVALID_ARGUMENT names the
  // provider whose configuration cannot be used.
  static absl::StatusOr<std::unique_ptr<const ProviderRegistry>> Make(
      const ProviderKinds& kinds,
      const google::protobuf::RepeatedPtrField<
          llmgateway::config::v1::ProviderConfig>& configs,
      const std::function<Credentials(std::string_view name)>& credentials_of,
      const llmgateway::config::v1::LimitsConfig& limits,
      const Existing& existing = nullptr);

  // Null if no provider has this name. Costs the same among many as among a
  // few.
  const Entry* Find(std::string_view name) const;

  // All providers, in the order of the configuration.
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
  // Where there are so many that to look at each takes longer.
  absl::flat_hash_map<std::string, const Entry*> by_name_;
};

}  // namespace gateway

#endif  // PROVIDERS_REGISTRY_REGISTRY_H_
