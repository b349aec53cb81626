// What an answer by HTTP tells of its call to a caller who asks for details: in
// a whole answer as its last fields, in a stream behind its last event.
//
//   const size_t end = EndOfFields(body);
//   if (end != std::string_view::npos) {
//     body.insert(end, AnswerDetails(call, DetailForm::kFull));
//   }
//
// Thread-safe: plain functions.

#ifndef SERVICE_HTTP_ANSWER_DETAILS_H_
#define SERVICE_HTTP_ANSWER_DETAILS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "service/pipeline/call.h"

namespace gateway {

// Returns where the last field of an object ends; npos if the text is no object
// with fields.
size_t EndOfFields(std::string_view object);

enum class DetailForm : uint8_t {
  kNone,
  // What `listeners.http.messages_details` adds for clients that know no more:
  // a cost that is not known is 0.
  kBrief,
  // For callers who ask: of a cost that is known also what it is made of, and
  // what the provider says that it charged.
  kFull,
};

// Returns `,"provider":"openai","latency_ms":12` and what the answer has cost:
// fields to be added at an object's end. REQUIRES: not kNone.
std::string AnswerDetails(const Call& call, DetailForm form);

// Returns what ends a stream, with a blank line behind it: a comment,
// `: x-llmgateway-details: {"provider":"openai",...}`, or, where the vendor's
// clients do not skip comments, an event with that object in a field of ours.
std::string StreamDetails(const Call& call, bool as_comment);

}  // namespace gateway

#endif  // SERVICE_HTTP_ANSWER_DETAILS_H_
