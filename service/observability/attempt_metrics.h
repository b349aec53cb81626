// Counts what follows a failure, beside what call_metrics.h counts of it, and
// what becomes of credentials:
//
//   llmgw_retries_total{provider,reason}     a target is asked again
//   llmgw_hedges_total{provider,outcome}     another is asked beside it
//   llmgw_credential_coolings_total{provider,credential}
//   llmgw_credential_refusals_total{provider,credential}
//
// `provider` is the one that is asked, `reason` how the attempt before failed.
// `outcome` of a hedge is `won`, if its answer is the call's, `lost` if it was
// cancelled, or `failed`. Names of credentials are the configuration's, and
// `none` stands for a provider that is asked without one.
//
// Thread contract: that of the shard.

#ifndef SERVICE_OBSERVABILITY_ATTEMPT_METRICS_H_
#define SERVICE_OBSERVABILITY_ATTEMPT_METRICS_H_

#include <string_view>

#include "service/observability/call_record.h"
#include "service/observability/metrics.h"

namespace gateway {

// Whether there is anything to count: of most attempts there is nothing.
inline bool IsOfNote(const CallAttempt& attempt) {
  return attempt.kind > llmgateway::v1::Attempt::KIND_FIRST ||
         attempt.credential_change != CredentialChange::kNone;
}

// `provider` is the label of the attempt's.
void CountFollowUp(const CallAttempt& attempt, std::string_view provider,
                   MetricShard& shard);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_ATTEMPT_METRICS_H_
