#include "providers/dialects/openai_responses/request_reader.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "providers/dialects/object_fields.h"
#include "providers/dialects/openai_chat/vendor_names.h"
#include "providers/dialects/openai_responses/fields.h"
#include "providers/dialects/openai_responses/item_reader.h"
#include "providers/dialects/openai_responses/tools.h"
#include "providers/dialects/openai_responses/vendor_names.h"

namespace gateway::responses {
namespace {

// The most top-level fields; a request has about thirty.
constexpr size_t kTopLevelFieldsLimit = 256;

// Reads one body into one request.
class RequestReader {
 public:
  RequestReader(v1::GenerateRequest* request, bool* stream)
      : request_(*request), stream_(*stream) {}

  absl::Status Read(std::string_view body);

 private:
  using Self = RequestReader;
  using FieldReader = absl::Status (Self::*)(JsonValue&);

  absl::Status ReadField(std::string_view key, JsonValue& value);
  static const absl::flat_hash_map<std::string_view, FieldReader>& Readers();

  absl::Status ReadModel(JsonValue& value) {
    return ReadText(value, request_.mutable_model());
  }
  absl::Status ReadInput(JsonValue& value);
  absl::Status ReadInstructions(JsonValue& value) {
    has_instructions_ = true;
    return ReadText(value, &instructions_);
  }
  absl::Status ReadStream(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(stream_, value.Bool());
    return absl::OkStatus();
  }
  absl::Status ReadStore(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(const bool store, value.Bool());
    request_.set_store(store);
    return absl::OkStatus();
  }
  absl::Status ReadParallel(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(const bool parallel, value.Bool());
    request_.set_parallel_tool_calls(parallel);
    return absl::OkStatus();
  }
  absl::Status ReadOutputMax(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(
        const int32_t tokens,
        value.Int32(0, std::numeric_limits<int32_t>::max()));
    request_.set_max_output_tokens(tokens);
    return absl::OkStatus();
  }
  absl::Status ReadTemperature(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(const double number, value.Double());
    request_.mutable_sampling()->set_temperature(number);
    return absl::OkStatus();
  }
  absl::Status ReadTopP(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(const double number, value.Double());
    request_.mutable_sampling()->set_top_p(number);
    return absl::OkStatus();
  }
  absl::Status ReadTopLogprobs(JsonValue& value) {
    GATEWAY_ASSIGN_OR_RETURN(
        const int32_t count,
        value.Int32(0, std::numeric_limits<int32_t>::max()));
    request_.mutable_sampling()->set_top_logprobs(count);
    return absl::OkStatus();
  }
  absl::Status ReadInclude(JsonValue& value);
  absl::Status ReadPrevious(JsonValue& value) {
    return ReadText(value, request_.mutable_previous_response_id());
  }
  absl::Status ReadServiceTier(JsonValue& value) {
    return ReadText(value, request_.mutable_service_tier());
  }
  absl::Status ReadCacheKey(JsonValue& value) {
    return ReadText(value, request_.mutable_prompt_cache_key());
  }
  absl::Status ReadSafetyIdentifier(JsonValue& value) {
    return ReadText(value, request_.mutable_scope()->mutable_user_id());
  }
  absl::Status ReadUser(JsonValue& value) { return ReadText(value, &user_); }
  absl::Status ReadMetadata(JsonValue& value);
  absl::Status ReadReasoning(JsonValue& value);
  absl::Status ReadTools(JsonValue& value) {
    return value.EachElement([this](JsonValue& tool) {
      return ReadTool(tool, request_.add_tools());
    });
  }
  absl::Status ReadChoice(JsonValue& value) {
    return ReadToolChoice(value, &request_);
  }
  absl::Status ReadTextObject(JsonValue& value) {
    return ReadTextSettings(value, &request_);
  }

  static absl::Status ReadText(JsonValue& value, std::string* text) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view view, value.String());
    text->assign(view);
    return absl::OkStatus();
  }
  void Finish();

  v1::GenerateRequest& request_;
  bool& stream_;
  std::string instructions_;
  bool has_instructions_ = false;
  std::string user_;
  absl::flat_hash_set<std::string> seen_;
};

const absl::flat_hash_map<std::string_view, RequestReader::FieldReader>&
RequestReader::Readers() {
  static const auto* const kReaders =
      new absl::flat_hash_map<std::string_view, FieldReader>{
          {"model", &Self::ReadModel},
          {"input", &Self::ReadInput},
          {"instructions", &Self::ReadInstructions},
          {"stream", &Self::ReadStream},
          {"store", &Self::ReadStore},
          {"parallel_tool_calls", &Self::ReadParallel},
          {"max_output_tokens", &Self::ReadOutputMax},
          {"temperature", &Self::ReadTemperature},
          {"top_p", &Self::ReadTopP},
          {"top_logprobs", &Self::ReadTopLogprobs},
          {"include", &Self::ReadInclude},
          {"previous_response_id", &Self::ReadPrevious},
          {"service_tier", &Self::ReadServiceTier},
          {"prompt_cache_key", &Self::ReadCacheKey},
          {"safety_identifier", &Self::ReadSafetyIdentifier},
          {"user", &Self::ReadUser},
          {"metadata", &Self::ReadMetadata},
          {"reasoning", &Self::ReadReasoning},
          {"tools", &Self::ReadTools},
          {"tool_choice", &Self::ReadChoice},
          {"text", &Self::ReadTextObject}};
  return *kReaders;
}

absl::Status RequestReader::Read(std::string_view body) {
  GATEWAY_RETURN_IF_ERROR(AsFieldFault(ReadJson(body, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& value) {
      return ReadField(key, value);
    });
  })));
  // Without input, a stored prompt or a stored conversation must be named.
  if (!seen_.contains("input") && !seen_.contains("prompt") &&
      request_.previous_response_id().empty() &&
      !seen_.contains("conversation")) {
    return InvalidField("input", "required");
  }
  Finish();
  return absl::OkStatus();
}

absl::Status RequestReader::ReadField(std::string_view key, JsonValue& value) {
  if (!seen_.insert(std::string(key)).second) {
    return value.Error("repeated key");
  }
  if (seen_.size() > kTopLevelFieldsLimit) {
    return value.Error("too many fields");
  }
  const auto reader = Readers().find(key);
  if (reader == Readers().end()) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, value.Raw());
    AddExtension(request_.mutable_extensions(), key, json);
    return absl::OkStatus();
  }
  if (value.IsNull()) return absl::OkStatus();
  return (this->*reader->second)(value);
}

absl::Status RequestReader::ReadInput(JsonValue& value) {
  if (value.IsString()) {
    v1::Message* message = request_.add_messages();
    message->set_role(v1::ROLE_USER);
    return ReadText(value, message->add_parts()->mutable_text());
  }
  int items = 0;
  int parts = 0;
  return value.EachElement([&](JsonValue& item) -> absl::Status {
    if (++items > kItemsLimit) return item.Error("too many items");
    MessageList* const messages = request_.mutable_messages();
    const int before = messages->size();
    GATEWAY_RETURN_IF_ERROR(ReadInputItem(item, messages));
    for (int i = before; i < messages->size(); ++i) {
      parts += (*messages)[i].parts_size();
    }
    if (parts > wire::kPartsLimit) return item.Error("too many parts");
    return absl::OkStatus();
  });
}

absl::Status RequestReader::ReadInclude(JsonValue& value) {
  std::string others;
  JsonWriter json(&others);
  json.StartArray();
  GATEWAY_RETURN_IF_ERROR(
      value.EachElement([&](JsonValue& word) -> absl::Status {
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, word.String());
        if (text == kIncludeLogprobs) {
          request_.mutable_sampling()->set_logprobs(true);
        } else {
          json.String(text);
        }
        return absl::OkStatus();
      }));
  json.EndArray();
  if (others != "[]") {
    AddExtension(request_.mutable_extensions(), "include", others);
  }
  return absl::OkStatus();
}

absl::Status RequestReader::ReadMetadata(JsonValue& value) {
  return value.EachField([&](std::string_view key, JsonValue& label) {
    return ReadText(label, &(*request_.mutable_labels())[std::string(key)]);
  });
}

absl::Status RequestReader::ReadReasoning(JsonValue& value) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::Read(kFormat, value));
  v1::ReasoningSettings* settings = request_.mutable_reasoning();
  ExtensionList* extensions = request_.mutable_extensions();
  std::string effort;
  GATEWAY_RETURN_IF_ERROR(fields.Text("effort", &effort));
  settings->set_effort(chat::ReadEffort(effort));
  if (!effort.empty() &&
      settings->effort() == v1::ReasoningSettings::EFFORT_UNSPECIFIED) {
    AddTextExtension(extensions, "reasoning.effort", effort);
  }
  std::string summary;
  GATEWAY_RETURN_IF_ERROR(fields.Text("summary", &summary));
  if (summary == "auto") {
    settings->set_display("summarized");
  } else if (!summary.empty()) {
    AddTextExtension(extensions, "reasoning.summary", summary);
  }
  fields.Rest(extensions, "reasoning");
  return absl::OkStatus();
}

void RequestReader::Finish() {
  if (!user_.empty()) {
    if (request_.scope().user_id().empty()) {
      request_.mutable_scope()->set_user_id(user_);
    } else {
      AddTextExtension(request_.mutable_extensions(), "user", user_);
    }
  }
  if (!has_instructions_) return;
  // The instructions come first, wherever they were written.
  v1::Message* message = request_.add_messages();
  message->set_role(v1::ROLE_SYSTEM);
  message->add_parts()->set_text(std::move(instructions_));
  for (int i = request_.messages_size() - 1; i > 0; --i) {
    request_.mutable_messages()->SwapElements(i, i - 1);
  }
}

}  // namespace

absl::Status ReadRequest(std::string_view body, v1::GenerateRequest* request,
                         bool* stream) {
  request->Clear();
  *stream = false;
  return RequestReader(request, stream).Read(body);
}

}  // namespace gateway::responses
