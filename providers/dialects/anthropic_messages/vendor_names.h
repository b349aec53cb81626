// The words of the Messages format that requests, answers and streams share:
// why a model stopped, what a call consumed, how long a prompt is cached.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_VENDOR_NAMES_H_
#define PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_VENDOR_NAMES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/anthropic_messages/fields.h"

namespace gateway::anthropic {

// What a stop reason means. FINISH_REASON_UNSPECIFIED for words that are not
// of this format and for none.
v1::FinishReason FinishReasonOfWord(std::string_view stop_reason);

// The same for a whole turn. A tool call anywhere makes it a turn that waits
// for tools, unless it was cut or filtered; a word that nobody knows is a
// plain stop if there was content and an error otherwise.
v1::FinishReason FinishReasonOfTurn(std::string_view stop_reason,
                                    bool has_tool_call, bool has_content);

// The word for an answer of whatever origin. `provider_word` is used if it is a
// word of this format that agrees with `reason`.
std::string_view StopReasonWord(v1::FinishReason reason,
                                std::string_view provider_word,
                                std::string_view stop_sequence);

// A degree of effort; EFFORT_UNSPECIFIED for a word that is not of this format.
v1::ReasoningSettings::Effort EffortOfWord(std::string_view word);

// The nearest word; empty for no effort and none given.
std::string_view WordOfEffort(v1::ReasoningSettings::Effort effort);

// Usage as the wire counts it: input without what the cache served or kept.
//
// Reads the counts that are present and not null over those that are there
// already: in a stream, each count is a total that replaces the one before.
class WireUsage {
 public:
  // Unmodelled counts become extensions called `usage.<name>`, if asked for.
  absl::Status Read(JsonValue& value, ExtensionList* extensions);

  v1::Usage ToUsage() const;
  const std::string& service_tier() const { return service_tier_; }

 private:
  absl::Status ReadField(std::string_view key, JsonValue& value,
                         ExtensionList* extensions);
  absl::Status ReadCacheCreation(JsonValue& value);

  int64_t input_tokens_ = 0;
  int64_t cache_creation_tokens_ = 0;
  int64_t cache_read_tokens_ = 0;
  int64_t cache_creation_1h_tokens_ = 0;
  int64_t output_tokens_ = 0;
  int64_t thinking_tokens_ = 0;
  std::string service_tier_;
};

// Writes a whole usage object. Keys that newer clients require are null where
// nothing is known.
absl::Status WriteUsage(const v1::Usage& usage, std::string_view service_tier,
                        const ExtensionList& extensions, JsonWriter& json);

// Takes `cache_control`. One that the contract cannot express is kept as an
// extension.
absl::Status ReadCacheControl(ObjectFields& fields,
                              std::optional<v1::CacheHint>* hint,
                              ExtensionList* extensions);

// The same for any message with `cache_hint` and `extensions`.
template <typename Owner>
absl::Status ReadCacheControl(ObjectFields& fields, Owner* owner) {
  std::optional<v1::CacheHint> hint;
  absl::Status status =
      ReadCacheControl(fields, &hint, owner->mutable_extensions());
  if (hint.has_value()) *owner->mutable_cache_hint() = *std::move(hint);
  return status;
}

// `json` is part of a text that is being read, at `path`.
absl::Status ReadCacheControlJson(std::string_view json, std::string_view path,
                                  std::optional<v1::CacheHint>* hint,
                                  ExtensionList* extensions);

void WriteCacheControl(const v1::CacheHint& hint, std::string_view place,
                       ObjectWriter& object, DroppedFields& dropped);

}  // namespace gateway::anthropic

#endif  // PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_VENDOR_NAMES_H_
