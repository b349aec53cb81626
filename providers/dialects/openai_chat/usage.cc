#include "providers/dialects/openai_chat/usage.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/provider_cost.h"
#include "providers/dialects/token_count.h"

namespace gateway::chat {
namespace {

absl::Status ReadPromptDetails(JsonValue& details, v1::Usage* usage) {
  if (details.IsNull()) return absl::OkStatus();
  return EachCount(
      details, [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (key == "cached_tokens") {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadTokenCount(value));
          usage->set_cached_input_tokens(tokens);
        } else if (key == "cache_write_tokens") {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadTokenCount(value));
          usage->set_cache_write_tokens(tokens);
        } else if (key == "audio_tokens") {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadTokenCount(value));
          usage->set_audio_input_tokens(tokens);
        } else if (key == "image_tokens") {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadTokenCount(value));
          usage->set_image_input_tokens(tokens);
        }
        return absl::OkStatus();
      });
}

absl::Status ReadCompletionDetails(JsonValue& details, v1::Usage* usage) {
  if (details.IsNull()) return absl::OkStatus();
  return EachCount(
      details, [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (key == "reasoning_tokens") {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadTokenCount(value));
          usage->set_reasoning_tokens(tokens);
        } else if (key == "audio_tokens") {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadTokenCount(value));
          usage->set_audio_output_tokens(tokens);
        } else if (key == "image_tokens") {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadTokenCount(value));
          usage->set_image_output_tokens(tokens);
        } else if (key == "accepted_prediction_tokens") {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadTokenCount(value));
          usage->set_accepted_prediction_tokens(tokens);
        } else if (key == "rejected_prediction_tokens") {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadTokenCount(value));
          usage->set_rejected_prediction_tokens(tokens);
        }
        return absl::OkStatus();
      });
}

// xAI counts reasoning beside the completion, which only the total tells, and
// Gemini, asked in this format, does not even say that the rest is reasoning. A
// total beside what was read from a cache may count that twice.
void AddUntold(int64_t total_tokens, v1::Usage* usage) {
  const int64_t untold =
      total_tokens - usage->input_tokens() - usage->output_tokens();
  const int64_t reasoning = usage->reasoning_tokens();
  const bool is_reasoning =
      reasoning > 0 ? reasoning == untold
                    : untold > 0 && usage->input_tokens() > 0 &&
                          usage->output_tokens() > 0 &&
                          usage->cached_input_tokens() == 0;
  if (!is_reasoning) return;
  usage->set_reasoning_tokens(untold);
  usage->set_output_tokens(usage->output_tokens() + untold);
}

}  // namespace

// Bounded, since prices are of the parts: together they must not exceed the
// whole.
void BoundParts(v1::Usage* usage) {
  usage->set_cached_input_tokens(
      std::min(usage->cached_input_tokens(), usage->input_tokens()));
  usage->set_cache_write_tokens(
      std::min(usage->cache_write_tokens(),
               usage->input_tokens() - usage->cached_input_tokens()));
}

absl::Status ReadUsage(JsonValue& value, v1::Usage* usage, Leftovers* others) {
  usage->Clear();
  // DeepSeek's and Moonshot's own names for cached tokens, beside or in place
  // of the details.
  int64_t cache_hit_tokens = 0;
  int64_t total_tokens = 0;
  const absl::Status read = EachCount(
      value, [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "prompt_tokens") {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadTokenCount(field));
          usage->set_input_tokens(tokens);
        } else if (key == "completion_tokens") {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadTokenCount(field));
          usage->set_output_tokens(tokens);
        } else if (key == "total_tokens") {
          GATEWAY_ASSIGN_OR_RETURN(total_tokens, ReadTokenCount(field));
        } else if (key == "prompt_tokens_details") {
          return ReadPromptDetails(field, usage);
        } else if (key == "completion_tokens_details") {
          return ReadCompletionDetails(field, usage);
        } else if (key == "prompt_cache_hit_tokens" ||
                   key == "cached_tokens") {
          GATEWAY_ASSIGN_OR_RETURN(cache_hit_tokens, ReadTokenCount(field));
        } else if (key == "cost") {
          // No dialect but this one has it: its callers get it as it came.
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view cost,
                                   ReadProviderCost(field, usage));
          if (others != nullptr && cost != "null") others->KeepText(key, cost);
        } else if (others != nullptr && !field.IsNull()) {
          return others->Keep(key, field);
        }
        return absl::OkStatus();
      });
  usage->set_cached_input_tokens(
      std::max(usage->cached_input_tokens(), cache_hit_tokens));
  AddUntold(total_tokens, usage);
  BoundParts(usage);
  if (!read.ok()) usage->set_estimated(true);
  return read;
}

namespace {

constexpr std::string_view kCounts[] = {"prompt_tokens", "completion_tokens",
                                        "total_tokens", "prompt_tokens_details",
                                        "completion_tokens_details"};

void WriteCounts(const v1::Usage& usage, JsonWriter& json) {
  json.Int64Field("prompt_tokens", usage.input_tokens());
  json.Int64Field("completion_tokens", usage.output_tokens());
  json.Int64Field("total_tokens", usage.input_tokens() + usage.output_tokens());
  json.StartObjectField("prompt_tokens_details");
  json.Int64Field("cached_tokens", usage.cached_input_tokens());
  if (usage.cache_write_tokens() > 0) {
    json.Int64Field("cache_write_tokens", usage.cache_write_tokens());
  }
  json.Int64Field("audio_tokens", usage.audio_input_tokens());
  if (usage.image_input_tokens() > 0) {
    json.Int64Field("image_tokens", usage.image_input_tokens());
  }
  json.EndObject();
  json.StartObjectField("completion_tokens_details");
  json.Int64Field("reasoning_tokens", usage.reasoning_tokens());
  json.Int64Field("audio_tokens", usage.audio_output_tokens());
  if (usage.image_output_tokens() > 0) {
    json.Int64Field("image_tokens", usage.image_output_tokens());
  }
  json.Int64Field("accepted_prediction_tokens",
                  usage.accepted_prediction_tokens());
  json.Int64Field("rejected_prediction_tokens",
                  usage.rejected_prediction_tokens());
  json.EndObject();
}

}  // namespace

void WriteUsage(const v1::Usage& usage, JsonWriter& json) {
  json.StartObject();
  WriteCounts(usage, json);
  json.EndObject();
}

absl::Status WriteUsage(const v1::Usage& usage, const ExtensionList& extensions,
                        JsonWriter& json) {
  json.StartObject();
  WriteCounts(usage, json);
  GATEWAY_RETURN_IF_ERROR(MergeLeftovers(extensions, "usage", kCounts, json));
  json.EndObject();
  return absl::OkStatus();
}

}  // namespace gateway::chat
