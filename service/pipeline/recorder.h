// Record, the last stage: what became of a call goes to the access log, the
// metrics, the sums, the counts of alerts, the live feed and the audit log,
// once each, from one CallRecord, and what became of each of its attempts to
// the board of the providers' health.
//
// Thread contract: one recorder per event loop.

#ifndef SERVICE_PIPELINE_RECORDER_H_
#define SERVICE_PIPELINE_RECORDER_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/alerts/alert_counts.h"
#include "service/audit/audit_log.h"
#include "service/observability/access_log.h"
#include "service/observability/call_metrics.h"
#include "service/observability/log_pace.h"
#include "service/observability/provider_health.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/abandoned_calls.h"
#include "service/pipeline/call.h"
#include "service/pipeline/refusal_count.h"
#include "service/summary/call_summary.h"
#include "service/tracing/tracer.h"

namespace gateway {

// To be refused as a caller who is not known costs nobody a key: beyond so many
// a second, on each loop, such calls are counted but have no line in the access
// log, which they would fill. Of callers who are known the configuration says
// how many have one.
inline constexpr int kUnknownCallersLoggedPerSecond = 10;

// Of calls that limits refuse each loop writes a line this often.
inline constexpr absl::Duration kLimitLogInterval = absl::Seconds(10);

class Recorder {
 public:
  // `access_log` is null if there is none, and `health` if nobody asks for it.
  // `loop` is the number of the event loop, from 0. Calls are summed in
  // `summary`, if there is one; `traces` is null if they are not traced, and
  // `alerts` if no conditions are looked at.
  // Borrows all.
  Recorder(AccessLogShard* access_log, CallMetricsShard& metrics,
           RequestFeed& feed, ProviderHealthShard* health = nullptr,
           int loop = 0,
           std::optional<CallSummary::Shard> summary = std::nullopt,
           TraceShard* traces = nullptr, AlertShard* alerts = nullptr);

  // Counts the call as in flight for as long as the result lives, and has its
  // attempts counted at their providers. Begins its trace, and says by which
  // name all records know its model (recorded_model.h).
  [[nodiscard]] InflightCall Begin(Call& call);

  // Tell those who watch that the call goes to a provider, and that its first
  // piece of output has come. Cost next to nothing if nobody watches.
  void TellStarted(const Call& call);
  void TellFirstToken(const Call& call);
  // Tells them what a stream has consumed by now, as far as its provider has
  // counted; as seldom as they are to be told.
  bool usage_watched() const { return feed_.usage_watched(); }
  void TellUsage(const Call& call, const llmgateway::v1::Usage& usage);

  // RATE_LIMITED if the caller has left too many calls before they were sent:
  // the next is not to be dispatched.
  absl::Status CheckAbandoned(const PlannedCall& call);

  // `outcome` is how the call ended for its caller.
  void Record(const Call& call, const absl::Status& outcome);

 private:
  // Whether the call gets a line, and before it how many refusals of such
  // callers got none.
  bool MayLog(const Call& call, const CallRecord& record, int64_t* unlogged);
  // Adds its entry or, of a refusal beyond as many as have one, counts it.
  void AddToAudit(const Call& call, const CallRecord& record, AuditLog& audit);
  void CountAttempts(const Call& call);
  // Counts whether it was sent to a provider, or left when that was written.
  void CountSent(const Call& call);
  // Writes a line for the operator now and then, of calls that limits refuse.
  void LogLimit(const Call& call, const absl::Status& outcome);

  AccessLogShard* const access_log_;
  CallMetricsShard& metrics_;
  RequestFeed& feed_;
  ProviderHealthShard* const health_;
  const int loop_;
  const std::optional<CallSummary::Shard> summary_;
  TraceShard* const traces_;
  AlertShard* const alerts_;

  AbandonedCalls abandoned_;
  RefusalCount line_refusals_;
  RefusalCount ledger_refusals_;
  RefusalCount audit_refusals_;
  LogPace limit_pace_{kLimitLogInterval};
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_RECORDER_H_
