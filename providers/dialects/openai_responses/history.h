// What a response store must do between two turns of a conversation: make the
// history that a request and its answer are together, and put it before the
// next request that names it.
//
//   store.Put(id, HistoryOf(request, answer));
//   ...
//   ContinueFrom(*store.Find(next.previous_response_id()), &next);
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_RESPONSES_HISTORY_H_
#define PROVIDERS_DIALECTS_OPENAI_RESPONSES_HISTORY_H_

#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/openai_responses/fields.h"

namespace gateway::responses {

// The conversation with the answer at its end. `instructions` are of one turn
// and do not go on; events of a stream are no part of what was said.
MessageList HistoryOf(const v1::GenerateRequest& request,
                      const v1::Message& answer);

// Puts the history after the request's own instructions and before all else,
// and takes `previous_response_id` away.
void ContinueFrom(const MessageList& history, v1::GenerateRequest* request);

}  // namespace gateway::responses

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_HISTORY_H_
