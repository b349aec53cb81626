#include "providers/dialects/openai_chat/response.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "base/text/literal.h"
#include "errors/fault.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/errors.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/citations.h"
#include "providers/dialects/object_fields.h"
#include "providers/dialects/openai_chat/answer_writer.h"
#include "providers/dialects/openai_chat/errors.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/logprobs.h"
#include "providers/dialects/openai_chat/message_reader.h"
#include "providers/dialects/openai_chat/usage.h"
#include "providers/dialects/openai_chat/vendor_names.h"
#include "providers/dialects/service_tier.h"

namespace gateway::chat {
namespace {

using wire::ReadText;

ChoiceContents ContentsOf(const v1::Message& message) {
  ChoiceContents contents;
  for (const v1::Part& part : message.parts()) {
    contents.content =
        contents.content || !part.has_text() || !part.text().empty();
    contents.tool_calls = contents.tool_calls || part.has_tool_call();
    contents.refusal = contents.refusal || part.has_refusal();
  }
  return contents;
}

// Moves the annotations to the content, which is one text if there is any.
void TakeCitations(v1::Message* message) {
  const v1::Extension* const annotations =
      FindExtension(message->extensions(), "annotations");
  if (annotations == nullptr) return;
  for (v1::Part& part : *message->mutable_parts()) {
    if (!part.has_text()) continue;
    return AddUrlCitations(annotations->json(), part.mutable_citations());
  }
}

// What a reader of choices finds.
struct ChoiceFindings {
  bool failed = false;  // One says, as OpenRouter's do, that it failed.
  bool has_calls = false;
};

absl::Status ReadChoice(JsonValue& value, v1::Choice* choice,
                        ChoiceFindings* findings) {
  choice->mutable_message()->set_role(v1::ROLE_ASSISTANT);
  bool has_message = false;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (Is(key, "index")) {
          GATEWAY_ASSIGN_OR_RETURN(const int32_t index,
                                   field.Int32(0, kChoiceIndexMax));
          choice->set_index(index);
          return absl::OkStatus();
        }
        if (Is(key, "message")) {
          has_message = true;
          GATEWAY_RETURN_IF_ERROR(
              ReadMessage(field, nullptr, choice->mutable_message()));
          TakeCitations(choice->mutable_message());
          return absl::OkStatus();
        }
        if (Is(key, "finish_reason")) {
          return ReadText(field, choice->mutable_provider_finish_reason());
        }
        if (Is(key, "logprobs")) {
          if (field.IsNull()) return absl::OkStatus();
          return ReadLogprobs(field, choice->mutable_logprobs());
        }
        if (Is(key, "error") && field.IsObject()) {
          findings->failed = true;
          return absl::OkStatus();
        }
        return KeepField(key, field, choice->mutable_extensions());
      }));
  if (!has_message && !findings->failed &&
      !MayLackMessage(choice->provider_finish_reason())) {
    return value.Error(kNoMessage);
  }
  const ChoiceContents contents = ContentsOf(choice->message());
  findings->has_calls = findings->has_calls || contents.tool_calls;
  choice->set_finish_reason(
      ReadFinishReason(choice->provider_finish_reason(), contents));
  return absl::OkStatus();
}

// Gives ids to the calls that have none.
void NameCalls(v1::GenerateResponse* response) {
  for (v1::Choice& choice : *response->mutable_choices()) {
    int32_t calls = 0;
    for (v1::Part& part : *choice.mutable_message()->mutable_parts()) {
      if (!part.has_tool_call()) continue;
      v1::ToolCall& call = *part.mutable_tool_call();
      if (call.id().empty()) {
        call.set_id(MadeUpCallId(response->id(),
                                 response->create_time().seconds(),
                                 choice.index(), calls, call.name()));
      }
      ++calls;
    }
  }
}

class ResponseReader {
 public:
  explicit ResponseReader(v1::GenerateResponse* response)
      : response_(*response) {}

  absl::Status ReadField(std::string_view key, JsonValue& value) {
    if (Is(key, "id")) return ReadText(value, response_.mutable_id());
    if (Is(key, "model")) return ReadText(value, response_.mutable_model());
    if (Is(key, "object")) return absl::OkStatus();
    if (Is(key, "created")) {
      if (value.IsNull()) return absl::OkStatus();
      GATEWAY_ASSIGN_OR_RETURN(const int64_t seconds, value.Int64());
      if (seconds < 0 || seconds > kTimestampSecondsMax) {
        return value.Error("not a plausible time");
      }
      response_.mutable_create_time()->set_seconds(seconds);
      return absl::OkStatus();
    }
    if (Is(key, "choices")) {
      return value.EachElement([this](JsonValue& choice) {
        return ReadChoice(choice, response_.add_choices(), &findings_);
      });
    }
    if (Is(key, "usage")) {
      if (value.IsNull()) return absl::OkStatus();
      Leftovers others;
      usage_fault_ = ReadUsage(value, response_.mutable_usage(), &others);
      others.AddTo("usage", response_.mutable_extensions());
      return absl::OkStatus();
    }
    if (Is(key, "service_tier")) {
      return ReadServiceTier(value, response_.mutable_service_tier());
    }
    if (Is(key, "system_fingerprint")) {
      return ReadText(value, response_.mutable_system_fingerprint());
    }
    if (Is(key, "error") && !value.IsNull()) {
      findings_.failed = true;
      return absl::OkStatus();
    }
    return KeepField(key, value, response_.mutable_extensions());
  }

  bool failed() const { return findings_.failed; }
  bool has_calls() const { return findings_.has_calls; }
  // To be told once the rest was read.
  const absl::Status& usage_fault() const { return usage_fault_; }

 private:
  v1::GenerateResponse& response_;
  ChoiceFindings findings_;
  absl::Status usage_fault_;
};

absl::Status WriteChoice(const v1::Choice& choice, JsonWriter& json,
                         DroppedFields& dropped) {
  DroppedFields unheard(kDialect, nullptr);
  json.StartObject();
  json.Int64Field("index", choice.index());
  json.Key("message");
  GATEWAY_RETURN_IF_ERROR(WriteAnswer(choice.message(), json, dropped));
  json.Key("logprobs");
  if (choice.has_logprobs()) {
    WriteLogprobs(choice.logprobs(), json);
  } else {
    json.Null();
  }
  json.StringField(
      "finish_reason",
      WriteFinishReason(choice.finish_reason(), choice.provider_finish_reason(),
                        ContentsOf(choice.message())));
  constexpr std::string_view kTaken[] = {"index", "message", "logprobs",
                                         "finish_reason"};
  GATEWAY_RETURN_IF_ERROR(
      WriteExtensions(choice.extensions(), kTaken, json, unheard));
  json.EndObject();
  return absl::OkStatus();
}

}  // namespace

bool MayLackMessage(std::string_view finish_reason) {
  return finish_reason == "content_filter";
}

absl::Status ReadResponse(std::string_view body,
                          v1::GenerateResponse* response) {
  response->Clear();
  ResponseReader reader(response);
  const absl::Status status = ReadJson(body, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& value) {
      return reader.ReadField(key, value);
    });
  });
  if (reader.failed()) return ReadErrorEvent(body);
  if (!status.ok()) return AsBadResponse(status);
  if (!reader.usage_fault().ok()) return AsBadResponse(reader.usage_fault());
  if (response->choices().empty()) {
    return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                     "the answer has no choices");
  }
  if (reader.has_calls()) NameCalls(response);
  return absl::OkStatus();
}

absl::Status WriteResponse(const v1::GenerateResponse& response,
                           std::string* body,
                           std::vector<v1::Warning>* warnings) {
  DroppedFields dropped(kDialect, warnings);
  // Not reported: fields that only their vendor knows are no content.
  DroppedFields unheard(kDialect, nullptr);
  JsonWriter json(body);
  json.StartObject();
  json.StringField("id", response.id().empty()
                             ? absl::StrCat("chatcmpl-", response.request_id())
                             : response.id());
  json.StringField("object", "chat.completion");
  json.Int64Field("created", response.create_time().seconds());
  json.StringField("model", response.model());
  json.StartArrayField("choices");
  for (const v1::Choice& choice : response.choices()) {
    GATEWAY_RETURN_IF_ERROR(WriteChoice(choice, json, dropped));
  }
  json.EndArray();
  if (response.has_usage()) {
    json.Key("usage");
    GATEWAY_RETURN_IF_ERROR(
        WriteUsage(response.usage(), response.extensions(), json));
  }
  if (const std::string_view tier = ServiceTierWord(response.service_tier());
      !tier.empty()) {
    json.StringField("service_tier", tier);
  }
  if (!response.system_fingerprint().empty()) {
    json.StringField("system_fingerprint", response.system_fingerprint());
  }
  constexpr std::string_view kTaken[] = {
      "id",      "object", "created",      "model",
      "choices", "usage",  "service_tier", "system_fingerprint",
      "error"};
  GATEWAY_RETURN_IF_ERROR(
      WriteExtensions(response.extensions(), kTaken, json, unheard));
  json.EndObject();
  return absl::OkStatus();
}

}  // namespace gateway::chat
