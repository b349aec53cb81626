// How a conversation goes on: by what a request says after what was said before
// it.
//
//   ContinueMessages(request.messages(), session.mutable_messages());
//
// A request begins with its instructions, if it has any: messages of the system
// and the developer. They hold for all of the conversation, and so take the
// place of those that it began with; a request without any leaves them.
//
// Thread-safe: plain functions.

#ifndef SERVICE_SESSIONS_SESSION_MESSAGES_H_
#define SERVICE_SESSIONS_SESSION_MESSAGES_H_

#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/content.pb.h"

namespace gateway {

using SessionMessages =
    google::protobuf::RepeatedPtrField<llmgateway::v1::Message>;

// How many messages are instructions.
int CountInstructions(const SessionMessages& messages);

// Adds what is said to the conversation.
void ContinueMessages(const SessionMessages& said, SessionMessages* messages);

}  // namespace gateway

#endif  // SERVICE_SESSIONS_SESSION_MESSAGES_H_
