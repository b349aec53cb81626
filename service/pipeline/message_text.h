// Writes a message as JSON for people, as far as there is room: with the names
// of Protobuf's JSON, and in place of what is marked as a secret
// (proto/field_marks.h) that it was there.
//
//   MessageText(request, 4096)  // {"model":"m","messages":[{"role":...
//
// A long text or a picture costs no more than what is shown of it, and what
// comes behind the limit costs nothing. What is cut is cut anywhere.
//
// Thread-safe: a plain function.

#ifndef SERVICE_PIPELINE_MESSAGE_TEXT_H_
#define SERVICE_PIPELINE_MESSAGE_TEXT_H_

#include <cstddef>
#include <string>

#include "google/protobuf/message.h"

namespace gateway {

// Returns at most so many bytes.
std::string MessageText(const google::protobuf::Message& message,
                        size_t bytes_max);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_MESSAGE_TEXT_H_
