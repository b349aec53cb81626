#include "providers/dialects/openai_responses/errors.h"

#include <algorithm>
#include <iterator>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "errors/foreign_words.h"
#include "providers/dialects/openai_chat/errors.h"

namespace gateway::responses {
namespace {

// Codes that only this format has and that blame the request.
constexpr std::string_view kInvalidCodes[] = {
    "invalid_prompt",         "invalid_image",
    "invalid_image_format",   "invalid_base64_image",
    "invalid_image_url",      "invalid_image_mode",
    "image_too_large",        "image_too_small",
    "image_parse_error",      "image_file_too_large",
    "image_file_not_found",   "unsupported_image_media_type",
    "empty_image_file",       "failed_to_download_image",
    "data_residency_mismatch"};

constexpr std::string_view kPolicyCodes[] = {"bio_policy",
                                             "image_content_policy_violation"};

template <size_t kCount>
bool IsOneOf(std::string_view word, const std::string_view (&words)[kCount]) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

struct Failure {
  std::string type;
  std::string code;
  std::string message;
  std::string param;
};

// Fields of strange types are skipped, so that they do not hide the rest.
absl::Status ReadFields(JsonValue& object, Failure* failure) {
  return object.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (!value.IsString()) return absl::OkStatus();
        std::string* text = key == "type"      ? &failure->type
                            : key == "code"    ? &failure->code
                            : key == "message" ? &failure->message
                            : key == "param"   ? &failure->param
                                               : nullptr;
        if (text == nullptr) return absl::OkStatus();
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view view, value.String());
        *text = std::string(view);
        return absl::OkStatus();
      });
}

// Makes the fault as for every OpenAI API.
absl::Status FaultOf(Failure failure) {
  if (IsOneOf(failure.code, kPolicyCodes)) {
    failure.code = "content_policy_violation";
  } else if (IsOneOf(failure.code, kInvalidCodes)) {
    failure.type = "invalid_request_error";
  }
  std::string text;
  JsonWriter json(&text);
  json.StartObject();
  json.StartObjectField("error");
  json.StringField("type", failure.type);
  json.StringField("code", failure.code);
  json.StringField("message", failure.message);
  json.StringField("param", failure.param);
  json.EndObject();
  json.EndObject();
  return chat::ReadErrorEvent(text);
}

}  // namespace

absl::Status ReadFailure(std::string_view error_json) {
  Failure failure;
  const absl::Status status = ReadJson(
      error_json, [&](JsonValue& root) { return ReadFields(root, &failure); });
  return status.ok() ? FaultOf(failure) : AsBadResponse(status);
}

absl::Status GaveUpFault(std::string_view status) {
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_PROVIDER_UNAVAILABLE,
      absl::StrCat("the provider gave the answer up: ", ToAbsl(status)));
  MarkForeignWords(fault, ForeignWords::kOfProvider, status);
  return fault;
}

absl::Status ReadErrorEvent(std::string_view data) {
  Failure flat;
  Failure nested;
  bool is_nested = false;
  const absl::Status status = ReadJson(data, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (key == "error" && value.IsObject()) {
            is_nested = true;
            return ReadFields(value, &nested);
          }
          if (!value.IsString()) return absl::OkStatus();
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
          if (key == "code") flat.code = std::string(text);
          if (key == "message") flat.message = std::string(text);
          if (key == "param") flat.param = std::string(text);
          return absl::OkStatus();
        });
  });
  if (!status.ok()) return AsBadResponse(status);
  return FaultOf(is_nested ? nested : flat);
}

std::string_view FailureCode(v1::ErrorReason reason) {
  switch (reason) {
    case v1::ERROR_REASON_RATE_LIMITED:
    case v1::ERROR_REASON_PROVIDER_RATE_LIMITED:
      return "rate_limit_exceeded";
    case v1::ERROR_REASON_INVALID_REQUEST:
    case v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED:
    case v1::ERROR_REASON_CONTENT_POLICY:
      return "invalid_prompt";
    default:
      return "server_error";
  }
}

std::string WriteErrorObject(const absl::Status& status) {
  constexpr std::string_view kBegin = R"({"error":)";
  const std::string body = chat::WriteErrorBody(status);
  return body.substr(kBegin.size(), body.size() - kBegin.size() - 1);
}

}  // namespace gateway::responses
