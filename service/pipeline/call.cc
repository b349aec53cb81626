#include "service/pipeline/call.h"

#include <string>

#include "base/string_view.h"
#include "errors/fault.h"
#include "proto/proto_time.h"

namespace gateway {
namespace {

bool HasCome(absl::Duration moment) { return moment != kNotCome; }

v1::StreamEnd::Outcome OutcomeOf(const absl::Status& status) {
  if (status.ok()) return v1::StreamEnd::OUTCOME_FINISHED;
  switch (FaultReason(status)) {
    case v1::ERROR_REASON_STREAM_INTERRUPTED:
      return v1::StreamEnd::OUTCOME_TRUNCATED;
    case v1::ERROR_REASON_CANCELLED:
    case v1::ERROR_REASON_DEADLINE_EXCEEDED:
      return v1::StreamEnd::OUTCOME_CANCELLED;
    default:
      return v1::StreamEnd::OUTCOME_ERROR;
  }
}

}  // namespace

const Attempt* Call::DecidingAttempt() const {
  for (const Attempt& one : attempts) {
    if (one.answered) return &one;
  }
  return attempts.empty() ? nullptr : &attempts.back();
}

absl::Status Call::ExpectOutput() {
  if (request == nullptr) return absl::OkStatus();
  return output.Expect(*request, runtime->schemas(), facts.strict_output);
}

size_t Call::bytes_to_expect() const {
  return request == nullptr
             ? 0
             : OutputCheck::BytesToExpect(*request, runtime->schemas());
}

v1::GenerateEvent Call::MakeEnd(const absl::Status& outcome) const {
  v1::GenerateEvent event;
  v1::StreamEnd* const end = event.mutable_end();
  end->set_outcome(OutcomeOf(outcome));
  if (const Attempt* const deciding = DecidingAttempt()) {
    *end->mutable_usage() = deciding->answer.facts.usage;
  }
  FillRoute(end->mutable_route());
  FillAttempts(end->mutable_attempts());
  FillTimings(end->mutable_timings());
  output.Describe(end);
  if (!outcome.ok()) {
    end->mutable_error()->set_reason(FaultReason(outcome));
    end->mutable_error()->set_message(std::string(outcome.message()));
  }
  return event;
}

void Call::Describe(v1::GenerateResponse* response) const {
  response->set_request_id(std::string(facts.request_id));
  if (response->create_time().seconds() == 0) {
    *response->mutable_create_time() = ToProto(start_time);
  }
  FillRoute(response->mutable_route());
  FillAttempts(response->mutable_attempts());
  FillTimings(response->mutable_timings());
  output.Describe(response);
  FillWarnings(response->mutable_warnings());
}

void Call::Describe(v1::StreamStarted* started) const {
  started->set_request_id(std::string(facts.request_id));
  if (started->create_time().seconds() == 0) {
    *started->mutable_create_time() = ToProto(start_time);
  }
  FillRoute(started->mutable_route());
  FillWarnings(started->mutable_warnings());
}

void Call::FillRoute(v1::Route* route) const {
  if (planned.targets.empty()) return;
  const PlannedTarget& first = planned.targets.front();
  const Attempt* const served = DecidingAttempt();
  route->set_provider(served == nullptr ? first.provider->name
                                        : std::string(served->provider));
  route->set_model(
      std::string(served == nullptr ? first.model : served->model));
  route->set_reason(std::string(planned.reason));
}

void Call::FillWarnings(
    google::protobuf::RepeatedPtrField<v1::Warning>* out) const {
  const Attempt* const deciding = DecidingAttempt();
  if (deciding == nullptr) return;
  out->Add(deciding->warnings.begin(), deciding->warnings.end());
}

void Call::FillAttempts(
    google::protobuf::RepeatedPtrField<v1::Attempt>* out) const {
  for (const Attempt& one : attempts) {
    v1::Attempt* const attempt = out->Add();
    attempt->set_provider(std::string(one.provider));
    attempt->set_model(std::string(one.model));
    attempt->set_kind(one.kind);
    attempt->set_answered(one.answered);
    if (one.answered) *attempt->mutable_usage() = one.answer.facts.usage;
    if (HasCome(one.first_content)) {
      *attempt->mutable_time_to_first_token() =
          ToProto(one.first_content - one.began);
    }
    attempt->set_credential(std::string(one.progress.credential));
    attempt->set_provider_request_id(
        std::string(one.progress.upstream.request_id()));
    *attempt->mutable_start_time() = ToProto(one.start_time);
    *attempt->mutable_duration() = ToProto(one.duration);
    attempt->set_http_status(one.progress.http_status);
    attempt->set_reused_connection(one.progress.http.reused_connection);
    if (one.status.ok()) continue;
    attempt->set_failure(FaultReason(one.status));
    attempt->set_failure_message(std::string(one.status.message()));
  }
}

void Call::FillTimings(v1::Timings* timings) const {
  // The loop's own time stands still within a turn.
  *timings->mutable_total() = ToProto(runtime->clock().SteadyTime() - arrival);
  if (attempts.empty()) return;
  const absl::Duration first_content = DecidingAttempt()->first_content;
  if (HasCome(first_content)) {
    *timings->mutable_time_to_first_token() = ToProto(first_content - arrival);
  }
  // What failed attempts and the waits between them took is no overhead of
  // ours.
  const AttemptProgress& first = attempts.front().progress;
  if (!HasCome(first.dispatched)) return;
  *timings->mutable_overhead() = ToProto(first.dispatched - arrival);
  const AttemptProgress& last = attempts.back().progress;
  if (!HasCome(last.first_byte)) return;
  *timings->mutable_upstream_first_byte() =
      ToProto(last.first_byte - last.dispatched);
}

}  // namespace gateway
