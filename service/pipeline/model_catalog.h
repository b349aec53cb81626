// ModelCatalog lists the models that callers can name: those that providers
// are configured to offer or say that they have, their aliases, and the names
// that rules know exactly. A provider without its credential offers nothing.
//
// Thread contract: immutable.

#ifndef SERVICE_PIPELINE_MODEL_CATALOG_H_
#define SERVICE_PIPELINE_MODEL_CATALOG_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/registry/registry.h"
#include "service/identity/scopes.h"

namespace gateway {

// What providers said that they have, by the provider's name.
using DiscoveredModels = absl::flat_hash_map<
    std::string, std::shared_ptr<const std::vector<llmgateway::v1::Model>>>;

class ModelCatalog {
 public:
  ModelCatalog(const ProviderRegistry& providers,
               const llmgateway::config::v1::RoutingConfig& routing,
               const DiscoveredModels& discovered = {});

  // Those of `all` that callers with these scopes may use: `all` itself if that
  // is every one.
  static std::shared_ptr<const ModelCatalog> AllowedOf(
      std::shared_ptr<const ModelCatalog> all, const Scopes& scopes);

  // Sorted by name, then provider.
  absl::Span<const llmgateway::v1::Model> models() const { return models_; }

  // The first of this name, or the one of `provider` unless that is empty; null
  // if there is none.
  const llmgateway::v1::Model* Find(std::string_view name,
                                    std::string_view provider = "") const;

  // One page of so many at most, of batch_size.h. INVALID_REQUEST for a bad
  // token.
  absl::Status List(const llmgateway::v1::ListModelsRequest& request,
                    int page_size,
                    llmgateway::v1::ListModelsResponse* response) const;

 private:
  llmgateway::v1::Model& Add(std::string_view name,
                             const ProviderRegistry::Entry& entry);
  // Adds what the provider said of itself.
  void AddDiscovered(const llmgateway::v1::Model& said,
                     const ProviderRegistry::Entry& entry);

  std::vector<llmgateway::v1::Model> models_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_MODEL_CATALOG_H_
