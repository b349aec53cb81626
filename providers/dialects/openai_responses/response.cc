#include "providers/dialects/openai_responses/response.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/status_macros.h"
#include "errors/fault.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/openai_chat/logprobs.h"
#include "providers/dialects/openai_chat/vendor_names.h"
#include "providers/dialects/openai_responses/content.h"
#include "providers/dialects/openai_responses/errors.h"
#include "providers/dialects/openai_responses/item_reader.h"
#include "providers/dialects/openai_responses/item_writer.h"
#include "providers/dialects/openai_responses/request_writer.h"
#include "providers/dialects/openai_responses/vendor_names.h"
#include "providers/dialects/service_tier.h"
#include "providers/dialects/token_count.h"

namespace gateway::responses {
namespace {

// A field that every answer must have, and its value where nothing is known.
struct Default {
  std::string_view key;
  std::string_view json;
};

constexpr Default kDefaults[] = {
    {"instructions", "null"},
    {"metadata", "{}"},
    {"parallel_tool_calls", "true"},
    {"temperature", "null"},
    {"tool_choice", "\"auto\""},
    {"tools", "[]"},
    {"top_p", "null"},
};

// Fields that answers repeat from the request.
constexpr std::string_view kEchoed[] = {"background",
                                        "instructions",
                                        "max_output_tokens",
                                        "max_tool_calls",
                                        "metadata",
                                        "parallel_tool_calls",
                                        "previous_response_id",
                                        "prompt_cache_key",
                                        "reasoning",
                                        "safety_identifier",
                                        "store",
                                        "temperature",
                                        "text",
                                        "tool_choice",
                                        "tools",
                                        "top_logprobs",
                                        "top_p",
                                        "truncation"};

bool IsDefaultNull(std::string_view key) {
  return std::any_of(std::begin(kDefaults), std::end(kDefaults),
                     [&](const Default& each) {
                       return each.key == key && each.json == "null";
                     });
}

// Reads one answer.
class ResponseReader {
 public:
  explicit ResponseReader(v1::GenerateResponse* response)
      : response_(*response), choice_(*response->add_choices()) {
    choice_.mutable_message()->set_role(v1::ROLE_ASSISTANT);
  }

  absl::Status Read(std::string_view body);

 private:
  absl::Status ReadField(std::string_view key, JsonValue& value);
  absl::Status ReadWord(JsonValue& value, std::string* word);
  absl::Status ReadOutput(JsonValue& value);
  absl::Status Finish();

  v1::GenerateResponse& response_;
  v1::Choice& choice_;
  std::string status_;
  std::string incomplete_reason_;
  std::string error_;  // As JSON.
  absl::Status usage_fault_;  // Told once the rest was read.
  bool has_output_ = false;
};

absl::Status ResponseReader::Read(std::string_view body) {
  const absl::Status status = ReadJson(body, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& value) {
      return ReadField(key, value);
    });
  });
  if (!status.ok()) return AsBadResponse(status);
  if (!error_.empty()) return ReadFailure(error_);
  if (status_ == "failed" || status_ == "cancelled") {
    return GaveUpFault(status_);
  }
  if (!usage_fault_.ok()) return AsBadResponse(usage_fault_);
  if (!has_output_) {
    return AsBadResponse(absl::InvalidArgumentError("output: required"));
  }
  return AsBadResponse(Finish());
}

absl::Status ResponseReader::Finish() {
  Contents contents;
  for (v1::Part& part : *choice_.mutable_message()->mutable_parts()) {
    contents.Add(part);
    GATEWAY_RETURN_IF_ERROR(TakeLogprobs(&part, choice_.mutable_logprobs()));
  }
  if (choice_.logprobs().content().empty()) choice_.clear_logprobs();
  choice_.set_finish_reason(
      FinishReasonOf(status_, incomplete_reason_, contents));
  choice_.set_provider_finish_reason(
      incomplete_reason_.empty() ? status_ : incomplete_reason_);
  return absl::OkStatus();
}

absl::Status ResponseReader::ReadWord(JsonValue& value, std::string* word) {
  if (value.IsNull()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view view, value.String());
  word->assign(view);
  return absl::OkStatus();
}

absl::Status ResponseReader::ReadOutput(JsonValue& value) {
  has_output_ = true;
  if (value.IsNull()) return absl::OkStatus();
  return value.EachElement([&](JsonValue& item) {
    return ReadOutputItem(item, choice_.mutable_message()->mutable_parts());
  });
}

absl::Status ResponseReader::ReadField(std::string_view key, JsonValue& value) {
  if (key == "object") return absl::OkStatus();
  if (key == "id") return ReadWord(value, response_.mutable_id());
  if (key == "model") return ReadWord(value, response_.mutable_model());
  if (key == "status") return ReadWord(value, &status_);
  if (key == "service_tier") {
    return ReadServiceTier(value, response_.mutable_service_tier());
  }
  if (key == "output") return ReadOutput(value);
  if (value.IsNull() &&
      (key == "error" || key == "incomplete_details" || key == "usage" ||
       key == "created_at" || IsDefaultNull(key))) {
    return absl::OkStatus();
  }
  if (key == "usage") {
    usage_fault_ = ReadUsage(value, response_.mutable_usage());
    return absl::OkStatus();
  }
  if (key == "created_at") {
    // A double, since some servers write fractions.
    GATEWAY_ASSIGN_OR_RETURN(const double seconds, value.Double());
    response_.mutable_create_time()->set_seconds(
        static_cast<int64_t>(std::clamp(seconds, 0.0, 1e11)));
    return absl::OkStatus();
  }
  if (key == "incomplete_details") {
    return value.EachField([&](std::string_view name, JsonValue& field) {
      return name == "reason" ? ReadWord(field, &incomplete_reason_)
                              : absl::OkStatus();
    });
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, value.Raw());
  if (key == "error") {
    error_ = std::string(json);
  } else {
    AddExtension(response_.mutable_extensions(), key, json);
  }
  return absl::OkStatus();
}

// Appends the extensions that are not written yet, each name once.
absl::Status AppendExtensions(const ExtensionList* extensions,
                              ObjectWriter& object) {
  if (extensions == nullptr) return absl::OkStatus();
  for (const v1::Extension& extension : *extensions) {
    if (extension.dialect() != kDialect || object.Has(extension.name())) {
      continue;
    }
    GATEWAY_RETURN_IF_ERROR(
        object.Json(extension.name(), extension.json(), extension.name()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status TakeLogprobs(v1::Part* part, v1::Logprobs* logprobs) {
  const v1::Extension* extension =
      FindExtension(part->extensions(), "logprobs");
  if (extension == nullptr) return absl::OkStatus();
  GATEWAY_RETURN_IF_ERROR(ReadJson(extension->json(), [&](JsonValue& root) {
    return chat::ReadTokenLogprobs(root, logprobs->mutable_content());
  }));
  ExtensionList rest = Without(part->extensions(), {"logprobs"});
  part->mutable_extensions()->Swap(&rest);
  return absl::OkStatus();
}

absl::Status WriteResponseObject(const ResponseObject& response,
                                 JsonWriter& json) {
  ObjectWriter object(kFormat, json);
  object.Text("id", response.id);
  object.Text("object", "response");
  object.Int64("created_at", response.created_seconds);
  object.Text("status", response.status);
  if (response.error_code.empty()) {
    object.Null("error");
  } else {
    ObjectWriter error(kFormat, object.Field("error"));
    error.Text("code", response.error_code);
    error.Text("message", response.error_message);
    error.End();
  }
  if (response.incomplete_reason.empty()) {
    object.Null("incomplete_details");
  } else {
    ObjectWriter details(kFormat, object.Field("incomplete_details"));
    details.Text("reason", response.incomplete_reason);
    details.End();
  }
  object.Text("model", response.model);
  object.Field("output").Raw(response.output);
  const std::string_view tier = chat::ServiceTierWord(response.service_tier);
  if (!tier.empty()) object.Text("service_tier", tier);
  if (response.usage != nullptr) {
    WriteUsage(*response.usage, object.Field("usage"));
  }
  GATEWAY_RETURN_IF_ERROR(AppendExtensions(response.more_extensions, object));
  GATEWAY_RETURN_IF_ERROR(AppendExtensions(response.extensions, object));
  for (const Default& each : kDefaults) {
    if (!object.Has(each.key)) object.Field(each.key).Raw(each.json);
  }
  object.End();
  return absl::OkStatus();
}

absl::Status ReadResponse(std::string_view body,
                          v1::GenerateResponse* response) {
  response->Clear();
  return ResponseReader(response).Read(body);
}

absl::Status WriteResponse(const v1::GenerateResponse& response,
                           std::string* body,
                           std::vector<v1::Warning>* warnings) {
  static const v1::Choice* const kNoChoice = new v1::Choice();
  const v1::Choice& choice =
      response.choices().empty() ? *kNoChoice : response.choices(0);
  Contents contents;
  for (const v1::Part& part : choice.message().parts()) contents.Add(part);
  const Ending ending = EndingOf(choice.finish_reason(),
                                 choice.provider_finish_reason(), contents);
  const std::string id = WireResponseId(
      response.id().empty() ? response.request_id() : response.id());
  DroppedFields dropped(kDialect, warnings);
  ContentWriter content(Side::kAnswer, dropped);
  std::string output;
  JsonWriter items(&output);
  GATEWAY_RETURN_IF_ERROR(ItemWriter(content).WriteOutput(
      choice.message(),
      {.response_id = id,
       .status = ending.status == "incomplete" ? "incomplete" : "completed",
       .logprobs = choice.has_logprobs() ? &choice.logprobs() : nullptr},
      items));
  JsonWriter json(body);
  return WriteResponseObject(
      {.id = id,
       .model = response.model(),
       .created_seconds = response.create_time().seconds(),
       .status = ending.status,
       .incomplete_reason = ending.incomplete_reason,
       .error_code = ending.status == "failed" ? "server_error" : "",
       .error_message = "the provider failed while answering",
       .output = output,
       .service_tier = response.service_tier(),
       .usage = response.has_usage() ? &response.usage() : nullptr,
       .extensions = &response.extensions(),
       .more_extensions = &choice.extensions()},
      json);
}

absl::Status EchoRequest(const v1::GenerateRequest& request,
                         ExtensionList* extensions) {
  std::string body;
  GATEWAY_RETURN_IF_ERROR(
      WriteRequest(request, {.model = request.model()}, &body, nullptr));
  return ReadJson(body, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (std::find(std::begin(kEchoed), std::end(kEchoed), key) ==
                  std::end(kEchoed) ||
              FindExtension(*extensions, key) != nullptr) {
            return absl::OkStatus();
          }
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view json, value.Raw());
          AddExtension(extensions, key, json);
          return absl::OkStatus();
        });
  });
}

void WriteDeletion(std::string_view id, std::string* body) {
  JsonWriter json(body);
  json.StartObject();
  json.StringField("id", id);
  json.StringField("object", "response");
  json.BoolField("deleted", true);
  json.EndObject();
}

absl::StatusOr<int64_t> ReadCountResponse(std::string_view body) {
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

void WriteCountResponse(int64_t tokens, std::string* body) {
  JsonWriter json(body);
  json.StartObject();
  json.StringField("object", "response.input_tokens");
  json.Int64Field("input_tokens", tokens);
  json.EndObject();
}

}  // namespace gateway::responses
