// ModelCatalog lists the models that callers can name: those that providers
// are configured to offer, their aliases, and the names that rules know
// exactly. A provider without its credential offers nothing.
//
// Thread contract: immutable.

#ifndef SERVICE_PIPELINE_MODEL_CATALOG_H_
#define SERVICE_PIPELINE_MODEL_CATALOG_H_

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/registry.h"

namespace gateway {

class ModelCatalog {
 public:
  ModelCatalog(const ProviderRegistry& providers,
               const llmgateway::config::v1::RoutingConfig& routing);

  // Sorted by name, then provider.
  absl::Span<const llmgateway::v1::Model> models() const { return models_; }

  // The first of this name; null if there is none.
  const llmgateway::v1::Model* Find(std::string_view name) const;

  // One page. INVALID_REQUEST for a bad page size or token.
  absl::Status List(const llmgateway::v1::ListModelsRequest& request,
                    llmgateway::v1::ListModelsResponse* response) const;

 private:
  void Add(std::string_view name, const ProviderRegistry::Entry& entry);

  std::vector<llmgateway::v1::Model> models_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_MODEL_CATALOG_H_
