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

// Returns what a stop reason means. FINISH_REASON_UNSPECIFIED for an empty one
// and for names that the format does not have.
v1::FinishReason FinishReasonOfWord(std::string_view stop_reason);

// As above, for a whole turn. A tool call anywhere makes it a turn that waits
// for tools, unless it was cut or filtered; an unknown name is a plain stop if
// there was content and an error otherwise.
v1::FinishReason FinishReasonOfTurn(std::string_view stop_reason,
                                    bool has_tool_call, bool has_content);

// Returns the stop reason of an answer of whatever origin: `provider_word` if
// it is one of this format that agrees with `reason`.
std::string_view StopReasonWord(v1::FinishReason reason,
                                std::string_view provider_word,
                                std::string_view stop_sequence);

// Returns the effort; EFFORT_UNSPECIFIED for a name that the format does not
// have.
v1::ReasoningSettings::Effort EffortOfWord(std::string_view word);

// Returns the nearest name; empty if no effort is given, or none.
std::string_view WordOfEffort(v1::ReasoningSettings::Effort effort);

// Usage as the wire counts it: input without what the cache served or kept.
//
// Reads the counts that are present and not null over those that are there
// already: in a stream, each count is a total that replaces the one before.
// Where all that an object tells of the input is 0, as of servers that fill in
// what they do not know, it tells none: what was told before stands.
class WireUsage {
 public:
  // Reads usage. Counts that the contract lacks become extensions called
  // `usage.<name>`, if `extensions` is not null. One that cannot be read is an
  // error; the others are had, and marked as estimated.
  absl::Status Read(JsonValue& value, ExtensionList* extensions);

  v1::Usage ToUsage() const;
  // The object that was read last has a count of the output, or there is none
  // from before that stays in force.
  bool told_output() const { return told_output_; }
  // The tier that served. What the format tells beside it and is billed by
  // another price is a tier, too: `fast_mode`, `us_inference`, both as
  // `fast_mode_us_inference`, each behind the name of a tier that is not the
  // standard one (`priority_us_inference`); and `advisor`, which is billed in
  // part by another model's price, and has no other name beside it.
  std::string_view service_tier() const { return billed_tier_; }

 private:
  absl::Status ReadField(std::string_view key, JsonValue& value,
                         ExtensionList* extensions);
  absl::Status ReadCacheCreation(JsonValue& value);
  // Reads what is told beside the counts, as JSON: `speed`, `inference_geo` and
  // `iterations`.
  absl::Status ReadBeside(std::string_view key, std::string_view json);
  absl::Status ReadIterations(std::string_view json);
  void NameTier();

  // The input, in its parts; that which is kept for an hour is one of what is
  // kept.
  struct Input {
    int64_t fresh = 0;
    int64_t cache_creation = 0;
    int64_t cache_read = 0;
    int64_t cache_creation_1h = 0;

    void Add(const Input& more);
  };
  // Reads a part of which the input is the sum.
  absl::Status ReadInput(JsonValue& value, int64_t Input::* part);

  Input input_;
  bool told_input_ = false;  // By the object that is read.
  int64_t output_tokens_ = 0;
  int64_t thinking_tokens_ = 0;
  bool told_output_ = false;
  bool is_broken_ = false;  // A count could not be read.
  std::string service_tier_;  // As it is told, but `default` for `standard`.
  std::string billed_tier_;   // With what is told beside it.
  bool is_fast_ = false;
  bool is_kept_in_us_ = false;
  bool has_advisor_ = false;
  // Of compactions, which the sums beside them leave out.
  Input compacted_input_;
  int64_t compacted_output_tokens_ = 0;
};

// Writes a usage object. Keys that newer clients require are null where nothing
// is known.
absl::Status WriteUsage(const v1::Usage& usage, std::string_view service_tier,
                        const ExtensionList& extensions, JsonWriter& json);

// Takes `cache_control`. A value that the contract cannot express is kept as an
// extension.
absl::Status ReadCacheControl(ObjectFields& fields,
                              std::optional<v1::CacheHint>* hint,
                              ExtensionList* extensions);

// As above, for any message with `cache_hint` and `extensions`.
template <typename Owner>
absl::Status ReadCacheControl(ObjectFields& fields, Owner* owner) {
  std::optional<v1::CacheHint> hint;
  absl::Status status =
      ReadCacheControl(fields, &hint, owner->mutable_extensions());
  if (hint.has_value()) *owner->mutable_cache_hint() = *std::move(hint);
  return status;
}

// As above, for `json`, a piece of a text that is being read, at `path`.
absl::Status ReadCacheControlJson(std::string_view json, std::string_view path,
                                  std::optional<v1::CacheHint>* hint,
                                  ExtensionList* extensions);

void WriteCacheControl(const v1::CacheHint& hint, std::string_view place,
                       ObjectWriter& object, DroppedFields& dropped);

}  // namespace gateway::anthropic

#endif  // PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_VENDOR_NAMES_H_
