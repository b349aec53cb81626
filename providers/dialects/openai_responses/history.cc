#include "providers/dialects/openai_responses/history.h"

#include <utility>

#include "providers/dialects/openai_responses/content.h"
#include "providers/dialects/openai_responses/request_writer.h"

namespace gateway::responses {
namespace {

bool IsEvent(const v1::Part& part) {
  return part.has_opaque() && part.opaque().dialect() == kDialect &&
         OpaqueKindOf(part.opaque()) == OpaqueKind::kEvent;
}

bool HasInstructions(const v1::GenerateRequest& request) {
  return !request.messages().empty() && IsInstructions(request.messages(0));
}

}  // namespace

MessageList HistoryOf(const v1::GenerateRequest& request,
                      const v1::Message& answer) {
  MessageList history;
  for (int i = HasInstructions(request) ? 1 : 0; i < request.messages_size();
       ++i) {
    *history.Add() = request.messages(i);
  }
  v1::Message* last = history.Add();
  *last = answer;
  last->set_role(v1::ROLE_ASSISTANT);
  last->clear_parts();
  for (const v1::Part& part : answer.parts()) {
    if (!IsEvent(part)) *last->add_parts() = part;
  }
  if (last->parts().empty()) history.RemoveLast();
  return history;
}

void ContinueFrom(const MessageList& history, v1::GenerateRequest* request) {
  MessageList messages;
  const int own = HasInstructions(*request) ? 1 : 0;
  if (own == 1) *messages.Add() = request->messages(0);
  messages.MergeFrom(history);
  for (int i = own; i < request->messages_size(); ++i) {
    *messages.Add() = std::move(*request->mutable_messages(i));
  }
  request->mutable_messages()->Swap(&messages);
  request->clear_previous_response_id();
}

}  // namespace gateway::responses
