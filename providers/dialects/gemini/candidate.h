// The parts of an answer that whole answers and the chunks of a stream have in
// common: a chunk is an answer that holds only what is new.
//
//   Answer answer;
//   GATEWAY_RETURN_IF_ERROR(ReadAnswer(body, &answer));
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_GEMINI_CANDIDATE_H_
#define PROVIDERS_DIALECTS_GEMINI_CANDIDATE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/gemini/fields.h"
#include "providers/dialects/gemini/part_reader.h"
#include "providers/dialects/gemini/vendor_names.h"

namespace gateway::gemini {

// The most answers that one call may have.
inline constexpr int32_t kCandidatesMax = 128;

// What is said of a candidate that has neither content nor an end: of a whole
// answer it is none.
inline constexpr std::string_view kNoContent = "candidates[].content: required";

struct Candidate {
  int32_t index = 0;
  bool has_content = false;
  PartList parts;
  std::string finish_word;  // Empty if it goes on.
  v1::Logprobs logprobs;
  ExtensionList extensions;
};

struct Answer {
  std::string id;
  std::string model;
  std::vector<Candidate> candidates;
  std::string block_word;  // Why the prompt was refused; empty if it was not.
  bool has_usage = false;
  WireUsage usage;
  absl::Status usage_fault;  // A count of it cannot be read.
  ExtensionList usage_extensions;
  ExtensionList extensions;
  bool is_error = false;  // The body is an error's.
};

// Reads an answer or a chunk. Errors are those of reading JSON: see
// AsBadResponse.
absl::Status ReadAnswer(std::string_view body, Answer* answer);

// Reads a list, in which an error comes where a stream was asked for. An error
// unless one of its elements tells one.
absl::Status ReadErrorList(JsonValue& list);

// Returns what the ids are made of that calls of the answer lack: its own id
// or, where the server gives none, one that no other answer has. Otherwise an
// answer of a later turn that calls the same would have the same ids.
std::string SeedOfCallIds(const Answer& answer);

// Gives an id to a call that came without one: the same each time for the same
// seed.
void NameCall(std::string_view seed, int32_t choice_index,
              int32_t call_index, v1::ToolCall* call);

void WriteLogprobs(const v1::Logprobs& logprobs, ObjectWriter& object);

}  // namespace gateway::gemini

#endif  // PROVIDERS_DIALECTS_GEMINI_CANDIDATE_H_
