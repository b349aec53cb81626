// Writes the sums of calls, and the latest calls, as the contract has them, and
// reads what is asked of them.
//
//   GATEWAY_ASSIGN_OR_RETURN(CallFilter filter,
//                            ReadCallFilter(request.filter()));
//   FillTotals(answer.totals, response->mutable_totals());
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_SUMMARY_VIEW_H_
#define SERVICE_API_SUMMARY_VIEW_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "llmgateway/v1/metrics.pb.h"
#include "llmgateway/v1/summary.pb.h"
#include "service/observability/call_record.h"
#include "service/summary/recent_calls.h"
#include "service/summary/summary_query.h"

namespace gateway {

// INVALID_REQUEST names what is too long.
absl::StatusOr<CallFilter> ReadCallFilter(
    const llmgateway::v1::CallGroup& filter);

// What GetCostSummary asks for. `now` ends a time that has no end.
// INVALID_REQUEST names the field at fault.
absl::StatusOr<SummaryQuery> ReadSummaryQuery(
    const llmgateway::v1::GetCostSummaryRequest& request, absl::Time now);

// Each fills in `out`, which must be empty.
void FillTotals(const CallTotals& totals, llmgateway::v1::CallTotals* out);
void FillCostSummary(const SummaryQuery& query, const SummaryAnswer& answer,
                     llmgateway::v1::GetCostSummaryResponse* out);
void ToRequestRecord(const RecentCall& call,
                     llmgateway::v1::RequestRecord* out);

void ToUsageProgress(const CallRecord& call,
                     llmgateway::v1::UsageProgress* out);
void ToCallUsage(const CallRecord& call, llmgateway::v1::CallUsage* out);

}  // namespace gateway

#endif  // SERVICE_API_SUMMARY_VIEW_H_
