// What an operator is shown of a provider: how it is configured, and how it is
// doing.
//
//   FillProvider(*runtime, *runtime->providers().Find("openai"), board, &out);
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_PROVIDER_VIEW_H_
#define SERVICE_API_PROVIDER_VIEW_H_

#include <string>
#include <vector>

#include "llmgateway/v1/admin.pb.h"
#include "providers/registry/registry.h"
#include "service/observability/provider_health.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

// Returns the configured providers, sorted by name.
std::vector<const ProviderRegistry::Entry*> ProvidersByName(
    const RuntimeSnapshot& runtime);

// Fills in `out`. REQUIRES: `out` is empty, and `entry` belongs to `runtime`.
void FillProvider(const RuntimeSnapshot& runtime,
                  const ProviderRegistry::Entry& entry,
                  const ProviderHealthBoard& board,
                  llmgateway::v1::Provider* out);

// Returns what is wrong with the provider, in one line for people; empty if
// nothing is known to be. REQUIRES: `provider` was filled in from `entry`.
std::string ProviderProblem(const RuntimeSnapshot& runtime,
                            const ProviderRegistry::Entry& entry,
                            const llmgateway::v1::Provider& provider);

}  // namespace gateway

#endif  // SERVICE_API_PROVIDER_VIEW_H_
