// The words of Gemini's format that requests, answers and streams share: why a
// model stopped, what a call consumed, how sound is called, how a tool call is
// named that came without an id.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_GEMINI_VENDOR_NAMES_H_
#define PROVIDERS_DIALECTS_GEMINI_VENDOR_NAMES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/gemini/fields.h"

namespace gateway::gemini {

// What a `finishReason` means. FINISH_REASON_UNSPECIFIED for words that are not
// of this format and for none.
v1::FinishReason FinishReasonOfWord(std::string_view word);

// The same for a whole turn: the format has no word for a turn that waits for
// tools. A word that nobody knows is a plain stop if there was content and an
// error otherwise.
v1::FinishReason FinishReasonOfTurn(std::string_view word, bool has_tool_call,
                                    bool has_content);

// The word for an answer of whatever origin. `provider_word` is used if it is a
// word of this format that agrees with `reason`.
std::string_view FinishWord(v1::FinishReason reason,
                            std::string_view provider_word);

// Usage as the wire counts it: output without thoughts, input without what
// tools of the provider brought in, no zeros.
class WireUsage {
 public:
  // Replaces what was read before: every count of a stream is a total. What is
  // beyond the contract becomes extensions called `usageMetadata.<name>`, if
  // asked for.
  absl::Status Read(JsonValue& value, ExtensionList* extensions);

  v1::Usage ToUsage() const;

 private:
  absl::Status ReadField(std::string_view key, JsonValue& value,
                         ExtensionList* extensions);

  int64_t prompt_tokens_ = 0;
  int64_t cached_tokens_ = 0;
  int64_t candidates_tokens_ = 0;
  int64_t thoughts_tokens_ = 0;
  int64_t tool_use_tokens_ = 0;
  int64_t audio_prompt_tokens_ = 0;
  int64_t audio_candidates_tokens_ = 0;
};

absl::Status WriteUsage(const v1::Usage& usage, const ExtensionList& extensions,
                        JsonWriter& json);

// `wav`, `mp3` and so on for `audio/wav`; empty for sound that the contract
// does not know and for everything else.
std::string_view AudioFormatOf(std::string_view mime_type);
// The media type of a format; empty if it has none.
std::string_view MimeTypeOfAudio(std::string_view format);

// A degree of effort; EFFORT_UNSPECIFIED for a word that is not of this format.
v1::ReasoningSettings::Effort EffortOfLevel(std::string_view level);

// An id for a call that has none: the same for the same seed, and known as one
// of ours when it comes back, so that it is never shown to the provider.
std::string MadeUpCallId(std::string_view seed);
bool IsMadeUpCallId(std::string_view id);

// Either alphabet of base64, padded or not: protobuf's JSON reads them all.
bool ReadAnyBase64(std::string_view text, std::string* bytes);

// The signature of a thought, as the contract names signatures, and as
// `thoughtSignature` of an answer; empty if it has no such form. Clients take
// that field for bytes and write them in an alphabet of their own, so the
// signatures of others travel in it with their names, as base64.
std::string SignatureOfWire(std::string_view signature);
std::string WireOfSignature(std::string_view signature);

bool IsJsonObject(std::string_view text);

// The text as a JSON string.
std::string Quoted(std::string_view text);

}  // namespace gateway::gemini

#endif  // PROVIDERS_DIALECTS_GEMINI_VENDOR_NAMES_H_
