// One object of what Ollama's chat answers: the whole of a plain answer, or one
// line of a stream. They differ in how much they say at once and in nothing
// else.
//
//   ChatLine line;
//   GATEWAY_RETURN_IF_ERROR(ReadChatLine(text, &line));
//   if (line.is_error) return ReadErrorLine(text);
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_OLLAMA_CHAT_LINE_H_
#define PROVIDERS_DIALECTS_OLLAMA_CHAT_LINE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/timestamp.pb.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/ollama/fields.h"

namespace gateway::ollama {

struct ChatLine {
  std::string model;
  std::string created_at;
  std::string text;
  std::string thinking;
  std::vector<v1::Part> calls;  // Tool calls, each with an id.
  v1::Logprobs logprobs;
  bool done = false;
  std::string done_reason;
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  absl::Status usage_fault;  // One of these cannot be read.
  bool has_message = false;
  // The object reports a failure.
  bool is_error = false;
  // Extensions of the object, and of its message.
  ExtensionList extensions;
  ExtensionList message_extensions;

  v1::Usage ToUsage() const;
};

// Reads one object. Errors are INVALID_ARGUMENT and name the place. Calls
// without an id get one that is made of the call and the moment of the answer:
// the same bytes always give the same id, and two turns that call alike get
// two, as do two of one turn: `calls_before` is how many calls the lines in
// front have.
absl::Status ReadChatLine(std::string_view text, ChatLine* line,
                          int32_t calls_before = 0);

// Reads RFC 3339, with up to nine digits of a second. Returns false if it is
// anything else.
bool ReadMoment(std::string_view text, google::protobuf::Timestamp* moment);

// Returns why a turn ended. A tool call makes it one that waits for tools
// unless it was cut; no reason is a plain end; an unknown one is a plain end if
// there was content, and an error otherwise.
v1::FinishReason FinishReasonOfTurn(std::string_view done_reason,
                                    bool has_tool_call, bool has_content);

}  // namespace gateway::ollama

#endif  // PROVIDERS_DIALECTS_OLLAMA_CHAT_LINE_H_
