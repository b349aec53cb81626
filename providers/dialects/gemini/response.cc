#include "providers/dialects/gemini/response.h"

#include <utility>

#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "providers/dialects/error_reason.h"
#include "providers/dialects/gemini/candidate.h"
#include "providers/dialects/gemini/fields.h"
#include "providers/dialects/gemini/part_writer.h"
#include "providers/dialects/gemini/vendor_names.h"
#include "providers/dialects/token_count.h"

namespace gateway::gemini {
namespace {

void TakeCandidate(Candidate& candidate, std::string_view seed,
                   v1::Choice* choice) {
  v1::Message* message = choice->mutable_message();
  message->set_role(v1::ROLE_ASSISTANT);
  message->mutable_parts()->Swap(&candidate.parts);
  int32_t calls = 0;
  for (v1::Part& part : *message->mutable_parts()) {
    if (!part.has_tool_call()) continue;
    NameCall(seed, candidate.index, calls++, part.mutable_tool_call());
  }
  choice->set_index(candidate.index);
  choice->set_provider_finish_reason(candidate.finish_word);
  choice->set_finish_reason(FinishReasonOfTurn(candidate.finish_word, calls > 0,
                                               !message->parts().empty()));
  if (!candidate.logprobs.content().empty()) {
    choice->mutable_logprobs()->Swap(&candidate.logprobs);
  }
  choice->mutable_extensions()->Swap(&candidate.extensions);
}

// Returns whether the prompt was refused, so that the answer has no candidate.
bool IsBlockedPrompt(const v1::GenerateResponse& response) {
  return response.choices_size() == 1 &&
         response.choices(0).finish_reason() ==
             v1::FINISH_REASON_CONTENT_FILTER &&
         response.choices(0).message().parts().empty() &&
         FindExtension(response.extensions(), "promptFeedback") != nullptr;
}

// Writes a candidate. Content without a part is recorded as dropped; fields
// that only their vendor knows are not.
absl::Status WriteCandidate(const v1::Choice& choice, JsonWriter& json,
                            std::vector<v1::Warning>* warnings) {
  DroppedFields told(kDialect, warnings);
  DroppedFields unheard(kDialect, nullptr);
  PartWriter reporter(told, PartWriter::Side::kAnswer);
  PartWriter writer(unheard, PartWriter::Side::kAnswer);
  ObjectWriter object(kFormat, json);
  ObjectWriter content(kFormat, object.Field("content"));
  bool started = false;
  for (const v1::Part& part : choice.message().parts()) {
    if (!reporter.Carries(part)) continue;
    if (!part.citations().empty()) told.LeftOut("citations");
    if (!started) content.Field("parts").StartArray();
    started = true;
    GATEWAY_RETURN_IF_ERROR(writer.Write(part, "message", json));
  }
  if (started) json.EndArray();
  content.Text("role", "model");
  content.End();
  object.Text("finishReason", FinishWord(choice.finish_reason(),
                                         choice.provider_finish_reason()));
  object.Int64("index", choice.index());
  if (FindExtension(choice.extensions(), "logprobsResult") == nullptr) {
    WriteLogprobs(choice.logprobs(), object);
  }
  GATEWAY_RETURN_IF_ERROR(object.Extensions(choice.extensions(), "choices[]"));
  object.End();
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadResponse(std::string_view body,
                          v1::GenerateResponse* response) {
  response->Clear();
  Answer answer;
  const absl::Status status = ReadAnswer(body, &answer);
  if (!status.ok()) {
    if (answer.has_usage) *response->mutable_usage() = answer.usage.ToUsage();
    return AsBadResponse(status);
  }
  if (answer.is_error) return ReadErrorReport(body);
  bool lacks_content = false;
  const std::string seed = SeedOfCallIds(answer);
  for (Candidate& candidate : answer.candidates) {
    lacks_content |= !candidate.has_content && candidate.finish_word.empty();
    TakeCandidate(candidate, seed, response->add_choices());
  }
  if (!answer.usage_fault.ok()) {
    *response->mutable_usage() = answer.usage.ToUsage();
    return AsBadResponse(answer.usage_fault);
  }
  if (lacks_content) {
    return AsBadResponse(absl::InvalidArgumentError(ToAbsl(kNoContent)));
  }
  if (response->choices().empty()) {
    if (answer.block_word.empty()) {
      return AsBadResponse(absl::InvalidArgumentError("candidates: required"));
    }
    v1::Choice* choice = response->add_choices();
    choice->mutable_message()->set_role(v1::ROLE_ASSISTANT);
    choice->set_finish_reason(v1::FINISH_REASON_CONTENT_FILTER);
    choice->set_provider_finish_reason(answer.block_word);
  }
  response->set_id(answer.id);
  response->set_model(answer.model);
  response->mutable_extensions()->Swap(&answer.extensions);
  if (answer.has_usage) {
    *response->mutable_usage() = answer.usage.ToUsage();
    response->set_service_tier(answer.usage.service_tier());
    response->mutable_extensions()->MergeFrom(answer.usage_extensions);
  }
  return absl::OkStatus();
}

absl::Status WriteResponse(const v1::GenerateResponse& response,
                           std::string* body,
                           std::vector<v1::Warning>* warnings) {
  JsonWriter json(body);
  ObjectWriter object(kFormat, json);
  if (!IsBlockedPrompt(response)) {
    object.Field("candidates").StartArray();
    for (const v1::Choice& choice : response.choices()) {
      GATEWAY_RETURN_IF_ERROR(WriteCandidate(choice, json, warnings));
    }
    json.EndArray();
  }
  if (response.has_usage()) {
    GATEWAY_RETURN_IF_ERROR(WriteUsage(response.usage(), response.extensions(),
                                       object.Field("usageMetadata")));
  }
  object.Text("modelVersion", response.model());
  const std::string& id =
      response.id().empty() ? response.request_id() : response.id();
  if (!id.empty()) object.Text("responseId", id);
  GATEWAY_RETURN_IF_ERROR(object.Extensions(response.extensions(), ""));
  object.End();
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ReadCountResponse(std::string_view body) {
  int64_t count = 0;
  bool is_error = false;
  bool is_count = true;  // Zeros are left out.
  const absl::Status status = ReadJson(body, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          is_error |= key == "error" && value.IsObject();
          is_count &= key == "totalTokens" || key.ends_with("TokenCount") ||
                      key.ends_with("TokensDetails");
          if (key != "totalTokens") return absl::OkStatus();
          GATEWAY_ASSIGN_OR_RETURN(count, ReadTokenCount(value));
          return absl::OkStatus();
        });
  });
  if (!status.ok()) return AsBadResponse(status);
  if (is_error) return ReadErrorReport(body);
  if (!is_count && count == 0) {
    return AsBadResponse(absl::InvalidArgumentError("totalTokens: required"));
  }
  return count;
}

void WriteCountResponse(int64_t tokens, std::string* body) {
  JsonWriter json(body);
  json.StartObject();
  json.Int64Field("totalTokens", tokens);
  json.EndObject();
}

}  // namespace gateway::gemini
