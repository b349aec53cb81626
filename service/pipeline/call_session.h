// CallSession is the session (service/sessions) that one call goes on with:
// what it holds comes before what the call says, and both are added to it, with
// the answer, once that has ended well. A call that names none has none.
//
//   GATEWAY_CO_RETURN_IF_ERROR(co_await BeginSession(call, until));
//   ...
//   if (call.session != nullptr) {
//     GATEWAY_RETURN_IF_ERROR(call.session->PutBefore(call));
//   }
//   ... the answer has come ...
//   GATEWAY_CO_RETURN_IF_ERROR(co_await call.session->Keep(response, cancel));
//
// Thread contract: one call, by one thread at a time; what is awaited, on its
// loop.

#ifndef SERVICE_PIPELINE_CALL_SESSION_H_
#define SERVICE_PIPELINE_CALL_SESSION_H_

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/pipeline/answer_folding.h"
#include "service/sessions/session_store.h"

namespace gateway {

class IncomingCall;
class PlannedCall;

class CallSession {
 public:
  explicit CallSession(std::unique_ptr<SessionTurn> turn);

  // What of it has to be copied into the request, in bytes.
  size_t bytes() const { return turn_->bytes(); }

  // Puts its messages before those of the request, which is then a parsed one.
  // INVALID_REQUEST where the request says otherwise what came before it;
  // SESSION_LIMITED if it has no room for the call; as ParsedRequest does.
  absl::Status PutBefore(IncomingCall& call);

  // Gathers the answer of a stream, unless the session has no room for it.
  void Add(const v1::GenerateEvent& event);
  // What has been gathered takes so many bytes, about.
  size_t gathered_bytes() const {
    return static_cast<size_t>(folding_.size_bytes());
  }

  // Keeps what was said and the answer, of which the first choice counts; or
  // the one that was gathered. Fails as SessionTurn::End does.
  Task<absl::Status> Keep(const v1::GenerateResponse& response,
                          CancelSignal& cancel);
  Task<absl::Status> KeepGathered(CancelSignal& cancel);

 private:
  std::unique_ptr<SessionTurn> turn_;
  AnswerFolding folding_;
  bool fits_ = true;  // What is gathered is all that there was.
};

// Opens the session that the call names for its caller, whom it finds out
// first. A call that its API has found fault with is left to Admit. Fails as
// Authenticate and SessionStore::Begin do; NOT_CONFIGURED where there are no
// sessions.
Task<absl::Status> BeginSession(PlannedCall& call);

// Lets others go on with the session, if the call has one. To be called before
// the caller is told the end, since its next call may be here before this one
// is gone.
void LeaveSession(IncomingCall& call);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CALL_SESSION_H_
