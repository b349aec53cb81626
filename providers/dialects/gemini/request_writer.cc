#include "providers/dialects/gemini/request_writer.h"

#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "providers/dialects/gemini/fields.h"
#include "providers/dialects/gemini/generation_config.h"
#include "providers/dialects/gemini/part_writer.h"
#include "providers/dialects/gemini/tools.h"
#include "providers/dialects/gemini/turns.h"
#include "providers/models/model_family.h"

namespace gateway::gemini {
namespace {

// Sent in place of a missing signature: newer models refuse calls in a
// conversation without one, as calls have that another model made, or that lost
// theirs with a caller whose format has no place for it.
constexpr std::string_view kNoSignature = "skip_thought_signature_validator";

constexpr std::string_view kServiceTiers[] = {"unspecified", "flex", "standard",
                                              "priority"};

// Writes one request.
class RequestWriter {
 public:
  RequestWriter(const v1::GenerateRequest& request, std::string_view model,
                JsonWriter& json, DroppedFields& dropped)
      : request_(request),
        model_(model),
        dropped_(dropped),
        json_(json),
        object_(kFormat, json),
        parts_(dropped) {}

  absl::Status Write(bool names_model);

 private:
  absl::Status WriteConversation();
  absl::Status WriteTurn(const Turn& turn, std::string_view place);
  void WriteServiceTier();
  void ReportDropped();

  const v1::GenerateRequest& request_;
  const std::string_view model_;
  DroppedFields& dropped_;
  JsonWriter& json_;
  ObjectWriter object_;
  PartWriter parts_;
};

absl::Status RequestWriter::Write(bool names_model) {
  if (names_model) {
    object_.Text("model", absl::StrCat("models/", ToAbsl(model_)));
  }
  GATEWAY_RETURN_IF_ERROR(WriteConversation());
  GATEWAY_RETURN_IF_ERROR(WriteTools(request_, object_, dropped_));
  GATEWAY_RETURN_IF_ERROR(WriteToolConfig(request_, object_, dropped_));
  GATEWAY_RETURN_IF_ERROR(
      WriteGenerationConfig(request_, model_, object_, dropped_));
  WriteServiceTier();
  ReportDropped();
  // Extensions of nested objects are written with those.
  GATEWAY_RETURN_IF_ERROR(object_.Extensions(request_.extensions(), ""));
  object_.End();
  return absl::OkStatus();
}

absl::Status RequestWriter::WriteConversation() {
  const Conversation conversation = Arrange(request_, parts_, dropped_);
  if (!conversation.instructions.parts.empty()) {
    object_.Field("systemInstruction");
    GATEWAY_RETURN_IF_ERROR(
        WriteTurn(conversation.instructions, "systemInstruction"));
  }
  object_.Field("contents").StartArray();
  for (size_t i = 0; i < conversation.turns.size(); ++i) {
    GATEWAY_RETURN_IF_ERROR(
        WriteTurn(conversation.turns[i], absl::StrCat("messages[", i, "]")));
  }
  json_.EndArray();
  return absl::OkStatus();
}

absl::Status RequestWriter::WriteTurn(const Turn& turn,
                                      std::string_view place) {
  ObjectWriter content(kFormat, json_);
  if (!turn.role.empty()) content.Text("role", turn.role);
  content.Field("parts").StartArray();
  // Only the first of parallel calls is signed.
  const ModelFamily* const family = FamilyOf(model_);
  bool needs_signature = family != nullptr && family->signs_calls;
  for (const v1::Part* part : turn.parts) {
    const bool is_first_call = needs_signature && part->has_tool_call();
    const auto signature = turn.signatures.find(part);
    GATEWAY_RETURN_IF_ERROR(parts_.Write(*part, place, json_,
                                         signature != turn.signatures.end()
                                             ? signature->second
                                         : is_first_call ? kNoSignature
                                                         : std::string_view()));
    if (is_first_call) needs_signature = false;
  }
  json_.EndArray();
  // Of messages that were merged, the first one's extensions are written.
  GATEWAY_RETURN_IF_ERROR(
      content.Extensions(turn.sources.front()->extensions(), place));
  content.End();
  return absl::OkStatus();
}

void RequestWriter::WriteServiceTier() {
  const std::string& tier = request_.service_tier();
  if (tier.empty() || tier == "auto") return;
  for (const std::string_view known : kServiceTiers) {
    if (absl::EqualsIgnoreCase(tier, ToAbsl(known))) {
      object_.Text("serviceTier", tier);
      return;
    }
  }
  if (tier == "default") {
    object_.Text("serviceTier", "standard");
  } else {
    dropped_.LeftOut("service_tier");
  }
}

void RequestWriter::ReportDropped() {
  if (!request_.sampling().logit_bias().empty()) {
    dropped_.LeftOut("sampling.logit_bias");
  }
  if (!request_.scope().user_id().empty()) dropped_.LeftOut("scope.user_id");
  if (!request_.prompt_cache_key().empty()) {
    dropped_.LeftOut("prompt_cache_key");
  }
  if (request_.has_cache_hint()) dropped_.LeftOut("cache_hint");
  if (!request_.verbosity().empty()) dropped_.LeftOut("verbosity");
  if (request_.store()) dropped_.LeftOut("store");
  dropped_.Foreign("", request_.extensions());
}

}  // namespace

absl::Status WriteRequest(const v1::GenerateRequest& request,
                          std::string_view model, std::string* body,
                          std::vector<v1::Warning>* warnings) {
  DroppedFields dropped(kDialect, warnings);
  JsonWriter json(body);
  return RequestWriter(request, model, json, dropped)
      .Write(/*names_model=*/false);
}

absl::Status WriteCountRequest(const v1::GenerateRequest& request,
                               std::string_view model, std::string* body) {
  DroppedFields dropped(kDialect, nullptr);
  JsonWriter json(body);
  json.StartObject();
  json.Key("generateContentRequest");
  GATEWAY_RETURN_IF_ERROR(
      RequestWriter(request, model, json, dropped).Write(/*names_model=*/true));
  json.EndObject();
  return absl::OkStatus();
}

}  // namespace gateway::gemini
