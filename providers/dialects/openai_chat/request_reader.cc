#include "providers/dialects/openai_chat/request_reader.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/object_fields.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/message_reader.h"
#include "providers/dialects/openai_chat/tools.h"
#include "providers/dialects/openai_chat/vendor_names.h"

namespace gateway::chat {
namespace {

constexpr int32_t kInt32Max = std::numeric_limits<int32_t>::max();

// The contract's own bounds; what the model can do is checked by the provider.
constexpr int32_t kTopLogprobsMax = 20;
constexpr size_t kFieldsMax = 256;

// The most messages that are read; the configuration's limit is checked before,
// and lower by default.
constexpr int kMessagesLimit = 100'000;

class RequestReader {
 public:
  RequestReader(v1::GenerateRequest* request, bool* stream, bool* stream_usage)
      : request_(*request), stream_(*stream), stream_usage_(*stream_usage) {}

  absl::Status Read(JsonValue& root) {
    GATEWAY_RETURN_IF_ERROR(
        root.EachField([this](std::string_view key, JsonValue& value) {
          return ReadField(key, value);
        }));
    if (request_.messages().empty()) {
      return root.Error("messages must have at least one entry");
    }
    if (max_completion_tokens_.has_value()) {
      request_.set_max_output_tokens(*max_completion_tokens_);
    } else if (max_tokens_.has_value()) {
      request_.set_max_output_tokens(*max_tokens_);
    }
    if (!user_.empty() && request_.scope().user_id().empty()) {
      request_.mutable_scope()->set_user_id(user_);
    } else if (!user_.empty()) {
      AddExtension(request_.mutable_extensions(), "user", wire::Quoted(user_));
    }
    return absl::OkStatus();
  }

 private:
  using Handler = absl::Status (RequestReader::*)(JsonValue& value);

  absl::Status ReadField(std::string_view key, JsonValue& value) {
    if (std::find(seen_.begin(), seen_.end(), key) != seen_.end()) {
      return value.Error("given twice");
    }
    if (seen_.size() == kFieldsMax) return value.Error("too many fields");
    seen_.emplace_back(key);
    const Handler handler = HandlerOf(key);
    if (handler == nullptr) {
      return KeepField(key, value, request_.mutable_extensions());
    }
    if (value.IsNull()) return value.Null();
    return (this->*handler)(value);
  }

  static Handler HandlerOf(std::string_view key) {
    struct Entry {
      std::string_view key;
      Handler handler;
    };
    using Self = RequestReader;
    static constexpr Entry kHandlers[] = {
        {"audio", &Self::ReadAudio},
        {"frequency_penalty", &Self::ReadFrequencyPenalty},
        {"function_call", &Self::ReadFunctionCall},
        {"functions", &Self::ReadFunctions},
        {"logit_bias", &Self::ReadLogitBias},
        {"logprobs", &Self::ReadLogprobs},
        {"max_completion_tokens", &Self::ReadMaxCompletionTokens},
        {"max_tokens", &Self::ReadMaxTokens},
        {"messages", &Self::ReadMessages},
        {"metadata", &Self::ReadMetadata},
        {"modalities", &Self::ReadModalities},
        {"model", &Self::ReadModel},
        {"n", &Self::ReadChoiceCount},
        {"parallel_tool_calls", &Self::ReadParallelToolCalls},
        {"presence_penalty", &Self::ReadPresencePenalty},
        {"prompt_cache_key", &Self::ReadPromptCacheKey},
        {"reasoning_effort", &Self::ReadReasoningEffort},
        {"response_format", &Self::ReadResponseFormat},
        {"safety_identifier", &Self::ReadSafetyIdentifier},
        {"seed", &Self::ReadSeed},
        {"service_tier", &Self::ReadServiceTier},
        {"stop", &Self::ReadStop},
        {"store", &Self::ReadStore},
        {"stream", &Self::ReadStream},
        {"stream_options", &Self::ReadStreamOptions},
        {"temperature", &Self::ReadTemperature},
        {"tool_choice", &Self::ReadToolChoice},
        {"tools", &Self::ReadTools},
        {"top_logprobs", &Self::ReadTopLogprobs},
        {"top_p", &Self::ReadTopP},
        {"user", &Self::ReadUser},
        {"verbosity", &Self::ReadVerbosity},
    };
    for (const Entry& entry : kHandlers) {
      if (entry.key == key) return entry.handler;
    }
    return nullptr;
  }

  static absl::Status ReadText(JsonValue& value, std::string* text) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view read, value.String());
    text->assign(read);
    return absl::OkStatus();
  }

  v1::Sampling& sampling() { return *request_.mutable_sampling(); }

  absl::Status ReadModel(JsonValue& value) {
    return ReadText(value, request_.mutable_model());
  }

  absl::Status ReadMessages(JsonValue& value) {
    return value.EachElement([this](JsonValue& message) -> absl::Status {
      if (request_.messages_size() >= kMessagesLimit) {
        return message.Error("too many messages");
      }
      v1::Message* const read = request_.add_messages();
      GATEWAY_RETURN_IF_ERROR(ReadMessage(message, &legacy_, read));
      parts_ += read->parts_size();
      if (parts_ > wire::kPartsLimit) return message.Error("too many parts");
      return absl::OkStatus();
    });
  }

  absl::Status ReadStream(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(stream_, value.Bool());
    return absl::OkStatus();
  }

  absl::Status ReadStreamOptions(JsonValue& value) {
    Leftovers leftovers;
    GATEWAY_RETURN_IF_ERROR(value.EachField(
        [&](std::string_view key, JsonValue& field) -> absl::Status {
          if (key != "include_usage") return leftovers.Keep(key, field);
          if (field.IsNull()) return absl::OkStatus();
          GATEWAY_ASSIGN_OR_RETURN(stream_usage_, field.Bool());
          return absl::OkStatus();
        }));
    leftovers.AddTo("stream_options", request_.mutable_extensions());
    return absl::OkStatus();
  }

  absl::Status ReadMaxTokens(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(max_tokens_, value.Int32(0, kInt32Max));
    return absl::OkStatus();
  }

  absl::Status ReadMaxCompletionTokens(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(max_completion_tokens_, value.Int32(0, kInt32Max));
    return absl::OkStatus();
  }

  absl::Status ReadTemperature(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(const double number, value.Double());
    sampling().set_temperature(number);
    return absl::OkStatus();
  }

  absl::Status ReadTopP(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(const double number, value.Double());
    sampling().set_top_p(number);
    return absl::OkStatus();
  }

  absl::Status ReadFrequencyPenalty(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(const double number, value.Double());
    sampling().set_frequency_penalty(number);
    return absl::OkStatus();
  }

  absl::Status ReadPresencePenalty(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(const double number, value.Double());
    sampling().set_presence_penalty(number);
    return absl::OkStatus();
  }

  absl::Status ReadSeed(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(const int64_t seed, value.Int64());
    sampling().set_seed(seed);
    return absl::OkStatus();
  }

  absl::Status ReadStop(JsonValue& value) {
    if (value.IsString()) return ReadText(value, sampling().add_stop());
    if (!value.IsArray()) return value.Error("expected a string or an array");
    return value.EachElement([this](JsonValue& stop) {
      return ReadText(stop, sampling().add_stop());
    });
  }

  absl::Status ReadLogitBias(JsonValue& value) {
    return value.EachField(
        [this](std::string_view token, JsonValue& bias) -> absl::Status {
          GATEWAY_ASSIGN_OR_RETURN(const double number, bias.Double());
          (*sampling().mutable_logit_bias())[std::string(token)] = number;
          return absl::OkStatus();
        });
  }

  absl::Status ReadLogprobs(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(const bool wanted, value.Bool());
    sampling().set_logprobs(wanted);
    return absl::OkStatus();
  }

  absl::Status ReadTopLogprobs(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(const int32_t count,
                             value.Int32(0, kTopLogprobsMax));
    sampling().set_top_logprobs(count);
    return absl::OkStatus();
  }

  absl::Status ReadChoiceCount(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(const int32_t count, value.Int32(1, kChoicesMax));
    sampling().set_choice_count(count);
    return absl::OkStatus();
  }

  absl::Status ReadTools(JsonValue& value) {
    return value.EachElement([this](JsonValue& tool) {
      return ReadTool(tool, request_.add_tools());
    });
  }

  absl::Status ReadFunctions(JsonValue& value) {
    return value.EachElement([this](JsonValue& function) {
      return ReadLegacyFunction(function, request_.add_tools());
    });
  }

  absl::Status ReadToolChoice(JsonValue& value) {
    request_.clear_tool_choice();
    return chat::ReadToolChoice(value, &request_);
  }

  absl::Status ReadFunctionCall(JsonValue& value) {
    // Skipped if there is a `tool_choice`, which counts more.
    if (request_.has_tool_choice()) return absl::OkStatus();
    return chat::ReadToolChoice(value, &request_);
  }

  absl::Status ReadParallelToolCalls(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(const bool parallel, value.Bool());
    request_.set_parallel_tool_calls(parallel);
    return absl::OkStatus();
  }

  absl::Status ReadResponseFormat(JsonValue& value) {
    return chat::ReadResponseFormat(value, &request_);
  }

  absl::Status ReadReasoningEffort(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view word, value.String());
    const v1::ReasoningSettings::Effort effort = ReadEffort(word);
    if (effort != v1::ReasoningSettings::EFFORT_UNSPECIFIED) {
      request_.mutable_reasoning()->set_effort(effort);
      return absl::OkStatus();
    }
    // An effort that is newer than this code is kept as an extension.
    AddExtension(request_.mutable_extensions(), "reasoning_effort",
                 wire::Quoted(word));
    return absl::OkStatus();
  }

  absl::Status ReadVerbosity(JsonValue& value) {
    return ReadText(value, request_.mutable_verbosity());
  }

  absl::Status ReadModalities(JsonValue& value) {
    return value.EachElement([this](JsonValue& modality) {
      return ReadText(modality, request_.add_modalities());
    });
  }

  // If the voice is an object, the whole is kept as it is.
  absl::Status ReadAudio(JsonValue& value) {
    v1::AudioOutput output;
    bool understood = true;
    GATEWAY_RETURN_IF_ERROR(value.EachField(
        [&](std::string_view key, JsonValue& field) -> absl::Status {
          if (key == "voice" && field.IsString()) {
            return ReadText(field, output.mutable_voice());
          }
          if (key == "format" && field.IsString()) {
            return ReadText(field, output.mutable_format());
          }
          understood = false;
          return absl::OkStatus();
        }));
    if (understood) {
      *request_.mutable_audio_output() = output;
      return absl::OkStatus();
    }
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.VisitedRaw());
    AddExtension(request_.mutable_extensions(), "audio", raw);
    return absl::OkStatus();
  }

  absl::Status ReadServiceTier(JsonValue& value) {
    return ReadText(value, request_.mutable_service_tier());
  }

  absl::Status ReadStore(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(const bool store, value.Bool());
    request_.set_store(store);
    return absl::OkStatus();
  }

  absl::Status ReadMetadata(JsonValue& value) {
    return value.EachField([this](std::string_view key,
                                  JsonValue& label) -> absl::Status {
      return ReadText(label, &(*request_.mutable_labels())[std::string(key)]);
    });
  }

  absl::Status ReadPromptCacheKey(JsonValue& value) {
    return ReadText(value, request_.mutable_prompt_cache_key());
  }

  absl::Status ReadSafetyIdentifier(JsonValue& value) {
    return ReadText(value, request_.mutable_scope()->mutable_user_id());
  }

  absl::Status ReadUser(JsonValue& value) { return ReadText(value, &user_); }

  v1::GenerateRequest& request_;
  bool& stream_;
  bool& stream_usage_;

  std::vector<std::string> seen_;
  LegacyCalls legacy_;
  int parts_ = 0;
  std::optional<int32_t> max_tokens_;
  std::optional<int32_t> max_completion_tokens_;
  std::string user_;
};

}  // namespace

absl::Status ReadRequest(std::string_view body, v1::GenerateRequest* request,
                         bool* stream, bool* stream_usage) {
  request->Clear();
  *stream = false;
  *stream_usage = false;
  RequestReader reader(request, stream, stream_usage);
  return AsFieldFault(
      ReadJson(body, [&](JsonValue& root) { return reader.Read(root); }));
}

}  // namespace gateway::chat
