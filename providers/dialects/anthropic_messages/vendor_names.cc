#include "providers/dialects/anthropic_messages/vendor_names.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "providers/dialects/service_tier.h"
#include "providers/dialects/token_count.h"
#include "providers/dialects/vendor_name.h"

namespace gateway::anthropic {
namespace {

constexpr int64_t kShortTtlSeconds = 5 * 60;
constexpr int64_t kLongTtlSeconds = 60 * 60;

// Stop reasons. Of several with one meaning, the first is written.
constexpr wire::VendorName<v1::FinishReason> kStopNames[] = {
    {"end_turn", v1::FINISH_REASON_STOP},
    {"stop_sequence", v1::FINISH_REASON_STOP},
    {"max_tokens", v1::FINISH_REASON_LENGTH},
    {"model_context_window_exceeded", v1::FINISH_REASON_LENGTH},
    {"tool_use", v1::FINISH_REASON_TOOL_CALLS},
    {"refusal", v1::FINISH_REASON_CONTENT_FILTER},
    {"pause_turn", v1::FINISH_REASON_PAUSE},
};

constexpr wire::VendorName<v1::ReasoningSettings::Effort> kEffortNames[] = {
    {"low", v1::ReasoningSettings::EFFORT_LOW},
    {"medium", v1::ReasoningSettings::EFFORT_MEDIUM},
    {"high", v1::ReasoningSettings::EFFORT_HIGH},
    {"xhigh", v1::ReasoningSettings::EFFORT_XHIGH},
    {"max", v1::ReasoningSettings::EFFORT_MAX},
};

absl::Status ReadCount(JsonValue& value, int64_t* count) {
  if (value.IsNull()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(*count, ReadTokenCount(value));
  return absl::OkStatus();
}

// Returns the tier's name here: the contract has OpenAI's names. Those that
// Anthropic has none for are left out; its own that OpenAI lacks are the same
// on both sides.
std::string_view TierWord(std::string_view tier) {
  if (tier == "default") return "standard";
  for (const std::string_view known : {"standard", "priority", "batch"}) {
    if (tier == known) return tier;
  }
  return "";
}

}  // namespace

v1::FinishReason FinishReasonOfWord(std::string_view stop_reason) {
  return wire::ValueOf(kStopNames, stop_reason);
}

v1::FinishReason FinishReasonOfTurn(std::string_view stop_reason,
                                    bool has_tool_call, bool has_content) {
  return wire::FinishReasonOfTurn(FinishReasonOfWord(stop_reason),
                                  has_tool_call, has_content);
}

std::string_view StopReasonWord(v1::FinishReason reason,
                                std::string_view provider_word,
                                std::string_view stop_sequence) {
  if (reason != v1::FINISH_REASON_UNSPECIFIED &&
      FinishReasonOfWord(provider_word) == reason) {
    return provider_word;
  }
  if (reason == v1::FINISH_REASON_STOP && !stop_sequence.empty()) {
    return "stop_sequence";
  }
  const std::string_view word = wire::NameOf(kStopNames, reason);
  return word.empty() ? "end_turn" : word;
}

v1::ReasoningSettings::Effort EffortOfWord(std::string_view word) {
  return wire::ValueOf(kEffortNames, word);
}

std::string_view WordOfEffort(v1::ReasoningSettings::Effort effort) {
  if (effort == v1::ReasoningSettings::EFFORT_MINIMAL) return "low";
  return wire::NameOf(kEffortNames, effort);
}

absl::Status WireUsage::Read(JsonValue& value, ExtensionList* extensions) {
  told_output_ = false;
  if (value.IsNull()) return absl::OkStatus();
  told_input_ = false;
  const Input before = input_;
  absl::Status read =
      EachCount(value, [&](std::string_view key, JsonValue& field) {
        return ReadField(key, field, extensions);
      });
  if (!read.ok()) is_broken_ = true;
  if (!told_input_) input_ = before;
  told_output_ = told_output_ || output_tokens_ == 0;
  NameTier();
  return read;
}

void WireUsage::NameTier() {
  if (has_advisor_) {
    billed_tier_ = "advisor";
    return;
  }
  billed_tier_ = service_tier_;
  const auto add = [this](std::string_view name) {
    if (billed_tier_.empty() || billed_tier_ == "default") {
      billed_tier_ = name;
    } else {
      absl::StrAppend(&billed_tier_, "_", ToAbsl(name));
    }
  };
  if (is_fast_) add("fast_mode");
  if (is_kept_in_us_) add("us_inference");
}

absl::Status WireUsage::ReadField(std::string_view key, JsonValue& value,
                                  ExtensionList* extensions) {
  if (key == "input_tokens") return ReadInput(value, &Input::fresh);
  if (key == "output_tokens") {
    const bool is_null = value.IsNull();
    int64_t told = 0;
    const absl::Status read = ReadCount(value, &told);
    // A placeholder that came before is the least that it is.
    told_output_ = read.ok() && !is_null && (told > 0 || output_tokens_ == 0);
    if (told > 0) output_tokens_ = told;
    return read;
  }
  if (key == "cache_creation_input_tokens") {
    return ReadInput(value, &Input::cache_creation);
  }
  if (key == "cache_read_input_tokens") {
    return ReadInput(value, &Input::cache_read);
  }
  if (value.IsNull()) return absl::OkStatus();
  if (key == "cache_creation") return ReadCacheCreation(value);
  if (key == "output_tokens_details") {
    return EachCount(value, [&](std::string_view name, JsonValue& count) {
      if (name != "thinking_tokens") return absl::OkStatus();
      return ReadCount(count, &thinking_tokens_);
    });
  }
  if (key == "service_tier") {
    const absl::Status read = ReadServiceTier(value, &service_tier_);
    if (service_tier_ == "standard") service_tier_ = "default";
    return read;
  }
  const bool is_read =
      key == "speed" || key == "inference_geo" || key == "iterations";
  if (extensions == nullptr && !is_read) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, value.Raw());
  if (extensions != nullptr) {
    AddExtension(extensions, absl::StrCat("usage.", ToAbsl(key)), json);
  }
  return is_read ? ReadBeside(key, json) : absl::OkStatus();
}

absl::Status WireUsage::ReadBeside(std::string_view key,
                                   std::string_view json) {
  if (key == "iterations") return ReadIterations(json);
  if (key == "speed") is_fast_ = json == "\"fast\"";
  if (key == "inference_geo") is_kept_in_us_ = json == "\"us\"";
  return absl::OkStatus();
}

absl::Status WireUsage::ReadIterations(std::string_view json) {
  compacted_input_ = Input();
  compacted_output_tokens_ = 0;
  has_advisor_ = false;
  return ReadNested(json, "usage.iterations", [&](JsonValue& list) {
    return list.EachElement([&](JsonValue& element) -> absl::Status {
      WireUsage iteration;
      std::string type;
      GATEWAY_RETURN_IF_ERROR(element.EachField(
          [&](std::string_view key, JsonValue& value) -> absl::Status {
            if (key == "type") return ReadText(value, &type);
            if (key == "iterations") return absl::OkStatus();
            return iteration.ReadField(key, value, nullptr);
          }));
      if (type == "compaction") {
        compacted_input_.Add(iteration.input_);
        compacted_output_tokens_ += iteration.output_tokens_;
      }
      has_advisor_ = has_advisor_ || type == "advisor_message";
      return absl::OkStatus();
    });
  });
}

void WireUsage::Input::Add(const Input& more) {
  fresh += more.fresh;
  cache_creation += more.cache_creation;
  cache_read += more.cache_read;
  cache_creation_1h += more.cache_creation_1h;
}

// Reads the split of cache writes by lifetime. What is not kept for an hour is
// the rest of the sum.
absl::Status WireUsage::ReadCacheCreation(JsonValue& value) {
  return value.EachField([&](std::string_view key, JsonValue& count) {
    if (key != "ephemeral_1h_input_tokens") return absl::OkStatus();
    return ReadCount(count, &input_.cache_creation_1h);
  });
}

absl::Status WireUsage::ReadInput(JsonValue& value, int64_t Input::* part) {
  int64_t count = input_.*part;
  const bool is_null = value.IsNull();
  GATEWAY_RETURN_IF_ERROR(ReadCount(value, &count));
  input_.*part = count;
  told_input_ = told_input_ || (!is_null && count > 0);
  return absl::OkStatus();
}

v1::Usage WireUsage::ToUsage() const {
  Input input = input_;
  input.Add(compacted_input_);
  v1::Usage usage;
  usage.set_input_tokens(input.fresh + input.cache_creation + input.cache_read);
  usage.set_output_tokens(output_tokens_ + compacted_output_tokens_);
  usage.set_cached_input_tokens(input.cache_read);
  usage.set_cache_write_tokens(input.cache_creation);
  usage.set_cache_write_1h_tokens(
      std::min(input.cache_creation_1h, input.cache_creation));
  usage.set_reasoning_tokens(thinking_tokens_);
  if (is_broken_) usage.set_estimated(true);
  return usage;
}

absl::Status WriteUsage(const v1::Usage& usage, std::string_view service_tier,
                        const ExtensionList& extensions, JsonWriter& json) {
  const int64_t cached =
      usage.cached_input_tokens() + usage.cache_write_tokens();
  const int64_t written_5m =
      usage.cache_write_tokens() - usage.cache_write_1h_tokens();
  ObjectWriter object(kFormat, json);
  object.Int64("input_tokens",
               std::max<int64_t>(0, usage.input_tokens() - cached));
  object.Int64("cache_creation_input_tokens", usage.cache_write_tokens());
  object.Int64("cache_read_input_tokens", usage.cached_input_tokens());
  ObjectWriter creation(kFormat, object.Field("cache_creation"));
  creation.Int64("ephemeral_5m_input_tokens", std::max<int64_t>(0, written_5m));
  creation.Int64("ephemeral_1h_input_tokens", usage.cache_write_1h_tokens());
  creation.End();
  object.Int64("output_tokens", usage.output_tokens());
  if (usage.reasoning_tokens() > 0) {
    ObjectWriter details(kFormat, object.Field("output_tokens_details"));
    details.Int64("thinking_tokens", usage.reasoning_tokens());
    details.End();
  }
  const std::string_view tier = TierWord(service_tier);
  if (tier.empty()) {
    object.Null("service_tier");
  } else {
    object.Text("service_tier", tier);
  }
  GATEWAY_RETURN_IF_ERROR(object.Extensions(extensions, "", "usage"));
  if (!object.Has("server_tool_use")) object.Null("server_tool_use");
  if (!object.Has("inference_geo")) object.Null("inference_geo");
  object.End();
  return absl::OkStatus();
}

absl::Status ReadCacheControl(ObjectFields& fields,
                              std::optional<v1::CacheHint>* hint,
                              ExtensionList* extensions) {
  const ObjectFields::Either control = fields.TextOrJson("cache_control");
  if (!control.json.has_value()) return absl::OkStatus();
  return ReadCacheControlJson(*control.json, fields.PathOf("cache_control"),
                              hint, extensions);
}

absl::Status ReadCacheControlJson(std::string_view json, std::string_view path,
                                  std::optional<v1::CacheHint>* hint,
                                  ExtensionList* extensions) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::ReadRaw(kFormat, json, path));
  std::string type;
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("type", &type));
  const std::string ttl = fields.Json("ttl");
  const bool expressible = type == "ephemeral" && fields.AllTaken() &&
                           (ttl.empty() || ttl == "\"5m\"" || ttl == "\"1h\"");
  if (!expressible) {
    AddExtension(extensions, "cache_control", json);
    return absl::OkStatus();
  }
  hint->emplace();
  if (!ttl.empty()) {
    (*hint)->mutable_ttl()->set_seconds(ttl == "\"1h\"" ? kLongTtlSeconds
                                                        : kShortTtlSeconds);
  }
  return absl::OkStatus();
}

void WriteCacheControl(const v1::CacheHint& hint, std::string_view place,
                       ObjectWriter& object, DroppedFields& dropped) {
  ObjectWriter control(kFormat, object.Field("cache_control"));
  control.Text("type", "ephemeral");
  if (hint.has_ttl()) {
    const int64_t seconds = hint.ttl().seconds();
    const bool is_short = seconds <= kShortTtlSeconds;
    control.Text("ttl", is_short ? "5m" : "1h");
    if (seconds != kShortTtlSeconds && seconds != kLongTtlSeconds) {
      dropped.Changed(absl::StrCat(ToAbsl(place), ".cache_hint.ttl"),
                      is_short ? "became five minutes" : "became one hour");
    }
  }
  control.End();
}

}  // namespace gateway::anthropic
