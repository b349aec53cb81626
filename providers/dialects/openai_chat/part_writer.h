// Writes parts of a message in the words of Chat Completions: the entries of a
// `content`, of `tool_calls`, and of `images`, in which OpenRouter's models
// show what they have drawn.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_PART_WRITER_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_PART_WRITER_H_

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/openai_chat/fields.h"

namespace gateway::chat {

namespace v1 = ::llmgateway::v1;

// Parts, which are borrowed.
using PartList = absl::InlinedVector<const v1::Part*, 4>;

// Returns whether the part can stand in a `content`; records it as dropped if
// not. With `text_only`, pictures, files and sounds cannot.
bool HasPlace(const v1::Part& part, bool text_only, DroppedFields& dropped);

// Writes one entry of a `content` that is a list. REQUIRES: HasPlace.
absl::Status WritePart(const v1::Part& part, JsonWriter& json,
                       DroppedFields& dropped);

// Writes the value of `content`: a text, or a list of the parts that have a
// place in it.
absl::Status WriteContent(const PartList& parts, bool text_only,
                          JsonWriter& json, DroppedFields& dropped);

// Each writes a field of the message that is open, if there is anything to
// write.
absl::Status WriteToolCalls(const PartList& calls, bool to_caller,
                            JsonWriter& json, DroppedFields& dropped);

// What Google has signed a call with travels through callers where its own
// OpenAI-compatible API puts it, `extra_content.google.thought_signature` of
// the call; in the contract it is an extension of the dialect and name below.
// Writes the field into the call that is open, if there is such an extension.
inline constexpr std::string_view kGoogleDialect = "gemini";
inline constexpr std::string_view kGoogleSignature = "thoughtSignature";
void WriteGoogleSignature(const ExtensionList& extensions, JsonWriter& json);
absl::Status WriteImages(const PartList& images, JsonWriter& json,
                         DroppedFields& dropped);

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_PART_WRITER_H_
