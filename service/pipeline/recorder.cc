#include "service/pipeline/recorder.h"

#include <algorithm>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/pipeline/cut_text.h"

namespace gateway {
namespace {

std::string_view ReasonOf(const absl::Status& status) {
  return status.ok() ? std::string_view() : ReasonName(FaultReason(status));
}

// Of any text in a record: more is cut off, since a record goes to whoever
// watches, and a message has a limit.
constexpr size_t kTextBytesMax = 1024;

std::string_view Short(std::string_view text) {
  return CutText(text, kTextBytesMax);
}

std::optional<absl::Duration> FirstByteOf(const TryProgress& progress) {
  if (progress.first_byte == -absl::InfiniteDuration()) return std::nullopt;
  return progress.first_byte - progress.dispatched;
}

void FillTimes(const Call& call, CallRecord* record) {
  record->start_time = call.start_time;
  // The loop's own time stands still within a turn.
  record->duration = SystemClock().SteadyTime() - call.arrival;
  if (call.first_content > -absl::InfiniteDuration()) {
    record->time_to_first_token = call.first_content - call.arrival;
  }
  if (call.tries.empty()) return;
  // What failed tries and the waits between them took is no overhead of ours.
  const TryProgress& first = call.tries.front().progress;
  if (first.dispatched == -absl::InfiniteDuration()) return;
  record->overhead = first.dispatched - call.arrival;
  record->upstream_first_byte = FirstByteOf(call.tries.back().progress);
}

int RetriesOf(const Call& call) {
  int retries = -1;
  for (const NotedTry& one : call.tries) retries += one.replaced ? 0 : 1;
  return std::max(retries, 0);
}

void FillUsage(const v1::Usage& usage, CallRecord* record) {
  record->input_tokens = usage.input_tokens();
  record->output_tokens = usage.output_tokens();
  record->cached_input_tokens = usage.cached_input_tokens();
  record->cache_write_tokens = usage.cache_write_tokens();
  record->reasoning_tokens = usage.reasoning_tokens();
  record->cost_usd_nanos = usage.cost_usd_nanos();
  record->cost_known = usage.cost_known();
  record->usage_estimated = usage.estimated();
}

}  // namespace

Recorder::Recorder(AccessLogLane* access_log, CallMetricsLane& metrics,
                   RequestFeed& feed, ProviderHealthLane* health)
    : access_log_(access_log), metrics_(metrics), feed_(feed), health_(health) {
}

InflightCall Recorder::Begin(Call& call) {
  call.provider_health = health_;
  return metrics_.StartCall(call.facts.head.door);
}

void Recorder::Record(const Call& call, const absl::Status& outcome) {
  absl::InlinedVector<CallAttempt, 4> attempts;
  for (const NotedTry& one : call.tries) {
    CallAttempt& attempt = attempts.emplace_back();
    attempt.provider = one.provider;
    attempt.model = one.model;
    attempt.start_time = one.start_time;
    attempt.duration = one.duration;
    attempt.error_reason = ReasonOf(one.status);
    attempt.error_message = Short(ToStd(one.status.message()));
    attempt.http_status = one.progress.http_status;
    attempt.reused_connection = one.progress.http.reused_connection;
    attempt.provider_request_id = one.progress.upstream.request_id();
    attempt.first_byte = FirstByteOf(one.progress);
    attempt.replaced = one.replaced;
  }
  CallRecord record;
  record.request_id = Short(call.facts.request_id);
  record.door = call.facts.head.door;
  record.operation = call.facts.operation;
  record.path = Short(call.facts.path);
  record.method = Short(call.facts.method);
  record.caller = Short(call.caller);
  record.peer = call.facts.peer;
  record.user_id = call.user_id;
  record.labels = call.labels;
  record.stream = call.facts.stream;
  FillTimes(call, &record);
  record.model_asked = Short(call.facts.model);
  if (!call.tries.empty()) {
    record.provider = call.tries.back().provider;
    record.model_served = call.tries.back().model;
  }
  record.route_reason = Short(call.plan.reason);
  record.attempts = attempts;
  record.retries = RetriesOf(call);
  record.status_code = outcome.code();
  record.error_reason = ReasonOf(outcome);
  record.error_message = Short(ToStd(outcome.message()));
  record.http_status = call.http_status;
  FillUsage(call.answer_facts.usage, &record);
  record.request_bytes = static_cast<int64_t>(call.facts.request_bytes);
  record.response_bytes = call.response_bytes;
  if (access_log_ != nullptr) access_log_->Write(record);
  metrics_.Count(record);
  feed_.Publish(record);
  CountTries(call);
}

void Recorder::CountTries(const Call& call) {
  if (health_ == nullptr) return;
  for (const NotedTry& one : call.tries) {
    // The provider never saw a try on a connection that it had given up.
    if (one.progress.http.reused_connection_was_stale) continue;
    health_->Count(one.provider, one.status, one.start_time + one.duration);
  }
}

}  // namespace gateway
