#include "service/pipeline/call_session.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "service/pipeline/admission.h"
#include "service/pipeline/call.h"
#include "service/sessions/session_fault.h"

namespace gateway {
namespace {

constexpr int64_t kGatheredSlack = int64_t{64} << 10;

// What a dialect has kept of the field by which its callers name a session, so
// that no provider is sent it.
void RemoveSessionField(std::string_view name, v1::GenerateRequest* request) {
  auto& extensions = *request->mutable_extensions();
  for (int i = extensions.size() - 1; i >= 0; --i) {
    if (extensions[i].name() == name) extensions.DeleteSubrange(i, 1);
  }
}

v1::Message FirstAnswer(const v1::GenerateResponse& response) {
  v1::Message answer;
  if (response.choices().empty()) return answer;
  answer = response.choices(0).message();
  answer.set_role(v1::ROLE_ASSISTANT);
  return answer;
}

}  // namespace

CallSession::CallSession(std::unique_ptr<SessionTurn> turn)
    : turn_(std::move(turn)) {}

absl::Status CallSession::PutBefore(IncomingCall& call) {
  if (!call.facts.previous_response_id.empty()) {
    return InvalidField("previous_response_id",
                        "says what came before, and so does the session; give "
                        "one of them");
  }
  GATEWAY_ASSIGN_OR_RETURN(const v1::GenerateRequest* const request,
                           call.ParsedRequest());
  GATEWAY_RETURN_IF_ERROR(turn_->Say(request->messages()));
  auto* const whole =
      google::protobuf::Arena::CreateMessage<v1::GenerateRequest>(&call.arena);
  *whole = *request;
  *whole->mutable_messages() = turn_->messages();
  whole->clear_session();
  if (call.raw != nullptr) {
    RemoveSessionField(call.raw->scan.session_field, whole);
  }
  call.own_request = request;
  call.request = whole;
  call.facts.parsed_only = true;
  return absl::OkStatus();
}

void CallSession::Add(const v1::GenerateEvent& event) {
  // Beyond that the turn will not be kept. What is gathered takes more than it
  // will when it is written.
  fits_ = fits_ &&
          folding_.size_bytes() <= 2 * turn_->room_bytes() + kGatheredSlack;
  if (fits_) folding_.Add(event);
}

Task<absl::Status> CallSession::Keep(const v1::GenerateResponse& response,
                                     CancelSignal& cancel) {
  co_return co_await turn_->End(FirstAnswer(response), cancel);
}

Task<absl::Status> CallSession::KeepGathered(CancelSignal& cancel) {
  if (!fits_) co_return turn_->TooLarge();
  const v1::GenerateResponse response = folding_.Finish();
  co_return co_await Keep(response, cancel);
}

void LeaveSession(IncomingCall& call) { call.session = nullptr; }

Task<absl::Status> BeginSession(PlannedCall& call) {
  if (!call.api_error.ok()) co_return absl::OkStatus();
  GATEWAY_CO_ASSIGN_OR_RETURN(call.caller, Authenticate(call));
  call.known_caller = call.caller;
  SessionStore* const sessions = call.runtime->sessions();
  if (sessions == nullptr) co_return NoSessions();
  const SessionStore::TurnOptions options = {
      .until =
          call.runtime->clock().WallTime() + (call.deadline - call.loop.Now()),
      .only_reads = call.facts.counts};
  GATEWAY_CO_ASSIGN_OR_RETURN(
      std::unique_ptr<SessionTurn> turn,
      co_await sessions->Begin(
          SessionLimits::Of(call.runtime->config().sessions()), call.caller->id,
          call.facts.session, options, call.cancel));
  call.session = std::make_unique<CallSession>(std::move(turn));
  co_return absl::OkStatus();
}

}  // namespace gateway
