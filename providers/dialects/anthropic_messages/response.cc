#include "providers/dialects/anthropic_messages/response.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "providers/dialects/anthropic_messages/content_reader.h"
#include "providers/dialects/anthropic_messages/content_writer.h"
#include "providers/dialects/anthropic_messages/fields.h"
#include "providers/dialects/anthropic_messages/vendor_names.h"
#include "providers/dialects/compact_json.h"
#include "providers/dialects/error_reason.h"
#include "providers/dialects/part_signatures.h"
#include "providers/dialects/token_count.h"

namespace gateway::anthropic {
namespace {

// Reads one answer.
class ResponseReader {
 public:
  explicit ResponseReader(v1::GenerateResponse* response)
      : response_(*response), choice_(*response->add_choices()) {
    choice_.mutable_message()->set_role(v1::ROLE_ASSISTANT);
  }

  absl::Status Read(std::string_view body);

  // True if the body reports a failure, as some servers do with HTTP status
  // 200.
  bool is_error() const { return is_error_; }

 private:
  absl::Status ReadField(std::string_view key, JsonValue& value);
  absl::Status ReadText(JsonValue& value, std::string* text);

  v1::GenerateResponse& response_;
  v1::Choice& choice_;
  WireUsage usage_;
  absl::Status usage_fault_;  // Told once the rest was read.
  bool has_usage_ = false;
  bool has_content_ = false;
  bool is_error_ = false;
};

absl::Status ResponseReader::Read(std::string_view body) {
  const absl::Status read = ReadJson(body, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& value) {
      return ReadField(key, value);
    });
  });
  // Also if something of it cannot be read.
  if (has_usage_) *response_.mutable_usage() = usage_.ToUsage();
  GATEWAY_RETURN_IF_ERROR(read);
  if (!is_error_) GATEWAY_RETURN_IF_ERROR(usage_fault_);
  if (!has_content_ && !is_error_) {
    return absl::InvalidArgumentError("content: required");
  }
  bool has_tool_call = false;
  for (v1::Part& part : *choice_.mutable_message()->mutable_parts()) {
    if (!part.has_tool_call()) continue;
    has_tool_call = true;
    v1::ToolCall& call = *part.mutable_tool_call();
    call.set_arguments(CompactJson(call.arguments()));
  }
  choice_.set_finish_reason(
      FinishReasonOfTurn(choice_.provider_finish_reason(), has_tool_call,
                         !choice_.message().parts().empty()));
  if (has_usage_) {
    response_.set_service_tier(std::string(usage_.service_tier()));
  }
  return absl::OkStatus();
}

absl::Status ResponseReader::ReadText(JsonValue& value, std::string* text) {
  if (value.IsNull()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view view, value.String());
  *text = std::string(view);
  return absl::OkStatus();
}

absl::Status ResponseReader::ReadField(std::string_view key, JsonValue& value) {
  if (key == "type") {
    std::string type;
    GATEWAY_RETURN_IF_ERROR(ReadText(value, &type));
    is_error_ = type == "error";
    return absl::OkStatus();
  }
  if (key == "role") return absl::OkStatus();
  if (key == "id") return ReadText(value, response_.mutable_id());
  if (key == "model") return ReadText(value, response_.mutable_model());
  if (key == "content") {
    has_content_ = true;
    return ReadContent(value, choice_.mutable_message()->mutable_parts());
  }
  if (key == "stop_reason") {
    return ReadText(value, choice_.mutable_provider_finish_reason());
  }
  if (key == "stop_sequence") {
    return ReadText(value, choice_.mutable_stop_sequence());
  }
  if (key == "usage") {
    has_usage_ = !value.IsNull();
    usage_fault_ = usage_.Read(value, response_.mutable_extensions());
    return absl::OkStatus();
  }
  if (value.IsNull()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, value.Raw());
  AddExtension(key == "stop_details" ? choice_.mutable_extensions()
                                     : response_.mutable_extensions(),
               key, json);
  return absl::OkStatus();
}

// Writes the parts. Content without a block is recorded as dropped; fields that
// only their vendor knows are not.
absl::Status WriteParts(const v1::Message& message, JsonWriter& json,
                        std::vector<v1::Warning>* warnings) {
  if (HasSignedParts(message)) {
    return WriteParts(WithSignaturesAsReasoning(message), json, warnings);
  }
  DroppedFields told(kDialect, warnings);
  DroppedFields unheard(kDialect, nullptr);
  ContentWriter reporter(ContentWriter::Side::kAnswer, told);
  ContentWriter writer(ContentWriter::Side::kAnswer, unheard);
  json.StartArray();
  for (const v1::Part& part : message.parts()) {
    const bool is_empty_text = part.has_text() && part.text().empty();
    if (is_empty_text && message.parts_size() > 1) continue;
    if (!reporter.Carries(part)) continue;
    // The format's own citations have signatures that only the provider can
    // make.
    if (!part.citations().empty() &&
        FindExtension(part.extensions(), "citations") == nullptr) {
      told.LeftOut("citations");
    }
    GATEWAY_RETURN_IF_ERROR(writer.WriteBlock(part, "message", json));
  }
  json.EndArray();
  return absl::OkStatus();
}

bool HasRefusal(const v1::Message& message) {
  for (const v1::Part& part : message.parts()) {
    if (part.has_refusal()) return true;
  }
  return false;
}

void TextOrNull(std::string_view key, std::string_view text,
                ObjectWriter& object) {
  if (text.empty()) {
    object.Null(key);
  } else {
    object.Text(key, text);
  }
}

}  // namespace

absl::Status ReadResponse(std::string_view body,
                          v1::GenerateResponse* response) {
  response->Clear();
  ResponseReader reader(response);
  const absl::Status status = reader.Read(body);
  if (status.ok() && reader.is_error()) return ReadErrorReport(body);
  return AsBadResponse(status);
}

absl::Status WriteResponse(const v1::GenerateResponse& response,
                           std::string* body,
                           std::vector<v1::Warning>* warnings) {
  static const v1::Choice* const kNoChoice = new v1::Choice();
  const v1::Choice& choice =
      response.choices().empty() ? *kNoChoice : response.choices(0);
  v1::FinishReason reason = choice.finish_reason();
  if (reason == v1::FINISH_REASON_STOP && HasRefusal(choice.message())) {
    reason = v1::FINISH_REASON_CONTENT_FILTER;
  }
  JsonWriter json(body);
  ObjectWriter object(kFormat, json);
  object.Text("id",
              response.id().empty() ? response.request_id() : response.id());
  object.Text("type", "message");
  object.Text("role", "assistant");
  object.Text("model", response.model());
  GATEWAY_RETURN_IF_ERROR(
      WriteParts(choice.message(), object.Field("content"), warnings));
  object.Text("stop_reason",
              StopReasonWord(reason, choice.provider_finish_reason(),
                             choice.stop_sequence()));
  TextOrNull("stop_sequence", choice.stop_sequence(), object);
  GATEWAY_RETURN_IF_ERROR(WriteUsage(response.usage(), response.service_tier(),
                                     response.extensions(),
                                     object.Field("usage")));
  GATEWAY_RETURN_IF_ERROR(object.Extensions(choice.extensions(), "choices[0]"));
  GATEWAY_RETURN_IF_ERROR(object.Extensions(response.extensions(), ""));
  if (!object.Has("stop_details")) object.Null("stop_details");
  if (!object.Has("container")) object.Null("container");
  object.End();
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ReadCountTokensResponse(std::string_view body) {
  int64_t count = -1;
  absl::Status status = ReadJson(body, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (key != "input_tokens" || value.IsNull()) {
            return absl::OkStatus();
          }
          GATEWAY_ASSIGN_OR_RETURN(count, ReadTokenCount(value));
          return absl::OkStatus();
        });
  });
  if (status.ok() && count < 0) {
    status = absl::InvalidArgumentError("input_tokens: required");
  }
  if (!status.ok()) return AsBadResponse(status);
  return count;
}

void WriteCountTokensResponse(int64_t input_tokens, std::string* body) {
  JsonWriter json(body);
  json.StartObject();
  json.Int64Field("input_tokens", input_tokens);
  json.EndObject();
}

}  // namespace gateway::anthropic
