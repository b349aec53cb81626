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

// Returns what a `finishReason` means. FINISH_REASON_UNSPECIFIED for an empty
// one and for names that the format does not have.
v1::FinishReason FinishReasonOfWord(std::string_view word);

// As above, for a whole turn: the format has no name for a turn that waits for
// tools. An unknown name is a plain stop if there was content and an error
// otherwise.
v1::FinishReason FinishReasonOfTurn(std::string_view word, bool has_tool_call,
                                    bool has_content);

// Returns the finish reason of an answer of whatever origin: `provider_word` if
// it is one of this format that agrees with `reason`.
std::string_view FinishWord(v1::FinishReason reason,
                            std::string_view provider_word);

// How many of the tokens of a count were sound, and how many images.
struct MediaTokens {
  int64_t audio = 0;
  int64_t images = 0;
};

// Usage as the wire counts it: output without thoughts, input without what
// tools of the provider brought in, no zeros.
class WireUsage {
 public:
  // Reads usage in place of what was read before: every count of a stream is a
  // total. Counts that the contract lacks become extensions called
  // `usageMetadata.<name>`, if `extensions` is not null. One that cannot be
  // read is an error; the others are had, and marked as estimated.
  absl::Status Read(JsonValue& value, ExtensionList* extensions);

  v1::Usage ToUsage() const;
  // The tier that served, as prices know it; empty if none is told.
  const std::string& service_tier() const { return service_tier_; }

 private:
  absl::Status ReadField(std::string_view key, JsonValue& value,
                         ExtensionList* extensions);
  // Returns what the details of that name are read into; null for others.
  MediaTokens* MediaOf(std::string_view key);

  int64_t prompt_tokens_ = 0;
  int64_t cached_tokens_ = 0;
  int64_t candidates_tokens_ = 0;
  int64_t thoughts_tokens_ = 0;
  int64_t tool_use_tokens_ = 0;
  MediaTokens prompt_media_;
  MediaTokens cached_media_;  // A part of the prompt's.
  MediaTokens tool_use_media_;
  MediaTokens candidates_media_;
  std::string service_tier_;
  bool is_broken_ = false;  // A count could not be read.
};

absl::Status WriteUsage(const v1::Usage& usage, const ExtensionList& extensions,
                        JsonWriter& json);

// Returns `wav`, `mp3` and so on for `audio/wav`, ...; empty for sound that the
// contract does not know and for everything else.
std::string_view AudioFormatOf(std::string_view mime_type);
// Returns the media type of a format; empty if it has none.
std::string_view MimeTypeOfAudio(std::string_view format);

// Returns the effort, of a word in upper or, as in the vendor's own examples,
// lower case; EFFORT_UNSPECIFIED for a name that the format does not have.
v1::ReasoningSettings::Effort EffortOfLevel(std::string_view level);

// Makes an id for a call that has none: the same for the same seed, and
// recognized when it comes back, so that it is never sent to the provider.
std::string MadeUpCallId(std::string_view seed);
bool IsMadeUpCallId(std::string_view id);

// Decodes base64 in either alphabet, padded or not, as protobuf's JSON does.
bool ReadAnyBase64(std::string_view text, std::string* bytes);

// Convert the signature of a thought between the contract's form and
// `thoughtSignature` of an answer; empty if it has no such form. Clients take
// that field for bytes and write them in an alphabet of their own, so
// signatures of other formats travel in it with their names, as base64.
std::string SignatureOfWire(std::string_view signature);
std::string WireOfSignature(std::string_view signature);

bool IsJsonObject(std::string_view text);

}  // namespace gateway::gemini

#endif  // PROVIDERS_DIALECTS_GEMINI_VENDOR_NAMES_H_
