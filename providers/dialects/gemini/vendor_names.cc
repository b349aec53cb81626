#include "providers/dialects/gemini/vendor_names.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "base/fnv1a.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "providers/dialects/data_url.h"
#include "providers/dialects/named_signature.h"
#include "providers/dialects/token_count.h"
#include "providers/dialects/vendor_name.h"

namespace gateway::gemini {
namespace {

// Finish reasons. Of several with one meaning, the first is written. The last
// ones are reasons for which a prompt is blocked.
constexpr wire::VendorName<v1::FinishReason> kStopNames[] = {
    {"STOP", v1::FINISH_REASON_STOP},
    {"MAX_TOKENS", v1::FINISH_REASON_LENGTH},
    {"SAFETY", v1::FINISH_REASON_CONTENT_FILTER},
    {"RECITATION", v1::FINISH_REASON_CONTENT_FILTER},
    {"BLOCKLIST", v1::FINISH_REASON_CONTENT_FILTER},
    {"PROHIBITED_CONTENT", v1::FINISH_REASON_CONTENT_FILTER},
    {"SPII", v1::FINISH_REASON_CONTENT_FILTER},
    {"IMAGE_SAFETY", v1::FINISH_REASON_CONTENT_FILTER},
    {"IMAGE_PROHIBITED_CONTENT", v1::FINISH_REASON_CONTENT_FILTER},
    {"IMAGE_RECITATION", v1::FINISH_REASON_CONTENT_FILTER},
    {"OTHER", v1::FINISH_REASON_ERROR},
    {"LANGUAGE", v1::FINISH_REASON_ERROR},
    {"NO_IMAGE", v1::FINISH_REASON_ERROR},
    {"IMAGE_OTHER", v1::FINISH_REASON_ERROR},
    {"MALFORMED_FUNCTION_CALL", v1::FINISH_REASON_ERROR},
    {"UNEXPECTED_TOOL_CALL", v1::FINISH_REASON_ERROR},
    {"TOO_MANY_TOOL_CALLS", v1::FINISH_REASON_ERROR},
    {"MISSING_THOUGHT_SIGNATURE", v1::FINISH_REASON_ERROR},
};

// Types of sound. Of several for one format, the first is written.
constexpr wire::VendorName<std::string_view> kAudioTypes[] = {
    {"audio/wav", "wav"},   {"audio/mp3", "mp3"},   {"audio/flac", "flac"},
    {"audio/opus", "opus"}, {"audio/aac", "aac"},   {"audio/l16", "pcm16"},
    {"audio/pcm", "pcm16"}, {"audio/x-wav", "wav"}, {"audio/mpeg", "mp3"},
};

// The dialect whose signatures have no name in the contract.
constexpr std::string_view kNameless = "anthropic_messages";

constexpr std::string_view kMadeUpPrefix = "gcall_";

// Returns the tier that served, of a JSON string: `ON_DEMAND_PRIORITY` of
// Vertex AI's `trafficType`, `priority` of `serviceTier`. Empty for the
// standard one; one that has no price of its own has its name.
std::string TierOf(std::string_view json) {
  std::string tier = absl::AsciiStrToLower(
      absl::StripSuffix(absl::StripPrefix(ToAbsl(json), "\""), "\""));
  if (tier == "on_demand_priority") return "priority";
  if (tier == "on_demand_flex") return "flex";
  const bool is_standard = tier == "on_demand" || tier == "standard" ||
                           tier == "unspecified" || tier == "null" ||
                           tier == "traffic_type_unspecified";
  return is_standard ? "" : tier;
}

absl::Status ReadCount(JsonValue& value, int64_t* count) {
  if (value.IsNull()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(*count, ReadTokenCount(value));
  return absl::OkStatus();
}

// Reads the counts of sound and images among the modalities of a count.
absl::Status ReadMediaCounts(std::string_view raw, std::string_view path,
                             MediaTokens* counts) {
  return ReadNested(raw, path, [&](JsonValue& list) {
    return list.EachElement([&](JsonValue& entry) -> absl::Status {
      std::string modality;
      int64_t tokens = 0;
      GATEWAY_RETURN_IF_ERROR(entry.EachField(
          [&](std::string_view key, JsonValue& value) -> absl::Status {
            if (key == "tokenCount") return ReadCount(value, &tokens);
            if (key != "modality" || !value.IsString()) return absl::OkStatus();
            GATEWAY_ASSIGN_OR_RETURN(const std::string_view word,
                                     value.String());
            modality = std::string(word);
            return absl::OkStatus();
          }));
      if (modality == "AUDIO") counts->audio = tokens;
      if (modality == "IMAGE") counts->images = tokens;
      return absl::OkStatus();
    });
  });
}

}  // namespace

v1::FinishReason FinishReasonOfWord(std::string_view word) {
  return wire::ValueOf(kStopNames, word);
}

v1::FinishReason FinishReasonOfTurn(std::string_view word, bool has_tool_call,
                                    bool has_content) {
  return wire::FinishReasonOfTurn(FinishReasonOfWord(word), has_tool_call,
                                  has_content);
}

std::string_view FinishWord(v1::FinishReason reason,
                            std::string_view provider_word) {
  const bool waits = reason == v1::FINISH_REASON_TOOL_CALLS ||
                     reason == v1::FINISH_REASON_PAUSE;
  if (waits) reason = v1::FINISH_REASON_STOP;
  if (reason != v1::FINISH_REASON_UNSPECIFIED &&
      FinishReasonOfWord(provider_word) == reason) {
    return provider_word;
  }
  const std::string_view word = wire::NameOf(kStopNames, reason);
  return word.empty() ? "STOP" : word;
}

absl::Status WireUsage::Read(JsonValue& value, ExtensionList* extensions) {
  *this = WireUsage();
  if (value.IsNull()) return absl::OkStatus();
  absl::Status read =
      EachCount(value, [&](std::string_view key, JsonValue& field) {
        return ReadField(key, field, extensions);
      });
  if (!read.ok()) is_broken_ = true;
  return read;
}

absl::Status WireUsage::ReadField(std::string_view key, JsonValue& value,
                                  ExtensionList* extensions) {
  if (key == "promptTokenCount") return ReadCount(value, &prompt_tokens_);
  if (key == "cachedContentTokenCount") {
    return ReadCount(value, &cached_tokens_);
  }
  if (key == "candidatesTokenCount") {
    return ReadCount(value, &candidates_tokens_);
  }
  if (key == "thoughtsTokenCount") return ReadCount(value, &thoughts_tokens_);
  // It is the sum of the others.
  if (key == "totalTokenCount") return absl::OkStatus();
  if (value.IsNull()) return absl::OkStatus();
  const std::string name = absl::StrCat("usageMetadata.", ToAbsl(key));
  if (key == "toolUsePromptTokenCount") {
    GATEWAY_RETURN_IF_ERROR(ReadCount(value, &tool_use_tokens_));
    if (extensions != nullptr && tool_use_tokens_ > 0) {
      AddExtension(extensions, name, absl::StrCat(tool_use_tokens_));
    }
    return absl::OkStatus();
  }
  MediaTokens* const media = MediaOf(key);
  const bool tells_tier =
      (key == "trafficType" || key == "serviceTier") && value.IsString();
  if (extensions == nullptr && media == nullptr && !tells_tier) {
    return absl::OkStatus();
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
  if (extensions != nullptr) AddExtension(extensions, name, raw);
  if (tells_tier) service_tier_ = TierOf(raw);
  if (media == nullptr) return absl::OkStatus();
  return ReadMediaCounts(raw, name, media);
}

MediaTokens* WireUsage::MediaOf(std::string_view key) {
  return key == "promptTokensDetails"          ? &prompt_media_
         : key == "cacheTokensDetails"         ? &cached_media_
         : key == "toolUsePromptTokensDetails" ? &tool_use_media_
         : key == "candidatesTokensDetails"    ? &candidates_media_
                                               : nullptr;
}

v1::Usage WireUsage::ToUsage() const {
  // What was read from the cache is told as that, whatever it was: each token
  // is billed once.
  int64_t cached = cached_tokens_;
  const auto fresh = [&cached](int64_t all, int64_t read_from_cache) {
    const int64_t taken = std::min({all, read_from_cache, cached});
    cached -= taken;
    return all - taken;
  };
  v1::Usage usage;
  usage.set_input_tokens(prompt_tokens_ + tool_use_tokens_);
  usage.set_output_tokens(candidates_tokens_ + thoughts_tokens_);
  usage.set_cached_input_tokens(cached_tokens_);
  usage.set_reasoning_tokens(thoughts_tokens_);
  usage.set_audio_input_tokens(fresh(prompt_media_.audio, cached_media_.audio) +
                               tool_use_media_.audio);
  usage.set_audio_output_tokens(candidates_media_.audio);
  usage.set_image_input_tokens(
      fresh(prompt_media_.images, cached_media_.images) +
      tool_use_media_.images);
  usage.set_image_output_tokens(candidates_media_.images);
  if (is_broken_) usage.set_estimated(true);
  return usage;
}

absl::Status WriteUsage(const v1::Usage& usage, const ExtensionList& extensions,
                        JsonWriter& json) {
  ObjectWriter object(kFormat, json);
  const auto count = [&](std::string_view key, int64_t tokens) {
    if (tokens > 0) object.Int64(key, tokens);
  };
  int64_t tool_use = 0;
  const v1::Extension* tool_use_text =
      FindExtension(extensions, "usageMetadata.toolUsePromptTokenCount");
  if (tool_use_text == nullptr ||
      !absl::SimpleAtoi(tool_use_text->json(), &tool_use)) {
    tool_use = 0;
  }
  count("promptTokenCount", usage.input_tokens() - tool_use);
  count("candidatesTokenCount",
        usage.output_tokens() - usage.reasoning_tokens());
  count("totalTokenCount", usage.input_tokens() + usage.output_tokens());
  count("cachedContentTokenCount", usage.cached_input_tokens());
  count("thoughtsTokenCount", usage.reasoning_tokens());
  GATEWAY_RETURN_IF_ERROR(object.Extensions(extensions, "", "usageMetadata"));
  object.End();
  return absl::OkStatus();
}

std::string_view AudioFormatOf(std::string_view mime_type) {
  const std::string type =
      absl::AsciiStrToLower(ToAbsl(mime_type.substr(0, mime_type.find(';'))));
  return wire::ValueOf(kAudioTypes, type);
}

std::string_view MimeTypeOfAudio(std::string_view format) {
  return wire::NameOf(kAudioTypes, format);
}

v1::ReasoningSettings::Effort EffortOfLevel(std::string_view level) {
  const auto is = [level](absl::string_view word) {
    return absl::EqualsIgnoreCase(ToAbsl(level), word);
  };
  if (is("MINIMAL")) return v1::ReasoningSettings::EFFORT_MINIMAL;
  if (is("LOW")) return v1::ReasoningSettings::EFFORT_LOW;
  if (is("MEDIUM")) return v1::ReasoningSettings::EFFORT_MEDIUM;
  if (is("HIGH")) return v1::ReasoningSettings::EFFORT_HIGH;
  return v1::ReasoningSettings::EFFORT_UNSPECIFIED;
}

std::string MadeUpCallId(std::string_view seed) {
  return absl::StrCat(ToAbsl(kMadeUpPrefix),
                      absl::StrFormat("%016x", Fnv1a(seed)));
}

bool IsMadeUpCallId(std::string_view id) {
  return id.size() == kMadeUpPrefix.size() + 16 &&
         id.starts_with(kMadeUpPrefix);
}

bool ReadAnyBase64(std::string_view text, std::string* bytes) {
  return ReadBase64(text, bytes) ||
         absl::WebSafeBase64Unescape(ToAbsl(text), bytes);
}

std::string SignatureOfWire(std::string_view signature) {
  std::string inside;
  std::string_view own;
  const bool is_foreign = ReadAnyBase64(signature, &inside) &&
                          IsNamedSignature(inside) && IsUtf8(inside) &&
                          !ReadNamedSignature(inside, kDialect, &own);
  if (!is_foreign) return NamedSignature(kDialect, signature);
  if (ReadNamedSignature(inside, kNameless, &own) && !IsNamedSignature(own)) {
    return std::string(own);
  }
  return inside;
}

std::string WireOfSignature(std::string_view signature) {
  std::string_view own;
  std::string bytes;
  if (ReadNamedSignature(signature, kDialect, &own)) {
    return ReadAnyBase64(own, &bytes) ? std::string(own) : std::string();
  }
  return Base64(IsNamedSignature(signature)
                    ? std::string(signature)
                    : NamedSignature(kNameless, signature));
}

bool IsJsonObject(std::string_view text) {
  const absl::string_view trimmed = absl::StripAsciiWhitespace(ToAbsl(text));
  return !trimmed.empty() && trimmed.front() == '{' &&
         CheckJson(ToStd(trimmed)).ok();
}

}  // namespace gateway::gemini
