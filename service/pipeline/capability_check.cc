#include "service/pipeline/capability_check.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "providers/models/model_facts.h"
#include "service/pipeline/plan.h"
#include "service/pipeline/token_estimate.h"

namespace gateway {
namespace {

// Estimates are rough and the shipped limits are hints, so that only twice as
// much is too much for them.
constexpr int64_t kHintSlack = 2;

constexpr int64_t kBytesPerToken = 4;

// A request's need that not every model can serve.
struct Need {
  ModelAbility ability;
  // What every raw request with this need has in it.
  std::string_view mark;
  const char* words;
  // The path of the field that has the need; empty if the request has it not.
  std::string (*find)(const v1::GenerateRequest& request);
};

// The first part for which `is` holds, as a path; results of tools included.
template <typename Is>
std::string FindPart(const v1::GenerateRequest& request, Is is) {
  for (int i = 0; i < request.messages_size(); ++i) {
    const v1::Message& message = request.messages(i);
    for (int k = 0; k < message.parts_size(); ++k) {
      const v1::Part& part = message.parts(k);
      bool found = is(part);
      for (const v1::Part& inner : part.tool_result().parts()) {
        found = found || is(inner);
      }
      if (found) return absl::StrCat("messages[", i, "].parts[", k, "]");
    }
  }
  return "";
}

std::string FindImage(const v1::GenerateRequest& request) {
  return FindPart(request,
                  [](const v1::Part& part) { return part.has_image(); });
}

std::string FindAudio(const v1::GenerateRequest& request) {
  return FindPart(request, [](const v1::Part& part) {
    // What the model itself said earlier is named by its id.
    return part.has_audio() && !part.audio().data().empty();
  });
}

std::string FindDocument(const v1::GenerateRequest& request) {
  return FindPart(request, [](const v1::Part& part) {
    return part.has_document() && !part.document().has_text();
  });
}

std::string FindAudioOutput(const v1::GenerateRequest& request) {
  return request.has_audio_output() ? "audio_output" : "";
}

std::string FindTools(const v1::GenerateRequest& request) {
  return request.tools().empty() ? "" : "tools";
}

std::string FindReasoning(const v1::GenerateRequest& request) {
  const v1::ReasoningSettings& reasoning = request.reasoning();
  const bool wanted =
      reasoning.mode() == v1::ReasoningSettings::MODE_ENABLED ||
      reasoning.mode() == v1::ReasoningSettings::MODE_ADAPTIVE ||
      reasoning.effort() > v1::ReasoningSettings::EFFORT_NONE;
  return wanted ? "reasoning" : "";
}

constexpr Need kNeeds[] = {
    {kAbilityImageInput, "image", "read pictures", FindImage},
    {kAbilityAudioInput, "audio", "read sound", FindAudio},
    {kAbilityDocumentInput, "", "read documents", FindDocument},
    {kAbilityAudioOutput, "audio", "make sound", FindAudioOutput},
    {kAbilityTools, "tools", "call tools", FindTools},
    {kAbilityReasoning, "", "reason", FindReasoning},
};

absl::Status Unsupported(const PlannedTarget& target, std::string_view field,
                         const char* words) {
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_CAPABILITY_UNSUPPORTED,
                absl::StrCat("the model '", ToAbsl(target.model), "' of ",
                             target.provider->name, " does not ", words,
                             ", which ", ToAbsl(field), " asks for"));
  AddFieldViolation(fault, field, absl::StrCat("the model does not ", words));
  AddFaultMetadata(fault, "model", target.model);
  AddFaultMetadata(fault, "provider", target.provider->name);
  return fault;
}

absl::Status CheckNeeds(IncomingCall& call, const PlannedTarget& target) {
  const ModelFacts& facts = target.facts;
  for (const Need& need : kNeeds) {
    if (!facts.Lacks(need.ability)) continue;
    if (call.request == nullptr &&
        !absl::StrContains(ToAbsl(call.raw->body), ToAbsl(need.mark))) {
      continue;
    }
    // A mark-less need of a raw request is the provider's to check, unless
    // the request has been read anyway.
    if (call.request == nullptr && need.mark.empty()) continue;
    GATEWAY_ASSIGN_OR_RETURN(const v1::GenerateRequest* request,
                             call.ParsedRequest());
    const std::string field = need.find(*request);
    if (!field.empty()) return Unsupported(target, field, need.words);
  }
  return absl::OkStatus();
}

absl::Status CheckLength(IncomingCall& call, const PlannedTarget& target) {
  const ModelFacts& facts = target.facts;
  if (facts.input_tokens_limit == 0) return absl::OkStatus();
  const int64_t most = facts.limits_are_certain
                           ? facts.input_tokens_limit
                           : facts.input_tokens_limit * kHintSlack;
  // By its bytes first, which is cheap: most requests are far from the limit,
  // and only those near it are read and counted.
  const auto bytes = static_cast<int64_t>(call.facts.request_bytes);
  if (bytes / kBytesPerToken <= most) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const v1::GenerateRequest* request,
                           call.ParsedRequest());
  const int64_t tokens = EstimateInputTokens(*request);
  if (tokens <= most) return absl::OkStatus();
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED,
      absl::StrCat("the prompt has about ", tokens,
                   " tokens; the context window of '", ToAbsl(target.model),
                   "' has ", facts.input_tokens_limit));
  AddFaultMetadata(fault, "limit", absl::StrCat(facts.input_tokens_limit));
  return fault;
}

absl::Status CheckOutput(const IncomingCall& call,
                         const PlannedTarget& target) {
  const ModelFacts& facts = target.facts;
  if (!facts.limits_are_certain || facts.output_tokens_limit == 0) {
    return absl::OkStatus();
  }
  int64_t wanted = 0;
  if (call.raw != nullptr) {
    wanted = call.raw->scan.output_tokens_max.value_or(0);
  } else if (call.request != nullptr) {
    wanted = call.request->max_output_tokens();
  }
  if (wanted <= facts.output_tokens_limit) return absl::OkStatus();
  return InvalidField(
      "max_output_tokens",
      absl::StrCat("is ", wanted, "; the model '", ToAbsl(target.model),
                   "' makes at most ", facts.output_tokens_limit));
}

}  // namespace

absl::Status CheckCapabilities(IncomingCall& call,
                               const PlannedTarget& target) {
  if (call.request == nullptr && call.raw == nullptr) return absl::OkStatus();
  GATEWAY_RETURN_IF_ERROR(CheckNeeds(call, target));
  GATEWAY_RETURN_IF_ERROR(CheckOutput(call, target));
  return CheckLength(call, target);
}

}  // namespace gateway
