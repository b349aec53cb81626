#include "service/pipeline/recorder.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "base/text/utf8.h"
#include "errors/fault.h"

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

std::optional<absl::Duration> FirstByteOf(const AttemptProgress& progress) {
  if (progress.first_byte == kNotCome) return std::nullopt;
  return progress.first_byte - progress.dispatched;
}

void FillTimes(const Call& call, CallRecord* record) {
  // The loop's own time stands still within a turn.
  record->duration = call.runtime->clock().SteadyTime() - call.arrival;
  if (call.attempts.empty()) return;
  const absl::Duration first_content = call.DecidingAttempt()->first_content;
  if (first_content != kNotCome) {
    record->time_to_first_token = first_content - call.arrival;
  }
  // What failed attempts and the waits between them took is no overhead of
  // ours.
  const AttemptProgress& first = call.attempts.front().progress;
  if (first.dispatched == kNotCome) return;
  record->overhead = first.dispatched - call.arrival;
  record->upstream_first_byte = FirstByteOf(call.attempts.back().progress);
}

// What is known of a call from its begin.
CallRecord Beginning(const Call& call) {
  CallRecord record;
  record.request_id = Short(call.facts.request_id);
  record.protocol = call.facts.head.protocol;
  record.operation = call.facts.operation;
  record.path = Short(call.facts.path);
  record.method = Short(call.facts.method);
  record.caller = Short(call.caller);
  record.peer = call.facts.peer;
  record.scope = call.admitted.scope;
  record.labels = call.admitted.labels;
  record.stream = call.facts.stream;
  record.start_time = call.start_time;
  record.model_asked = Short(call.facts.model);
  record.route_reason = Short(call.planned.reason);
  if (const Attempt* const deciding = call.DecidingAttempt()) {
    record.provider = deciding->provider;
    record.model_served = deciding->model;
  }
  return record;
}

CallAttempt AttemptOf(const Attempt& one) {
  CallAttempt attempt;
  attempt.provider = one.provider;
  attempt.model = one.model;
  attempt.kind = one.kind;
  attempt.answered = one.answered;
  attempt.start_time = one.start_time;
  attempt.duration = one.duration;
  if (one.first_content != kNotCome) {
    attempt.time_to_first_token = one.first_content - one.began;
  }
  attempt.credential = one.progress.credential;
  attempt.provider_request_id = one.progress.upstream.request_id();
  attempt.error_reason = ReasonOf(one.status);
  attempt.error_message = Short(ToStd(one.status.message()));
  attempt.http_status = one.progress.http_status;
  attempt.reused_connection = one.progress.http.reused_connection;
  attempt.first_byte = FirstByteOf(one.progress);
  attempt.replaced = one.progress.http.not_processed;
  return attempt;
}

v1::FinishReason FinishReasonOf(const ProviderAnswer& answer) {
  const v1::GenerateResponse* const whole = answer.response;
  if (whole == nullptr || whole->choices().empty()) {
    return answer.facts.finish_reason;
  }
  return whole->choices(0).finish_reason();
}

}  // namespace

Recorder::Recorder(AccessLogShard* access_log, CallMetricsShard& metrics,
                   RequestFeed& feed, ProviderHealthShard* health)
    : access_log_(access_log),
      metrics_(metrics),
      feed_(feed),
      health_(health) {}

InflightCall Recorder::Begin(Call& call) {
  call.provider_health = health_;
  return metrics_.StartCall(call.facts.head.protocol);
}

void Recorder::TellStarted(const Call& call) {
  if (!feed_.progress_watched()) return;
  CallRecord record = Beginning(call);
  const PlannedTarget& first = call.planned.targets.front();
  record.provider = first.provider->name;
  record.model_served = first.upstream_model;
  feed_.PublishProgress(FeedEvent::Kind::kStarted, record);
}

void Recorder::TellFirstToken(const Call& call) {
  if (!feed_.progress_watched()) return;
  CallRecord record = Beginning(call);
  record.time_to_first_token =
      call.DecidingAttempt()->first_content - call.arrival;
  feed_.PublishProgress(FeedEvent::Kind::kFirstToken, record);
}

void Recorder::Record(const Call& call, const absl::Status& outcome) {
  absl::InlinedVector<CallAttempt, 4> attempts;
  for (const Attempt& one : call.attempts) attempts.push_back(AttemptOf(one));
  CallRecord record = Beginning(call);
  FillTimes(call, &record);
  record.attempts = attempts;
  record.status_code = outcome.code();
  record.error_reason = ReasonOf(outcome);
  record.error_message = Short(ToStd(outcome.message()));
  record.http_status = call.http_status;
  if (const Attempt* const deciding = call.DecidingAttempt()) {
    record.usage = deciding->answer.facts.usage;
    record.finish_reason = FinishReasonOf(deciding->answer);
  }
  record.request_bytes = static_cast<int64_t>(call.facts.request_bytes);
  record.response_bytes = call.response_bytes;
  if (access_log_ != nullptr && MayLog(call, outcome, &record.unlogged)) {
    access_log_->Write(record);
  }
  metrics_.Count(record);
  feed_.Publish(record);
  CountAttempts(call);
}

bool Recorder::MayLog(const Call& call, const absl::Status& outcome,
                      int64_t* unlogged) {
  if (!absl::IsUnauthenticated(outcome) || !call.attempts.empty()) return true;
  const absl::Duration now = call.loop.Now();
  if (now - second_began_ >= absl::Seconds(1)) {
    second_began_ = now;
    lines_of_second_ = 0;
  }
  if (lines_of_second_ >= kUnauthenticatedLinesPerSecond) {
    ++unlogged_;
    return false;
  }
  ++lines_of_second_;
  *unlogged = std::exchange(unlogged_, 0);
  return true;
}

void Recorder::CountAttempts(const Call& call) {
  if (health_ == nullptr) return;
  for (const Attempt& one : call.attempts) {
    // The provider never saw an attempt on a connection that it had given up.
    if (one.progress.http.not_processed) continue;
    health_->Count(one.provider, one.status, one.start_time + one.duration,
                   one.progress.credential);
  }
}

}  // namespace gateway
