#include "providers/dialects/openai_responses/vendor_names.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "providers/dialects/named_signature.h"
#include "providers/dialects/openai_chat/usage.h"
#include "providers/dialects/openai_responses/fields.h"
#include "providers/dialects/provider_cost.h"
#include "providers/dialects/token_count.h"

namespace gateway::responses {
namespace {

constexpr std::string_view kResponsePrefix = "resp_";
constexpr std::string_view kMadeMark = "_gw_";

constexpr std::string_view kInputDetails = "input_tokens_details";
constexpr std::string_view kOutputDetails = "output_tokens_details";

// Reads a count of the details called `of`. Sound and images are in both.
absl::Status ReadDetail(std::string_view of, std::string_view key,
                        JsonValue& value, v1::Usage* usage) {
  const bool is_input = of == kInputDetails;
  if (key == "cached_tokens") {
    GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadTokenCount(value));
    usage->set_cached_input_tokens(tokens);
  } else if (key == "cache_write_tokens") {
    GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadTokenCount(value));
    usage->set_cache_write_tokens(tokens);
  } else if (key == "reasoning_tokens") {
    GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadTokenCount(value));
    usage->set_reasoning_tokens(tokens);
  } else if (key == "audio_tokens") {
    GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadTokenCount(value));
    is_input ? usage->set_audio_input_tokens(tokens)
             : usage->set_audio_output_tokens(tokens);
  } else if (key == "image_tokens") {
    GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadTokenCount(value));
    is_input ? usage->set_image_input_tokens(tokens)
             : usage->set_image_output_tokens(tokens);
  }
  return absl::OkStatus();
}

// Writes how much of the input or output was sound and images, which most is
// not.
void WriteMedia(int64_t audio_tokens, int64_t image_tokens, JsonWriter& json) {
  if (audio_tokens > 0) json.Int64Field("audio_tokens", audio_tokens);
  if (image_tokens > 0) json.Int64Field("image_tokens", image_tokens);
}

}  // namespace

void Contents::Add(const v1::Part& part) {
  any = true;
  tool_calls |= part.has_tool_call();
  refusal |= part.has_refusal();
}

v1::FinishReason FinishReasonOf(std::string_view status,
                                std::string_view incomplete_reason,
                                const Contents& contents) {
  if (status == "queued" || status == "in_progress") {
    return v1::FINISH_REASON_UNSPECIFIED;
  }
  if (status == "failed" || status == "cancelled") {
    return v1::FINISH_REASON_ERROR;
  }
  if (incomplete_reason == "max_output_tokens") {
    return v1::FINISH_REASON_LENGTH;
  }
  if (incomplete_reason == "content_filter") {
    return v1::FINISH_REASON_CONTENT_FILTER;
  }
  if (contents.tool_calls) return v1::FINISH_REASON_TOOL_CALLS;
  if (contents.refusal) return v1::FINISH_REASON_CONTENT_FILTER;
  if (status == "completed" || contents.any) return v1::FINISH_REASON_STOP;
  return v1::FINISH_REASON_ERROR;
}

Ending EndingOf(v1::FinishReason reason, std::string_view provider_word,
                const Contents& contents) {
  switch (reason) {
    case v1::FINISH_REASON_LENGTH:
      return {.status = "incomplete", .incomplete_reason = "max_output_tokens"};
    case v1::FINISH_REASON_CONTENT_FILTER:
      // An answer in which the model refuses is complete.
      if (contents.refusal && provider_word != "content_filter") {
        return {.status = "completed", .incomplete_reason = {}};
      }
      return {.status = "incomplete", .incomplete_reason = "content_filter"};
    case v1::FINISH_REASON_ERROR:
      return {.status = "failed", .incomplete_reason = {}};
    case v1::FINISH_REASON_UNSPECIFIED:
      if (provider_word == "queued" || provider_word == "in_progress") {
        return {.status = provider_word, .incomplete_reason = {}};
      }
      break;
    default:
      break;
  }
  return {.status = "completed", .incomplete_reason = {}};
}

absl::Status ReadUsage(JsonValue& value, v1::Usage* usage) {
  usage->Clear();
  if (value.IsNull()) return absl::OkStatus();
  const absl::Status read = EachCount(
      value, [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "input_tokens") {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens,
                                   ReadTokenCount(field));
          usage->set_input_tokens(tokens);
        } else if (key == "output_tokens") {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens,
                                   ReadTokenCount(field));
          usage->set_output_tokens(tokens);
        } else if (key == "cost") {
          return ReadProviderCost(field, usage).status();
        } else if ((key == kInputDetails || key == kOutputDetails) &&
                   !field.IsNull()) {
          const std::string_view of =
              key == kInputDetails ? kInputDetails : kOutputDetails;
          return EachCount(field, [&](std::string_view name, JsonValue& count) {
            return ReadDetail(of, name, count, usage);
          });
        }
        return absl::OkStatus();
      });
  chat::BoundParts(usage);
  if (!read.ok()) usage->set_estimated(true);
  return read;
}

void WriteUsage(const v1::Usage& usage, JsonWriter& json) {
  json.StartObject();
  json.Int64Field("input_tokens", usage.input_tokens());
  json.StartObjectField(kInputDetails);
  json.Int64Field("cached_tokens", usage.cached_input_tokens());
  json.Int64Field("cache_write_tokens", usage.cache_write_tokens());
  WriteMedia(usage.audio_input_tokens(), usage.image_input_tokens(), json);
  json.EndObject();
  json.Int64Field("output_tokens", usage.output_tokens());
  json.StartObjectField(kOutputDetails);
  json.Int64Field("reasoning_tokens", usage.reasoning_tokens());
  WriteMedia(usage.audio_output_tokens(), usage.image_output_tokens(), json);
  json.EndObject();
  json.Int64Field("total_tokens", usage.input_tokens() + usage.output_tokens());
  json.EndObject();
}

std::string WireResponseId(std::string_view id) {
  if (id.starts_with(kResponsePrefix)) return std::string(id);
  return absl::StrCat(ToAbsl(kResponsePrefix), ToAbsl(id));
}

std::string MadeItemId(std::string_view kind, std::string_view response_id,
                       int index) {
  if (response_id.starts_with(kResponsePrefix)) {
    response_id.remove_prefix(kResponsePrefix.size());
  }
  return absl::StrCat(ToAbsl(kind), ToAbsl(kMadeMark), ToAbsl(response_id), "_",
                      index);
}

bool IsMadeItemId(std::string_view id) {
  for (const std::string_view kind : {"msg", "fc", "ctc", "rs", "ig"}) {
    if (id.starts_with(kind) && id.substr(kind.size()).starts_with(kMadeMark)) {
      return true;
    }
  }
  return false;
}

void ReadSignature(const ItemSignature& signature, v1::Reasoning* reasoning) {
  const std::string_view encrypted = signature.encrypted_content;
  if (encrypted.starts_with(kForeignSignature)) {
    reasoning->set_signature(
        std::string(encrypted.substr(kForeignSignature.size())));
    return;
  }
  if (encrypted.starts_with(kForeignData)) {
    reasoning->set_redacted_data(
        std::string(encrypted.substr(kForeignData.size())));
    return;
  }
  const bool known = !signature.id.empty() && !IsMadeItemId(signature.id);
  if (!known && encrypted.empty()) return;
  reasoning->set_signature(NamedSignature(
      kDialect,
      absl::StrCat(known ? signature.id : "", ":", ToAbsl(encrypted))));
}

bool OwnSignature(const v1::Reasoning& reasoning, ItemSignature* signature) {
  std::string_view own;
  if (!ReadNamedSignature(reasoning.signature(), kDialect, &own)) return false;
  const size_t colon = own.find(':');
  if (colon == std::string_view::npos) return false;
  signature->id = std::string(own.substr(0, colon));
  signature->encrypted_content = std::string(own.substr(colon + 1));
  return true;
}

std::string ClientSignature(const v1::Reasoning& reasoning,
                            std::string_view id) {
  if (!reasoning.redacted_data().empty()) {
    return absl::StrCat(ToAbsl(kForeignData), reasoning.redacted_data());
  }
  if (reasoning.signature().empty()) return {};
  ItemSignature signature;
  // The item's own id, since a provider that checks its signature checks that
  // id, too.
  if (OwnSignature(reasoning, &signature) &&
      (signature.id.empty() || signature.id == id)) {
    return signature.encrypted_content;
  }
  return absl::StrCat(ToAbsl(kForeignSignature), reasoning.signature());
}

}  // namespace gateway::responses
