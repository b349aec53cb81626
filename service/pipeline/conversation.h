// A conversation goes on from an answer that the gateway remembers, whichever
// API it came through: what was said before is put before the request, and the
// new answer is remembered in turn.
//
//   GATEWAY_ASSIGN_OR_RETURN(const Continuation continuation,
//                            ContinueConversation(call, caller));
//   ...
//   const std::unique_ptr<ConversationRecorder> recorder =
//       ConversationRecorder::Begin(call, caller, attempt);
//   if (recorder != nullptr) recorder->Keep(attempt.answer.response);
//
// A leading message of the system is the instructions of one turn: it is not
// remembered, and stays first where a conversation goes on.
//
// Thread contract: one call, by one thread at a time; may run off the loop.

#ifndef SERVICE_PIPELINE_CONVERSATION_H_
#define SERVICE_PIPELINE_CONVERSATION_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/os/random.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/pipeline/answer_folding.h"
#include "service/pipeline/attempt.h"
#include "service/pipeline/incoming_call.h"
#include "service/pipeline/response_store.h"

namespace gateway {

class Call;
class PlannedCall;
struct PlannedTarget;

// What a request goes on from.
struct Continuation {
  // What is remembered has been put before the request.
  bool continued = false;
  // What the request refers to was forwarded, and lives at a provider; or null.
  ResponseStore::Entry lives_upstream;
};

// Whether what the call refers to is to be looked up before it is admitted,
// since that takes time.
bool LooksUpPrevious(const IncomingCall& call);

// Looks it up, into `call.found_response`: STORE_UNAVAILABLE, or as
// Authenticate fails.
Task<absl::Status> LookUpPrevious(PlannedCall& call);

// Puts what is remembered before the request, which is then a parsed one. An
// id that is not known is left to CheckContinued. Fails as ParsedRequest does.
absl::StatusOr<Continuation> ContinueConversation(IncomingCall& call,
                                                  std::string_view caller);

// INVALID_REQUEST for an id that neither the gateway nor the planned provider
// can know. Where callers have keys, NOT_FOUND for any id that the gateway does
// not know to be this caller's, since to a provider all callers are one, and
// for the same reason INVALID_REQUEST for a `stored_reference`.
// CAPABILITY_UNSUPPORTED for an answer that is to be made in the background
// where nobody could ask for it.
absl::Status CheckContinued(const IncomingCall& call,
                            const Continuation& continuation,
                            const PlannedTarget& target);

// Remembers where an answer lives whose bytes `attempt` only forwarded, so that
// its caller, and nobody else, can ask for it there. `id` is the provider's;
// empty if it has none. A reused answer lives where it was made, and is its
// maker's alone: nothing is remembered for another caller, or where it is not
// known whose it is. Returns what is yet to be kept by KeepRemembered, here and
// below.
std::optional<UnkeptResponse> RememberForwarded(const Call& call,
                                                const Attempt& attempt,
                                                std::string_view id);

// Keeps it where it outlasts the process. If that cannot be, or it is too large
// to be kept at all, the call goes on: a warning of `attempt` tells.
Task<void> KeepRemembered(PlannedCall& call, UnkeptResponse unkept,
                          Attempt& attempt);

// Whether the gateway keeps the answer to a request that a provider is asked in
// a format that is not the caller's.
bool IsKeptHere(const IncomingCall& call);

class ConversationRecorder {
 public:
  // Null if the answer is not to be remembered: the caller does not want it,
  // or its bytes are only forwarded.
  static std::unique_ptr<ConversationRecorder> Begin(const IncomingCall& call,
                                                     std::string_view caller,
                                                     const Attempt& attempt);

  // Names a whole answer and keeps it.
  std::optional<UnkeptResponse> Keep(v1::GenerateResponse* response);

  // Names a stream's answer and gathers it; Finish keeps it.
  void Add(v1::GenerateEvent* event);
  std::optional<UnkeptResponse> Finish();

  // How many bytes of the conversation are held, about.
  size_t held_bytes() const {
    return before_.size() + static_cast<size_t>(folding_.size_bytes());
  }

 private:
  ConversationRecorder(ResponseStore& store, std::string_view caller,
                       Random& random);

  ResponseStore& store_;
  const std::string caller_;
  const std::string id_;
  std::string before_;  // As StoredResponse::before.
  AnswerFolding folding_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CONVERSATION_H_
