// Writes what AdminService tells of traces in the JSON that operators of an
// earlier system know; a part of admin_answers.h.
//
// Thread-safe: plain functions.

#ifndef SERVICE_HTTP_TRACE_ANSWERS_H_
#define SERVICE_HTTP_TRACE_ANSWERS_H_

#include "absl/status/status.h"
#include "base/text/json_writer.h"
#include "llmgateway/v1/traces.pb.h"
#include "service/http/admin_answers.h"

namespace gateway {

// Each call that is kept, as its own span: `operation` is `llm_call_` and the
// node, or what was called where none is named.
absl::Status WriteTraceList(const AdminAsked& asked,
                            const llmgateway::v1::ListTracesRequest& request,
                            const llmgateway::v1::ListTracesResponse& response,
                            JsonWriter& json);

absl::Status WriteTrace(const AdminAsked& asked,
                        const llmgateway::v1::GetTraceRequest& request,
                        const llmgateway::v1::Trace& response,
                        JsonWriter& json);

absl::Status WriteTraceMetrics(
    const AdminAsked& asked,
    const llmgateway::v1::GetTraceMetricsRequest& request,
    const llmgateway::v1::GetTraceMetricsResponse& response, JsonWriter& json);

}  // namespace gateway

#endif  // SERVICE_HTTP_TRACE_ANSWERS_H_
