#include "service/pipeline/recorder.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/cord.h"
#include "absl/time/time.h"
#include "base/os/logging.h"
#include "base/string_view.h"
#include "base/text/utf8.h"
#include "errors/fault.h"
#include "errors/time_limit.h"
#include "errors/verdict.h"
#include "service/audit/audit_entry.h"
#include "service/audit/audit_log.h"
#include "service/identity/caller.h"
#include "service/observability/consumed_usage.h"
#include "service/pipeline/alert_record.h"
#include "service/pipeline/call_audit.h"
#include "service/pipeline/performance_record.h"
#include "service/pipeline/recorded_labels.h"
#include "service/pipeline/recorded_model.h"
#include "service/pipeline/summary_record.h"
#include "service/pipeline/told_failure.h"
#include "service/pipeline/trace_record.h"

namespace gateway {
namespace {

// What is known of a call from its begin.
void FillBeginning(const Call& call, CallRecord* out) {
  CallRecord& record = *out;
  record.request_id = call.facts.request_id;
  if (call.trace != nullptr && call.trace->records()) {
    record.trace_id = call.trace->id_text();
  }
  record.protocol = call.facts.head.protocol;
  record.operation = call.facts.operation;
  record.path = call.facts.path;
  record.method = call.facts.method;
  record.caller = call.caller->id;
  record.caller_has_key = call.caller->method == CallerMethod::kConfiguredKey ||
                          call.caller->method == CallerMethod::kIssuedKey;
  // For whom a provider was asked was let in.
  record.caller_known = IsKnown(*call.caller) || !call.attempts.empty();
  record.peer = call.facts.peer;
  record.scope = call.admitted.scope;
  record.labels = call.admitted.labels;
  record.stream = call.facts.stream;
  record.asks_for_answer = !call.facts.counts && call.stored_query == nullptr;
  record.start_time = call.start_time;
  record.model_asked = call.recorded_model;
  record.route_reason = call.planned.reason;
  if (const Attempt* const deciding = call.DecidingAttempt()) {
    record.provider = deciding->provider;
    record.model_served = deciding->model;
    record.model_known = deciding->model_known;
  }
}

void FillCache(const CallCache& cache, CallRecord* record) {
  record->cache_key = cache.key_told;
  if (!cache.hit) {
    record->cache = cache.key ? "miss" : "bypass";
    return;
  }
  record->cache = "hit";
  record->cache_age = cache.age;
}

// Null if there is none.
const BodyRedactor* RedactorFor(const Call& call) {
  return call.runtime->audit() == nullptr
             ? nullptr
             : &call.runtime->audit_policy().redactor;
}

// How the attempt ended, with the message that others than the caller get.
absl::Status ToldStatus(const Attempt& attempt) {
  if (attempt.status.ok()) return attempt.status;
  absl::Status told(attempt.status.code(), ToAbsl(attempt.error_message));
  attempt.status.ForEachPayload(
      [&](absl::string_view type_url, const absl::Cord& payload) {
        told.SetPayload(type_url, payload);
      });
  return told;
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
                   RequestFeed& feed, ProviderHealthShard* health, int loop,
                   std::optional<CallSummary::Shard> summary,
                   TraceShard* traces, AlertShard* alerts)
    : access_log_(access_log),
      metrics_(metrics),
      feed_(feed),
      health_(health),
      loop_(loop),
      summary_(summary),
      traces_(traces),
      alerts_(alerts) {}

InflightCall Recorder::Begin(Call& call) {
  NameModel(call);
  call.provider_health = health_;
  call.ledger_refusals = &ledger_refusals_;
  BeginTrace(traces_, call);
  return metrics_.StartCall(call.facts.head.protocol);
}

void Recorder::TellStarted(const Call& call) {
  if (!feed_.progress_watched()) return;
  CallRecord record;
  FillBeginning(call, &record);
  const PlannedTarget& first = call.planned.first;
  record.provider = first.provider->name;
  record.model_served = first.recorded_model;
  feed_.PublishProgress(FeedEvent::Kind::kStarted, record);
}

void Recorder::TellFirstToken(const Call& call) {
  if (!feed_.progress_watched()) return;
  CallRecord record;
  FillBeginning(call, &record);
  record.time_to_first_token =
      call.DecidingAttempt()->first_content - call.arrival;
  feed_.PublishProgress(FeedEvent::Kind::kFirstToken, record);
}

void Recorder::TellUsage(const Call& call, const v1::Usage& usage) {
  CallRecord record;
  FillBeginning(call, &record);
  record.usage = &usage;
  record.response_bytes = call.response_bytes;
  record.duration = call.loop.Now() - call.arrival;
  feed_.PublishProgress(FeedEvent::Kind::kUsage, record);
}

void Recorder::Record(const Call& call, const absl::Status& outcome) {
  absl::InlinedVector<const CallAttempt*, 4> attempts;
  for (const Attempt& one : call.attempts) attempts.push_back(&one);
  std::string told;
  CallRecord record;
  static_cast<CallTimes&>(record) = call.TimesByNow();
  FillBeginning(call, &record);
  const RecordedLabels labels(call.admitted.labels, RedactorFor(call));
  record.labels = labels.labels();
  record.attempts = attempts;
  record.status_code = outcome.code();
  if (!outcome.ok()) {
    record.error_reason = FaultReason(outcome);
    record.waits_for_operator = WaitsForOperator(outcome);
    record.out_of_callers_time =
        ClassifyFailure(outcome) == Verdict::kOutOfTime;
    record.out_of_configured_time =
        FaultMetadata(outcome, kTimeLimitKey) == kCallTimeout;
    told = ToldOutcome(call, outcome);
    record.error_message = told;
    if (call.limits != nullptr) LogLimit(call, outcome);
  }
  record.http_status = call.http_status;
  if (const Attempt* const deciding = call.DecidingAttempt()) {
    record.usage = &deciding->answer.facts.usage;
    record.finish_reason = FinishReasonOf(deciding->answer);
  }
  if (call.cache != nullptr) FillCache(*call.cache, &record);
  record.answer_of = call.reused != nullptr
                         ? std::string_view(call.reused->kept->request_id)
                         : call.facts.resumes;
  v1::Usage consumed;
  FillConsumed(&record, &consumed);
  record.request_bytes = static_cast<int64_t>(call.facts.request_bytes);
  record.response_bytes = call.response_bytes;
  if (IsRefusal(record)) record.refused_caller = CallerNumber(call);
  if (access_log_ != nullptr && MayLog(call, record, &record.unlogged)) {
    access_log_->Write(record);
  }
  metrics_.Count(record);
  if (summary_.has_value()) {
    const RouteSelection* const selection = call.planned.selection.get();
    RecordInSummary(record,
                    selection == nullptr ? 0 : selection->result.asked_for,
                    *summary_);
  }
  if (alerts_ != nullptr) RecordForAlerts(record, *alerts_);
  feed_.Publish(record);
  CountAttempts(call);
  if (call.ledger != nullptr) CountSent(call);
  if (AuditLog* const audit = call.runtime->audit()) {
    AddToAudit(call, record, *audit);
  }
  if (traces_ != nullptr) RecordTrace(*traces_, call, record);
  if (call.planned.selection != nullptr) RecordPerformance(call, loop_);
}

bool Recorder::MayLog(const Call& call, const CallRecord& record,
                      int64_t* unlogged) {
  if (!IsRefusal(record)) return true;
  const RefusalCount::Limits limits = {
      .of_caller =
          call.runtime->config().logging().access_log_refusals_per_second(),
      .of_unknown = kUnknownCallersLoggedPerSecond};
  return line_refusals_.Take(call, limits, unlogged);
}

void Recorder::AddToAudit(const Call& call, const CallRecord& record,
                          AuditLog& audit) {
  int64_t left_out = 0;
  if (IsRefusal(record)) {
    const AuditPolicy& policy = call.runtime->audit_policy();
    const RefusalCount::Limits limits = {
        .of_caller = policy.refusals_per_second,
        .of_unknown = policy.unknown_callers_per_second};
    if (!audit_refusals_.Take(call, limits, &left_out)) {
      return audit.LeaveOut(record.caller_known);
    }
  }
  AuditEntry entry = AuditEntryOf(call, record);
  if (left_out > 0) entry.StandFor(left_out, record.caller_known);
  audit.Add(std::move(entry));
}

void Recorder::LogLimit(const Call& call, const absl::Status& outcome) {
  const v1::ErrorReason reason = FaultReason(outcome);
  if (reason != v1::ERROR_REASON_RATE_LIMITED &&
      reason != v1::ERROR_REASON_CONCURRENCY_LIMITED) {
    return;
  }
  const std::optional<int64_t> unlogged = limit_pace_.Take(call.loop.Now());
  if (!unlogged.has_value()) return;
  Log(LogLevel::kInfo, "limits", "a limit refuses calls",
      {{"error", ToStd(outcome.message())},
       {"caller", call.caller->id},
       {"unlogged", *unlogged}});
}

absl::Status Recorder::CheckAbandoned(const PlannedCall& call) {
  return abandoned_.refuses_any()
             ? abandoned_.Check(CallerNumber(call), call.loop.Now())
             : absl::OkStatus();
}

void Recorder::CountSent(const Call& call) {
  bool is_dispatched = false;
  for (const Attempt& one : call.attempts) {
    if (one.progress.dispatched != kNotCome) return abandoned_.Sent();
    is_dispatched = is_dispatched || call.ledger->Find(&one) != nullptr;
  }
  if (is_dispatched && call.cancel.cancelled()) {
    abandoned_.Left(CallerNumber(call), call.loop.Now());
  }
}

void Recorder::CountAttempts(const Call& call) {
  if (health_ == nullptr) return;
  for (const Attempt& one : call.attempts) {
    // The provider never saw an attempt on a connection that it had given up.
    if (one.replaced) continue;
    health_->Count(one.inflight, one.provider, ToldStatus(one),
                   one.start_time + one.duration, one.credential);
  }
}

}  // namespace gateway
