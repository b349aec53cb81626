// The metrics of the key sets of issuers of tokens, read when metrics are read:
//
//   llmgw_key_set_keys{issuer}         keys that tokens may be signed with now
//   llmgw_key_set_failures{issuer}     readings that failed since the last
//   success llmgw_key_set_age_seconds{issuer}  since the last success, if there
//   was one
//
//   AddKeySetMetrics(key_sets, registry);
//
// Thread-safe: a plain function.

#ifndef SERVICE_PIPELINE_KEY_SET_METRICS_H_
#define SERVICE_PIPELINE_KEY_SET_METRICS_H_

#include "service/identity/key_sets.h"
#include "service/observability/metrics.h"

namespace gateway {

// Borrows `key_sets`, which must live as long as `registry` is read.
void AddKeySetMetrics(KeySets& key_sets, MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_KEY_SET_METRICS_H_
