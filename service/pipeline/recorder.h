// Record, the last stage: what became of a call goes to the access log, the
// metrics and the live feed, once each, from one CallRecord, and what became of
// each of its tries to the board of the providers' health.
//
// Thread contract: one recorder per event loop.

#ifndef SERVICE_PIPELINE_RECORDER_H_
#define SERVICE_PIPELINE_RECORDER_H_

#include "absl/status/status.h"
#include "service/observability/access_log.h"
#include "service/observability/call_metrics.h"
#include "service/observability/provider_health.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/call.h"

namespace gateway {

class Recorder {
 public:
  // `access_log` is null if there is none, and `health` if nobody asks for it.
  // Borrows all.
  Recorder(AccessLogLane* access_log, CallMetricsLane& metrics,
           RequestFeed& feed, ProviderHealthLane* health = nullptr);

  // Counts the call as in flight for as long as the result lives, and has its
  // tries counted at their providers.
  [[nodiscard]] InflightCall Begin(Call& call);

  // Tell those who watch that the call goes to a provider, and that its first
  // piece of output has come. Cost next to nothing if nobody watches.
  void TellStarted(const Call& call);
  void TellFirstToken(const Call& call);

  // `outcome` is how the call ended for its caller.
  void Record(const Call& call, const absl::Status& outcome);

 private:
  void CountTries(const Call& call);

  AccessLogLane* const access_log_;
  CallMetricsLane& metrics_;
  RequestFeed& feed_;
  ProviderHealthLane* const health_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_RECORDER_H_
