// The words of the Responses format that requests, answers and streams share:
// how an answer ended, what a call consumed, how ids and signatures are
// written.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_RESPONSES_VENDOR_NAMES_H_
#define PROVIDERS_DIALECTS_OPENAI_RESPONSES_VENDOR_NAMES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway::responses {

// The type of an item that is a picture.
inline constexpr std::string_view kPictureType = "image_generation_call";

namespace v1 = ::llmgateway::v1;

// What an answer holds, which decides what its status means.
struct Contents {
  bool any = false;
  bool tool_calls = false;
  bool refusal = false;

  void Add(const v1::Part& part);
};

// Returns what a status means. `incomplete_reason` is empty unless the status
// is `incomplete`. UNSPECIFIED for an answer that is still being made.
v1::FinishReason FinishReasonOf(std::string_view status,
                                std::string_view incomplete_reason,
                                const Contents& contents);

// The status of an answer of whatever origin. `provider_word` is the reason of
// the incompleteness, or else the status, if the answer is of this format.
struct Ending {
  std::string_view status;
  std::string_view incomplete_reason;  // Empty unless incomplete.
};
Ending EndingOf(v1::FinishReason reason, std::string_view provider_word,
                const Contents& contents);

// Replaces `usage` by what the object says; leaves none for null. Of one with a
// count that cannot be read, which is an error, it has the others, marked as
// estimated.
absl::Status ReadUsage(JsonValue& value, v1::Usage* usage);
// Writes the whole object.
void WriteUsage(const v1::Usage& usage, JsonWriter& json);

// Returns an answer's id in the form of this format: it begins with `resp_`.
std::string WireResponseId(std::string_view id);

// Makes the id of an item that has none: always the same for the same place of
// the same answer. `kind` is `msg`, `fc`, `ctc` or `rs`.
std::string MadeItemId(std::string_view kind, std::string_view response_id,
                       int index);
// Returns whether the id was made up so, and means nothing to a provider.
bool IsMadeItemId(std::string_view id);

// Stands between two summaries that are one neutral text.
inline constexpr std::string_view kSummarySeparator = "\n\n";

// How an `encrypted_content` begins that holds the signature of another format.
inline constexpr std::string_view kForeignSignature = "gw:signature:";
inline constexpr std::string_view kForeignData = "gw:data:";

// What the provider signed of a reasoning item: it checks both.
struct ItemSignature {
  std::string id;
  std::string encrypted_content;
};

// Between `signature` and `redacted_data` of neutral reasoning and an item of
// this format. Signatures of this format stand in the signature, with the
// item's id; those of others travel in `encrypted_content`, marked as such.
void ReadSignature(const ItemSignature& signature, v1::Reasoning* reasoning);
// Returns false if there is no signature, or it is not of this format.
bool OwnSignature(const v1::Reasoning& reasoning, ItemSignature* signature);
// Returns any signature in the form for clients, under the id that their item
// has. Empty if there is none.
std::string ClientSignature(const v1::Reasoning& reasoning,
                            std::string_view id);

}  // namespace gateway::responses

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_VENDOR_NAMES_H_
