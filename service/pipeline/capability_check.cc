#include "service/pipeline/capability_check.h"

#include <algorithm>
#include <array>
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
#include "service/routing/selection/model_policy.h"

namespace gateway {
namespace {

// Estimates are rough and the shipped limits are hints, so that only twice as
// much is too much for them.
constexpr int64_t kHintSlack = 2;

constexpr int64_t kBytesPerToken = 4;

// What every raw request with some need has in it: one of these. Most are keys,
// as far as the vendors' formats begin them alike. Empty ones stand behind the
// last.
using Marks = std::array<std::string_view, 5>;

// A request's need that not every model can serve.
struct Need {
  ModelAbility ability;
  Marks marks;
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
  if (request.has_audio_output()) return "audio_output";
  for (int i = 0; i < request.modalities_size(); ++i) {
    // Gemini's word is in upper case.
    if (absl::EqualsIgnoreCase(request.modalities(i), "audio")) {
      return absl::StrCat("modalities[", i, "]");
    }
  }
  return "";
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

// Only where the caller says so: unsaid, several calls in one turn are what a
// model may make, and not what it must be able to.
std::string FindParallelTools(const v1::GenerateRequest& request) {
  return request.parallel_tool_calls() ? "parallel_tool_calls" : "";
}

// Not among them: streams, of which more is known than what stands in the
// request; schemas, which are made up for (AsksForSchema); marks of what to
// cache, without which the answer is the same; and counts of tokens, which are
// estimated.
constexpr Need kNeeds[] = {
    {kAbilityImageInput, {"image"}, "read pictures", FindImage},
    {kAbilityAudioInput, {"audio"}, "read sound", FindAudio},
    {kAbilityDocumentInput,
     {"\"file", "\"input_file\"", "\"document\"", "\"inlineData\"",
      "\"inline_data\""},
     "read documents",
     FindDocument},
    {kAbilityAudioOutput, {"audio", "AUDIO"}, "make sound", FindAudioOutput},
    {kAbilityTools, {"\"tools\"", "\"functions\""}, "call tools", FindTools},
    {kAbilityParallelTools,
     {"parallel_tool"},
     "call several tools in one turn",
     FindParallelTools},
    {kAbilityReasoning,
     {"\"reasoning", "\"thinking", "\"effort\""},
     "reason",
     FindReasoning},
};

constexpr Marks kSchemaMarks = {"json_schema", "esponseSchema",
                                "esponse_schema", "esponseJsonSchema"};

// Whether the request, if it was not read yet, has one of the marks in it.
bool MayHave(const IncomingCall& call, const Marks& marks) {
  if (call.request != nullptr) return true;
  return std::any_of(marks.begin(), marks.end(), [&](std::string_view mark) {
    return !mark.empty() &&
           absl::StrContains(ToAbsl(call.raw->body), ToAbsl(mark));
  });
}

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
  if (!facts.LacksAny()) return absl::OkStatus();
  if (call.facts.stream && facts.Lacks(kAbilityStreaming)) {
    return Unsupported(target, "stream", "stream");
  }
  for (const Need& need : kNeeds) {
    if (!facts.Lacks(need.ability) || !MayHave(call, need.marks)) continue;
    const absl::StatusOr<const v1::GenerateRequest*> request =
        call.ParsedRequest();
    // What cannot be read is its provider's to check, where that is sent it.
    if (!request.ok() && target.forwards) return absl::OkStatus();
    GATEWAY_RETURN_IF_ERROR(request.status());
    const std::string field = need.find(**request);
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
  const int64_t wanted = call.OutputTokensLimit().value_or(0);
  if (wanted <= facts.output_tokens_limit) return absl::OkStatus();
  return InvalidField(
      "max_output_tokens",
      absl::StrCat("is ", wanted, "; the model '", ToAbsl(target.model),
                   "' makes at most ", facts.output_tokens_limit));
}

CapabilitySet KnownCapabilities(const IncomingCall& call,
                                const PlannedTarget& target) {
  CapabilitySet known = 0;
  if (!target.facts.Lacks(kAbilityStreaming)) known |= kCapabilityStreaming;
  for (const std::string& name : target.facts.AbilityNames()) {
    const absl::StatusOr<Capability> capability = ParseCapability(name);
    if (capability.ok()) known |= *capability;
  }
  for (const ModelPolicy& policy :
       call.runtime->router().selector().table().policies()) {
    if (policy.provider == target.provider->name &&
        target.provider->UpstreamModel(policy.model) == target.upstream_model) {
      known |= policy.capabilities;
    }
  }
  return known;
}

}  // namespace

absl::Status CheckNamedCapabilities(const IncomingCall& call,
                                    CapabilitySet named,
                                    const PlannedTarget& target) {
  const CapabilitySet lacking =
      LackingOf(KnownCapabilities(call, target), named);
  if (lacking == 0) return absl::OkStatus();
  const bool beside = call.facts.directives != nullptr &&
                      call.facts.directives->capabilities != 0;
  const std::string_view field =
      beside ? "x-llmgateway-capabilities" : "selection.capabilities";
  const std::string lack =
      absl::StrCat("is not known to have ", CapabilityText(lacking));
  absl::Status fault =
      MakeFault(v1::ERROR_REASON_CAPABILITY_UNSUPPORTED,
                absl::StrCat("the model '", ToAbsl(target.model), "' of ",
                             target.provider->name, " ", lack, ", which ",
                             ToAbsl(field), " names"));
  AddFieldViolation(fault, field, absl::StrCat("the model ", lack));
  AddFaultMetadata(fault, "model", target.model);
  AddFaultMetadata(fault, "provider", target.provider->name);
  return fault;
}

bool AsksForSchema(IncomingCall& call) {
  if (!MayHave(call, kSchemaMarks)) return false;
  const absl::StatusOr<const v1::GenerateRequest*> request =
      call.ParsedRequest();
  return request.ok() && (*request)->response_format().kind() ==
                             v1::ResponseFormat::KIND_JSON_SCHEMA;
}

absl::Status CheckCapabilities(IncomingCall& call,
                               const PlannedTarget& target) {
  if (call.request == nullptr && call.raw == nullptr) return absl::OkStatus();
  GATEWAY_RETURN_IF_ERROR(CheckNeeds(call, target));
  GATEWAY_RETURN_IF_ERROR(CheckOutput(call, target));
  return CheckLength(call, target);
}

}  // namespace gateway
