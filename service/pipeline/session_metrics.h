// Metrics of sessions:
//
//   llmgw_sessions                       how many there are, by what was
//   counted
//                                        last, as they are opened here
//   llmgw_sessions_opened_total
//   llmgw_sessions_refused_total{reason}
//       limit   there are sessions.sessions_limit of them
//       share   the rest is for callers who have fewer
//       bytes   the same of sessions.size_bytes_limit; turns, too
//   llmgw_session_turns_total{outcome}
//       kept
//       not_kept   the call has failed: the session was too large or changed
//                  meanwhile, or the store could not be written
//
//   AddSessionMetrics(sessions, registry);
//
// Thread-safe: a plain function.

#ifndef SERVICE_PIPELINE_SESSION_METRICS_H_
#define SERVICE_PIPELINE_SESSION_METRICS_H_

#include "service/observability/metrics.h"
#include "service/sessions/session_store.h"

namespace gateway {

// Borrows `sessions`, which must live as long as `registry` is read.
void AddSessionMetrics(const SessionStore& sessions, MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_SESSION_METRICS_H_
