#include "providers/dialects/openai_chat/chunk_reader.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/compact_json.h"
#include "providers/dialects/data_url.h"
#include "providers/dialects/object_fields.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/logprobs.h"
#include "providers/dialects/openai_chat/part_reader.h"
#include "providers/dialects/openai_chat/usage.h"
#include "providers/dialects/service_tier.h"

namespace gateway::chat {
namespace {

using wire::ReadText;

// KeepField, of a chunk: for each, what its stream has begun with is gone
// through.
absl::Status KeepOneOfFew(std::string_view name, JsonValue& value,
                          ExtensionList* extensions) {
  if (extensions->size() == static_cast<int>(wire::kObjectFieldsLimit)) {
    return value.Error("too many fields");
  }
  return KeepField(name, value, extensions);
}

absl::Status ReadContent(JsonValue& value, ChoiceFragment* choice) {
  if (value.IsNull()) return absl::OkStatus();
  if (value.IsArray()) {
    return value.EachElement([&](JsonValue& part) {
      return ReadPart(part, &choice->content_parts.emplace_back());
    });
  }
  GATEWAY_ASSIGN_OR_RETURN(const JsonString content, value.StringAndRaw());
  choice->content = content.text;
  choice->raw_content = content.raw;
  return absl::OkStatus();
}

absl::Status ReadCallFragment(JsonValue& value, std::string_view arguments_key,
                              CallFragment* call) {
  if (value.IsNull()) return absl::OkStatus();
  return value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "name") return ReadText(field, &call->name);
        if (key != arguments_key) return absl::OkStatus();
        if (!field.IsObject()) return ReadText(field, &call->arguments);
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, field.Raw());
        call->arguments = CompactJson(raw);
        return absl::OkStatus();
      });
}

absl::Status ReadCall(JsonValue& value, CallFragment* call) {
  return value.EachField([&](std::string_view key,
                             JsonValue& field) -> absl::Status {
    if (key == "index" && !field.IsNull()) {
      GATEWAY_ASSIGN_OR_RETURN(call->index, field.Int32(0, kToolCallIndexMax));
    } else if (key == "id") {
      return ReadText(field, &call->id);
    } else if (key == "function") {
      call->kind = v1::TOOL_KIND_FUNCTION;
      return ReadCallFragment(field, "arguments", call);
    } else if (key == "custom") {
      call->kind = v1::TOOL_KIND_CUSTOM;
      return ReadCallFragment(field, "input", call);
    }
    return absl::OkStatus();
  });
}

absl::Status ReadAudioFragment(JsonValue& value, v1::Audio* audio) {
  return value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "id") return ReadText(field, audio->mutable_id());
        if (key == "transcript") {
          return ReadText(field, audio->mutable_transcript());
        }
        if (key == "expires_at" && !field.IsNull()) {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t seconds, field.Int64());
          audio->set_expires_at_seconds(seconds);
        } else if (key == "data" && !field.IsNull()) {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, field.String());
          if (!ReadBase64(text, audio->mutable_data())) {
            return field.Error("expected base64");
          }
        }
        return absl::OkStatus();
      });
}

absl::Status ReadDeltaField(std::string_view key, JsonValue& value,
                            ChoiceFragment* choice) {
  if (key == "role") return absl::OkStatus();
  if (key == "content") return ReadContent(value, choice);
  if (key == "refusal") return ReadText(value, &choice->refusal);
  if ((key == "reasoning_content" || key == "reasoning") &&
      (value.IsString() || value.IsNull())) {
    return ReadText(value, &choice->reasoning);
  }
  if (value.IsNull()) return absl::OkStatus();
  if (key == "tool_calls") {
    return value.EachElement([&](JsonValue& call) {
      return ReadCall(call, &choice->calls.emplace_back());
    });
  }
  if (key == "function_call") {
    CallFragment& call = choice->calls.emplace_back();
    call = {.index = 0, .kind = v1::TOOL_KIND_FUNCTION};
    // An id is made up: the old form has none, and the answer to the call must
    // have one.
    call.id = absl::StrCat("call_legacy_", choice->index + 1);
    return ReadCallFragment(value, "arguments", &call);
  }
  if (key == "audio") return ReadAudioFragment(value, &choice->audio.emplace());
  if (key == "images" && value.IsArray()) {
    return value.EachElement([&](JsonValue& part) {
      return ReadPart(part, &choice->content_parts.emplace_back());
    });
  }
  return KeepOneOfFew(absl::StrCat("delta.", ToAbsl(key)), value,
                      &choice->extensions);
}

absl::Status ReadChunkUsage(JsonValue& value, ChatChunk* chunk) {
  chunk->has_usage = true;
  Leftovers others;
  chunk->usage_fault = ReadUsage(value, &chunk->usage, &others);
  others.AddTo("usage", &chunk->extensions);
  return absl::OkStatus();
}

absl::Status ReadChoiceFragment(JsonValue& value, ChoiceFragment* choice,
                                ChatChunk* chunk) {
  return value.EachField([&](std::string_view key,
                             JsonValue& field) -> absl::Status {
    if (key == "index") {
      GATEWAY_ASSIGN_OR_RETURN(choice->index, field.Int32(0, kChoiceIndexMax));
      return absl::OkStatus();
    }
    if (key == "finish_reason") {
      GATEWAY_RETURN_IF_ERROR(ReadText(field, &choice->finish_reason));
      choice->blank_reason = field.IsString() && choice->finish_reason.empty();
      return absl::OkStatus();
    }
    if (field.IsNull()) return absl::OkStatus();
    if (key == "delta") {
      return field.EachField([&](std::string_view name, JsonValue& piece) {
        return ReadDeltaField(name, piece, choice);
      });
    }
    if (key == "logprobs") {
      return ReadLogprobs(field, &choice->logprobs.emplace());
    }
    if (key == "error") {
      chunk->failed = true;
      return absl::OkStatus();
    }
    // Moonshot has it there.
    if (key == "usage" && field.IsObject() && !chunk->has_usage) {
      return ReadChunkUsage(field, chunk);
    }
    return KeepOneOfFew(key, field, &choice->extensions);
  });
}

// Returns whether the field is one that every chunk repeats, and that is read
// of the first only.
bool IsPreface(std::string_view key) {
  return key == "id" || key == "model" || key == "created" ||
         key == "system_fingerprint";
}

absl::Status ReadPreface(std::string_view key, JsonValue& value,
                         ChatChunk* chunk) {
  if (key == "id") return ReadText(value, &chunk->id);
  if (key == "model") return ReadText(value, &chunk->model);
  if (key == "system_fingerprint") {
    return ReadText(value, &chunk->system_fingerprint);
  }
  GATEWAY_ASSIGN_OR_RETURN(chunk->created_seconds, value.Int64());
  if (chunk->created_seconds < 0 ||
      chunk->created_seconds > kTimestampSecondsMax) {
    return value.Error("not a plausible time");
  }
  return absl::OkStatus();
}

absl::Status ReadChunkField(std::string_view key, JsonValue& value,
                            ChatChunk* chunk) {
  if (value.IsNull() || key == "object" || key == "obfuscation") {
    return absl::OkStatus();
  }
  if (key == "choices") {
    return value.EachElement([&](JsonValue& choice) {
      return ReadChoiceFragment(choice, &chunk->choices.emplace_back(), chunk);
    });
  }
  if (key == "usage") return ReadChunkUsage(value, chunk);
  if (key == "error") {
    // `false` and the like mean that there is none.
    chunk->failed = chunk->failed || value.IsObject() || value.IsString();
    return absl::OkStatus();
  }
  return KeepOneOfFew(key, value, &chunk->extensions);
}

// Returns the text of the chunk's choice as it stands; `begin` is where the
// reader has the first token of `data`.
std::string_view RawTextOf(const ChatChunk& chunk, std::string_view data,
                           const char* begin) {
  if (chunk.choices.size() != 1) return {};
  const std::string_view raw = chunk.choices[0].raw_content;
  if (raw.empty()) return {};
  const size_t first = data.find_first_not_of(" \t\r\n");
  return data.substr(first + (raw.data() - begin) + 1, raw.size() - 2);
}

}  // namespace

absl::Status ReadChatChunk(std::string_view data, bool with_preface,
                           ChatChunk* chunk) {
  return ReadJson(data, [&](JsonValue& root) -> absl::Status {
    const char* const begin = root.begin();
    GATEWAY_RETURN_IF_ERROR(
        root.EachField([&](std::string_view key, JsonValue& value) {
          if (key == "service_tier") {
            return ReadServiceTier(value, &chunk->service_tier);
          }
          if (!IsPreface(key)) return ReadChunkField(key, value, chunk);
          if (!with_preface || value.IsNull()) return absl::OkStatus();
          return ReadPreface(key, value, chunk);
        }));
    chunk->raw_text = RawTextOf(*chunk, data, begin);
    return absl::OkStatus();
  });
}

}  // namespace gateway::chat
