// A conversation goes on from an answer that the gateway remembers, whichever
// API it came through: what was said before is put before the request, and the
// new answer is remembered in turn.
//
//   GATEWAY_RETURN_IF_ERROR(ContinueConversation(call));  // After Admit.
//   ...
//   std::unique_ptr<ConversationRecorder> recorder =
//   ConversationRecorder::Begin(call); if (recorder != nullptr)
//   recorder->Keep(call.answer.response);
//
// A leading message of the system is the instructions of one turn: it is not
// remembered, and stays first where a conversation goes on.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_CONVERSATION_H_
#define SERVICE_PIPELINE_CONVERSATION_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/pipeline/answer_folding.h"
#include "service/pipeline/call.h"
#include "service/pipeline/response_store.h"

namespace gateway {

// Puts what is remembered before the request, which is then a parsed one. An
// id that is not known is left to CheckContinued. Fails as ParsedRequest does.
absl::Status ContinueConversation(Call& call);

// INVALID_REQUEST for an id that neither the gateway nor the planned provider
// can know. Where callers have keys, NOT_FOUND for any id that the gateway does
// not know to be this caller's, since to a provider all callers are one, and
// for the same reason INVALID_REQUEST for a `stored_reference`.
// CAPABILITY_UNSUPPORTED for an answer that is to be made in the background
// where nobody could ask for it.
absl::Status CheckContinued(const Call& call);

// Takes note of where an answer lives whose bytes are only forwarded, so that
// its caller, and nobody else, can ask for it there. `id` is the provider's;
// empty if it has none.
void RememberForwarded(const Call& call, std::string_view id);

// Plans a call that asks for a forwarded answer: to where it lives. NOT_FOUND
// if that is not known.
absl::Status PlanKept(Call& call, std::string_view id);

// Whether the gateway keeps the answer to a request that a provider is asked in
// other words than the caller's.
bool IsKeptHere(const Call& call);

class ConversationRecorder {
 public:
  // Null if the answer is not to be remembered: the caller does not want it,
  // or its bytes are only forwarded.
  static std::unique_ptr<ConversationRecorder> Begin(const Call& call);

  // Names a whole answer and keeps it.
  void Keep(v1::GenerateResponse* response);

  // Names a stream's answer and takes note of it; Finish keeps it.
  void Add(v1::GenerateEvent* event);
  void Finish();

 private:
  ConversationRecorder(ResponseStore& store, std::string_view caller);

  ResponseStore& store_;
  const std::string caller_;
  const std::string id_;
  MessageList before_;
  AnswerFolding folding_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CONVERSATION_H_
