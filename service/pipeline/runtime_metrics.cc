#include "service/pipeline/runtime_metrics.h"

#include "service/pipeline/authentication_metrics.h"
#include "service/pipeline/budget_metrics.h"
#include "service/pipeline/cache_metrics.h"
#include "service/pipeline/circuit_metrics.h"
#include "service/pipeline/issued_key_metrics.h"
#include "service/pipeline/key_set_metrics.h"
#include "service/pipeline/limit_metrics.h"
#include "service/pipeline/overload_metrics.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

void AddRuntimeMetrics(const CurrentRuntime& current, size_t model_labels_limit,
                       MetricRegistry& registry) {
  AddCacheMetrics(current, registry);
  AddCircuitMetrics(current, model_labels_limit, registry);
  AddLimitMetrics(current, registry);
  AddBudgetMetrics(current, registry);
  AddOverloadMetrics(current, registry);
  AddAuthenticationMetrics(current, registry);
  AddIssuedKeyMetrics(current, registry);
  // The same, whatever runtime comes into use.
  KeySets* const key_sets = current.Get()->ports().key_sets;
  if (key_sets != nullptr) AddKeySetMetrics(*key_sets, registry);
}

}  // namespace gateway
