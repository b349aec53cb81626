#include "service/config/field_ranges.h"

#include <algorithm>
#include <cassert>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/message.h"
#include "service/config/field_value.h"

namespace gateway {
namespace {

using ::google::protobuf::Duration;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;
using ::llmgateway::config::v1::ProviderConfig;

const FieldRange* FindRange(const std::vector<FieldRange>& ranges,
                            const FieldDescriptor& field) {
  const std::string name =
      absl::StrCat(field.containing_type()->name(), ".", field.name());
  const auto found =
      std::lower_bound(ranges.begin(), ranges.end(), name,
                       [](const FieldRange& range, const std::string& wanted) {
                         return range.field < wanted;
                       });
  if (found == ranges.end() || name != found->field) return nullptr;
  return &*found;
}

// Returns the value as one type, whatever the field's: seconds, or the number.
long double ValueOf(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection.GetInt32(message, &field);
    case FieldDescriptor::CPPTYPE_INT64:
      return reflection.GetInt64(message, &field);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection.GetDouble(message, &field);
    default: {
      const auto& duration =
          static_cast<const Duration&>(reflection.GetMessage(message, &field));
      return duration.seconds() + duration.nanos() / 1e9L;
    }
  }
}

bool IsWithin(const Message& message, const FieldDescriptor& field,
              const FieldRange& range) {
  const std::unique_ptr<Message> bound(message.New());
  const long double value = ValueOf(message, field);
  // Fails for no row of the table, as its test shows.
  if (!AssignText(range.least, field, bound.get()).ok()) return false;
  if (value < ValueOf(*bound, field)) return false;
  if (!AssignText(range.most, field, bound.get()).ok()) return false;
  return value <= ValueOf(*bound, field);
}

void Check(const std::vector<FieldRange>& ranges, const Message& message,
           const std::string& path, const FieldPlaces& places,
           ConfigProblems* problems) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->is_map()) continue;
    const std::string field_path = JoinPath(path, field->name());
    const bool is_message =
        field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (field->is_repeated()) {
      const int size = is_message ? reflection.FieldSize(message, field) : 0;
      for (int i = 0; i < size; ++i) {
        Check(ranges, reflection.GetRepeatedMessage(message, field, i),
              ElementPath(field_path, static_cast<size_t>(i)), places,
              problems);
      }
    } else if (const FieldRange* range = FindRange(ranges, *field)) {
      if (IsWithin(message, *field, *range)) continue;
      problems->Add(places.Find(field_path), field_path,
                    absl::StrCat("must be ", ToAbsl(range->least), " to ",
                                 ToAbsl(range->most)));
    } else if (is_message) {
      Check(ranges, reflection.GetMessage(message, field), field_path, places,
            problems);
    }
  }
}

// Of what is not one kind of provider's own.
constexpr struct {
  const char* field;
  const char* least;
  const char* most;
} kRanges[] = {
    {"AdaptiveConcurrencyConfig.initial_limit", "1", "1000000"},
    {"AdaptiveConcurrencyConfig.max_limit", "1", "1000000"},
    {"AdaptiveConcurrencyConfig.min_limit", "1", "1000000"},
    {"AdaptiveConcurrencyConfig.tolerance_percent", "0", "1000"},
    {"AlertRule.calls_min", "1", "1000000"},
    {"AlertRule.window", "1s", "24h"},
    {"AlertsConfig.interval", "1s", "1h"},
    {"AuditBodyRule.body_bytes_limit", "1", "16MiB"},
    {"AuditConfig.file_bytes_limit", "0", "16384GiB"},
    {"AuditConfig.queue_bytes_limit", "64KiB", "16GiB"},
    {"AuditConfig.queue_entries_limit", "1", "1000000"},
    {"AuditConfig.refusals_per_second", "0", "100000"},
    {"AuditConfig.retention_days", "1", "36500"},
    {"AuditConfig.unknown_callers_per_second", "0", "100000"},
    {"Budget.limit", "1", "1000000000000"},
    {"Budget.request_limit", "1", "1000000000000"},
    {"Budget.rolling_window", "1m", "8784h"},
    {"Budget.turn_limit", "1", "1000000000"},
    {"Budget.warn_threshold", "0", "1"},
    {"BudgetOverride.limit", "1", "1000000000000"},
    {"BudgetOverride.turn_limit", "1", "1000000000"},
    {"BudgetsConfig.expected_output_tokens", "0", "1000000"},
    {"BudgetsConfig.retention", "1h", "87600h"},
    {"BudgetsConfig.scopes_limit", "1", "10000000"},
    {"BudgetsConfig.share_interval", "10ms", "10s"},
    {"BudgetsConfig.warn_threshold", "0", "1"},
    {"CacheConfig.answer_bytes_limit", "1KiB", "64MiB"},
    {"CacheConfig.entries_limit", "1", "10000000"},
    {"CacheConfig.size_bytes_limit", "64KiB", "64GiB"},
    {"CacheConfig.ttl", "1s", "720h"},
    {"CircuitBreakerConfig.consecutive_failures", "1", "1000"},
    {"CircuitBreakerConfig.failure_percent", "1", "100"},
    {"CircuitBreakerConfig.half_open_probes", "1", "100"},
    {"CircuitBreakerConfig.minimum_calls", "1", "1000000"},
    {"CircuitBreakerConfig.open_duration", "1ms", "1h"},
    {"CircuitBreakerConfig.window", "1s", "10m"},
    {"CmsConfig.timeout", "10ms", "1m"},
    {"ConcurrencyConfig.calls_limit", "1", "1000000"},
    {"ConcurrencyConfig.overload_time", "10ms", "1h"},
    {"ConcurrencyConfig.wait_timeout", "0s", "1h"},
    {"ConcurrencyConfig.waiting_limit", "0", "1000000"},
    {"ConcurrencyConfig.waiting_warning", "1", "1000000"},
    {"ConnectionPool.age_limit", "1s", "24h"},
    {"ConnectionPool.http2_connections_limit", "1", "10000"},
    {"ConnectionPool.idle_connections_limit", "0", "100000"},
    {"ConnectionPool.idle_timeout", "1ms", "1h"},
    {"CorsConfig.max_age", "0s", "24h"},
    {"CredentialCoolingConfig.cooling_limit", "1s", "1h"},
    {"CredentialCoolingConfig.default_cooling", "0s", "5m"},
    {"GrpcListener.concurrent_streams_limit", "1", "100000"},
    {"GrpcListener.connection_age_grace", "1s", "24h"},
    {"GrpcListener.connection_age_limit", "1s", "24h"},
    {"GrpcListener.connection_idle_limit", "1s", "24h"},
    {"GrpcListener.connections_limit", "1", "1000000"},
    {"GrpcListener.handshake_timeout", "100ms", "1h"},
    {"GrpcListener.keepalive_time", "1s", "24h"},
    {"GrpcListener.keepalive_timeout", "100ms", "1h"},
    {"GrpcListener.metadata_bytes_limit", "1KiB", "1MiB"},
    {"GrpcListener.receive_message_bytes_limit", "1KiB", "32MiB"},
    {"GrpcListener.request_buffer_bytes_limit", "1MiB", "64GiB"},
    {"GrpcListener.request_timeout", "100ms", "1h"},
    {"GrpcListener.stream_window_bytes_limit", "16KiB", "16MiB"},
    {"GrpcListener.write_stall_timeout", "100ms", "1h"},
    {"GuessLimit.base_delay", "100ms", "1h"},
    {"GuessLimit.failures_limit", "1", "1000000"},
    {"HealthCheckConfig.interval", "1s", "1h"},
    {"HealthCheckConfig.timeout", "1ms", "1m"},
    {"HedgingConfig.cost_limit_usd_nanos", "0", "1000000000000"},
    {"HedgingConfig.delay", "1ms", "1h"},
    {"HttpListener.body_bytes_limit", "1KiB", "1GiB"},
    {"HttpListener.body_stall_timeout", "100ms", "1h"},
    {"HttpListener.body_timeout", "100ms", "24h"},
    {"HttpListener.concurrent_streams_limit", "1", "10000"},
    {"HttpListener.connections_limit", "1", "1000000"},
    {"HttpListener.header_bytes_limit", "1KiB", "1MiB"},
    {"HttpListener.header_timeout", "100ms", "1h"},
    {"HttpListener.idle_timeout", "100ms", "1h"},
    {"HttpListener.write_stall_timeout", "100ms", "1h"},
    {"HttpUpstream.response_bytes_limit", "4KiB", "1GiB"},
    {"IdempotencyConfig.entries_limit", "1", "10000000"},
    {"IdempotencyConfig.size_bytes_limit", "64KiB", "64GiB"},
    {"IdempotencyConfig.ttl", "1m", "720h"},
    {"IssuedKeys.keys_limit", "1", "10000000"},
    {"IssuedKeys.rotation_grace", "0s", "720h"},
    {"JwtIssuer.clock_skew", "0s", "10m"},
    {"JwtIssuer.key_set_interval", "10s", "24h"},
    {"KeyLimit.burst", "1", "1000000000000"},
    {"KeyLimit.limit", "1", "1000000000000"},
    {"KeyLimit.window", "1s", "744h"},
    {"LedgerConfig.commit_timeout", "100ms", "10m"},
    {"LedgerConfig.file_bytes_limit", "0", "16384GiB"},
    {"LedgerConfig.queue_bytes_limit", "1MiB", "64GiB"},
    {"LedgerConfig.queue_entries_limit", "64", "10000000"},
    {"LedgerConfig.refusals_per_second", "0", "100000"},
    {"LedgerConfig.unknown_callers_per_second", "0", "100000"},
    {"LedgerPostgres.join_interval", "1s", "24h"},
    {"LedgerPostgres.timeout", "100ms", "1m"},
    {"LimitsConfig.hold_back_bytes_limit", "4KiB", "64MiB"},
    {"LimitsConfig.labels_limit", "1", "16"},
    {"LimitsConfig.messages_limit", "1", "1000000"},
    {"LimitsConfig.response_bytes_limit", "4KiB", "1GiB"},
    {"LimitsConfig.sse_event_bytes_limit", "4KiB", "64MiB"},
    {"LimitsConfig.tools_limit", "1", "512"},
    {"LogRotation.files_limit", "1", "10000"},
    {"LogRotation.interval", "0s", "8760h"},
    {"LogRotation.size_bytes_limit", "0", "1024GiB"},
    {"LoggingConfig.access_log_refusals_per_second", "0", "100000"},
    {"MemoryConfig.interval", "10ms", "1m"},
    {"MemoryConfig.size_bytes_limit", "64MiB", "16384GiB"},
    {"MemoryConfig.soft_percent", "1", "100"},
    {"MetricsConfig.agent_labels_limit", "1", "10000"},
    {"MetricsConfig.caller_labels_limit", "1", "100000"},
    {"MetricsConfig.groups_limit", "1", "100000"},
    {"MetricsConfig.history_hours", "1", "2160"},
    {"MetricsConfig.model_labels_limit", "1", "100000"},
    {"MetricsConfig.project_labels_limit", "1", "10000"},
    {"MetricsConfig.recent_requests_limit", "0", "1000"},
    {"MetricsConfig.watch_events_limit", "1", "100000"},
    {"ModelCapabilities.input_tokens_limit", "0", "1000000000"},
    {"ModelCapabilities.output_tokens_limit", "0", "1000000000"},
    {"ModelPolicy.context_window_tokens", "1", "1000000000"},
    {"ModelResilience.concurrent_attempts_limit", "0", "1000000"},
    {"ModelTimeouts.first_byte", "1ms", "1h"},
    {"ModelTimeouts.first_content", "1ms", "1h"},
    {"ModelTimeouts.stream_first_byte", "1ms", "1h"},
    {"NodeRequirement.context_window_tokens_min", "0", "1000000000"},
    {"OutlierEjectionConfig.base_ejection", "1ms", "1h"},
    {"OutlierEjectionConfig.consecutive_failures", "0", "1000"},
    {"OutlierEjectionConfig.ejected_percent_limit", "0", "100"},
    {"OutlierEjectionConfig.ejection_limit", "1ms", "24h"},
    {"OutlierEjectionConfig.interval", "1s", "5m"},
    {"OutlierEjectionConfig.latency_percent", "0", "10000"},
    {"OutlierEjectionConfig.slow_start", "0s", "1h"},
    {"OutlierEjectionConfig.success_rate_deviation", "0", "10"},
    {"PriceStepConfig.above_input_tokens", "0", "1000000000"},
    {"ProviderResilience.concurrent_attempts_limit", "0", "1000000"},
    {"RateLimit.burst", "1", "1000000000000"},
    {"RateLimit.limit", "1", "1000000000000"},
    {"RateLimit.window", "1s", "744h"},
    {"RedisConfig.database", "0", "1000000"},
    {"RedisConfig.timeout", "1ms", "10s"},
    {"ResilienceConfig.call_timeout", "1ms", "24h"},
    {"ResilienceConfig.disable_model_after_failures", "0", "1000000"},
    {"ResponseStoreConfig.entries_limit", "0", "1000000"},
    {"ResponseStoreConfig.size_bytes_limit", "4KiB", "64GiB"},
    {"ResponseStoreConfig.ttl", "1s", "720h"},
    {"ResumableStreamsConfig.grace", "1s", "1h"},
    {"ResumableStreamsConfig.size_bytes_limit", "64KiB", "64GiB"},
    {"ResumableStreamsConfig.stream_bytes_limit", "4KiB", "64MiB"},
    {"RetryBudgetConfig.minimum", "0", "10000"},
    {"RetryBudgetConfig.percent", "0", "100"},
    {"RetryConfig.attempts_limit", "1", "10"},
    {"RetryConfig.backoff_base", "1ms", "1m"},
    {"RetryConfig.backoff_limit", "1ms", "10m"},
    {"RetryConfig.backoff_multiplier", "1", "10"},
    {"RetryConfig.retry_after_limit", "0s", "10m"},
    {"RolloutConfig.percentage", "0", "100"},
    {"RuntimeConfig.answer_buffer_bytes_limit", "1MiB", "64GiB"},
    {"RuntimeConfig.drain_grace", "0s", "1h"},
    {"RuntimeConfig.event_loops", "0", "1024"},
    {"RuntimeConfig.replicas", "1", "10000"},
    {"RuntimeConfig.request_buffer_bytes_limit", "1MiB", "64GiB"},
    {"SessionBudgets.agent_tokens", "1", "1000000000000"},
    {"SessionBudgets.session_tokens", "1", "1000000000000"},
    {"SessionBudgets.work_order_timeout", "1s", "87600h"},
    {"SessionBudgets.work_order_tokens", "1", "1000000000000"},
    {"SessionBudgets.work_order_turns", "1", "1000000000"},
    {"SessionsConfig.messages_limit", "1", "100000"},
    {"SessionsConfig.session_bytes_limit", "1KiB", "1MiB"},
    {"SessionsConfig.sessions_limit", "1", "10000000"},
    {"SessionsConfig.size_bytes_limit", "64KiB", "64GiB"},
    {"SessionsConfig.ttl", "1m", "720h"},
    {"Target.priority", "0", "100"},
    {"Target.weight", "1", "1000"},
    {"ToolServiceConfig.result_bytes_limit", "1KiB", "64MiB"},
    {"ToolServiceConfig.timeout", "100ms", "5m"},
    {"TraceStoreConfig.size_bytes_limit", "64KiB", "64GiB"},
    {"TraceStoreConfig.traces_limit", "0", "1000000"},
    {"TraceStoreConfig.ttl", "1m", "168h"},
    {"TracingConfig.batch_interval", "10ms", "1m"},
    {"TracingConfig.batch_spans_limit", "1", "10000"},
    {"TracingConfig.queue_spans_limit", "1", "1000000"},
    {"TracingConfig.sampling_ratio", "0", "1"},
    {"TracingConfig.slow_threshold", "0s", "24h"},
    {"TracingConfig.timeout", "10ms", "1m"},
    {"UpstreamTimeouts.connect", "1ms", "1h"},
    {"UpstreamTimeouts.first_byte", "1ms", "1h"},
    {"UpstreamTimeouts.first_content", "1ms", "1h"},
    {"UpstreamTimeouts.idle", "1ms", "1h"},
    {"UpstreamTimeouts.stream_first_byte", "1ms", "1h"},
    {"UpstreamTimeouts.total", "1ms", "24h"},
    {"WebhookAction.timeout", "100ms", "1m"},
    {"WeightedCredential.weight", "1", "1000"},
};

}  // namespace

std::vector<FieldRange> FieldRanges(const ProviderKinds& kinds) {
  std::vector<FieldRange> ranges;
  for (const auto& [field, least, most] : kRanges) {
    ranges.push_back({field, least, most});
  }
  for (const ProviderKind* kind : kinds) {
    const FieldDescriptor* const field =
        ProviderConfig::descriptor()->FindFieldByName(std::string(kind->name));
    assert(field != nullptr);
    for (const ProviderSetting& setting : kind->settings) {
      if (setting.least.empty()) continue;
      ranges.push_back({absl::StrCat(field->message_type()->name(), ".",
                                     ToAbsl(setting.field)),
                        setting.least, setting.most});
    }
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const FieldRange& a, const FieldRange& b) {
              return a.field < b.field;
            });
  return ranges;
}

void CheckFieldRanges(const ProviderKinds& kinds, const Message& message,
                      const FieldPlaces& places, ConfigProblems* problems) {
  Check(FieldRanges(kinds), message, "", places, problems);
}

}  // namespace gateway
