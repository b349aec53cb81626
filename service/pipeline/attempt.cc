#include "service/pipeline/attempt.h"

#include <utility>

#include "errors/fault.h"
#include "service/pipeline/told_failure.h"

namespace gateway {

void Attempt::End(absl::Status outcome, absl::Duration took) {
  duration = took;
  if (first_content != kNotCome) time_to_first_token = first_content - began;
  credential = progress.credential;
  provider_request_id = progress.upstream.request_id();
  http_status = progress.http_status;
  reused_connection = progress.http.reused_connection;
  replaced = progress.http.not_processed;
  if (progress.first_byte != kNotCome) {
    first_byte = progress.first_byte - progress.dispatched;
  }
  status = std::move(outcome);
  if (status.ok()) return;
  error_reason = FaultReason(status);
  compared = false;
  Tell(ToldFailure(status));
}

void Attempt::Tell(std::string message) {
  told_ = std::move(message);
  error_message = told_;
}

void Attempt::TellBreaker(absl::Duration now) {
  if (!permit.has_value()) return;
  const bool abandoned = progress.http.abandoned();
  use.RecordOutcome(now, status, abandoned, time_to_first_token);
  permit->Record(now, status, abandoned);
  permit.reset();
}

void Attempt::Close(absl::Duration now) {
  TellBreaker(now);
  inflight.End();
  use = TargetUse();
  place = ProviderPlace();
  model_place = ProviderPlace();
  credential_place.reset();
  if (limits != nullptr) limits->Leave();
}

}  // namespace gateway
