// The members of a line of the access log: what `logging.access_log_fields` may
// name. The tidy test holds the list to what
// service/observability/access_log.cc writes; docs/runbook.md says what each
// is.
//
// Thread-safe: constants.

#ifndef SERVICE_CONFIG_ACCESS_LOG_MEMBERS_H_
#define SERVICE_CONFIG_ACCESS_LOG_MEMBERS_H_

#include <string_view>

namespace gateway {

// Sorted.
inline constexpr std::string_view kAccessLogMembers[] = {
    "accepted_prediction_tokens",
    "agent_id",
    "agent_type",
    "answer_of",
    "attempt_count",
    "attempts",
    "audio_input_tokens",
    "audio_output_tokens",
    "bytes_in",
    "bytes_out",
    "cache",
    "cache_age_us",
    "cache_key",
    "cache_write_1h_tokens",
    "cache_write_tokens",
    "cached_input_tokens",
    "caller",
    "contract_id",
    "cost_known",
    "cost_usd_nanos",
    "credential",
    "duration_us",
    "error",
    "error_reason",
    "finish_reason",
    "framework_id",
    "http_status",
    "image_input_tokens",
    "image_output_tokens",
    "input_tokens",
    "labels",
    "method",
    "model",
    "model_served",
    "operation",
    "output_tokens",
    "overhead_us",
    "path",
    "peer",
    "project_id",
    "protocol",
    "provider",
    "reasoning_tokens",
    "rejected_prediction_tokens",
    "request_id",
    "route_reason",
    "session_id",
    "status",
    "stream",
    "tier",
    "trace_id",
    "ts",
    "ttft_us",
    "unlogged",
    "upstream_first_byte_us",
    "upstream_request_id",
    "upstream_reused",
    "upstream_status",
    "usage_estimated",
    "user",
    "work_order_id",
};

}  // namespace gateway

#endif  // SERVICE_CONFIG_ACCESS_LOG_MEMBERS_H_
