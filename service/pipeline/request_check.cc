#include "service/pipeline/request_check.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/http/http1_codec.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "base/text/json_token.h"
#include "base/text/utf8.h"
#include "errors/fault.h"
#include "google/protobuf/repeated_field.h"
#include "service/pipeline/part_check.h"
#include "service/pipeline/selection_messages.h"
#include "service/pipeline/violations.h"

namespace gateway {
namespace {

constexpr size_t kNameCharactersMax = 256;
constexpr size_t kKeyCharactersMax = 128;
constexpr size_t kLabelKeyCharactersMax = 64;
constexpr size_t kLabelValueCharactersMax = 512;
constexpr size_t kToolNameCharactersMax = 64;
constexpr int kStopsMax = 16;
constexpr int kChoicesMax = 128;
constexpr int kTopLogprobsMax = 20;
constexpr int kModalitiesMax = 16;

bool IsToolName(std::string_view name) {
  if (name.empty() || name.size() > kToolNameCharactersMax) return false;
  for (const char c : name) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!fits) return false;
  }
  return true;
}

// Adds that a text of more than `max` bytes has more characters, too.
void CheckLongText(std::string_view text, size_t max, const FieldPath& path,
                   Violations* violations) {
  if (static_cast<size_t>(CountCharacters(text)) > max) {
    violations->Add(path, absl::StrCat("is longer than ", max, " characters"));
  }
}

inline void CheckText(std::string_view text, size_t max, const FieldPath& path,
                      Violations* violations) {
  if (text.size() > max) CheckLongText(text, max, path, violations);
}

using Texts = google::protobuf::RepeatedPtrField<std::string>;

// Names of some kind: so many, none empty, none too long.
void CheckSomeTexts(const Texts& texts, int count_max, size_t characters_max,
                    const FieldPath& path, Violations* violations) {
  if (texts.size() > count_max) {
    violations->Add(path,
                    absl::StrCat("has more than ", count_max, " entries"));
    return;
  }
  for (int i = 0; i < texts.size(); ++i) {
    const FieldPath at(path, i);
    if (texts[i].empty()) violations->Add(at, "is empty");
    CheckText(texts[i], characters_max, at, violations);
  }
}

// Most lists of names are empty.
inline void CheckTexts(const Texts& texts, int count_max, const FieldPath& path,
                       Violations* violations) {
  if (texts.empty()) return;
  CheckSomeTexts(texts, count_max, kNameCharactersMax, path, violations);
}

void CheckNumber(double number, double min, double max, const FieldPath& path,
                 Violations* violations) {
  // Written so that NaN fails.
  if (!(number >= min && number <= max)) {
    violations->Add(path, absl::StrCat("must lie in ", min, " to ", max));
  }
}

void CheckJsonText(std::string_view json, const FieldPath& path,
                   Violations* violations) {
  if (!CheckJson(json).ok()) {
    violations->Add(path, "is not JSON");
  } else if (HasLoneSurrogate(json)) {
    violations->Add(path, kLoneSurrogate);
  }
}

void CheckSampling(const v1::Sampling& sampling, Violations* violations) {
  const auto number = [&](bool present, double value, double min, double max,
                          const char* path) {
    if (present) CheckNumber(value, min, max, path, violations);
  };
  number(sampling.has_temperature(), sampling.temperature(), 0, 2,
         "sampling.temperature");
  number(sampling.has_top_p(), sampling.top_p(), 0, 1, "sampling.top_p");
  if (sampling.top_k() < 0) {
    violations->Add("sampling.top_k", "must be at least 0");
  }
  number(sampling.has_frequency_penalty(), sampling.frequency_penalty(), -2,
         2, "sampling.frequency_penalty");
  number(sampling.has_presence_penalty(), sampling.presence_penalty(), -2, 2,
         "sampling.presence_penalty");
  number(sampling.has_top_logprobs(), sampling.top_logprobs(), 0,
         kTopLogprobsMax, "sampling.top_logprobs");
  number(sampling.has_choice_count(), sampling.choice_count(), 1, kChoicesMax,
         "sampling.choice_count");
  if (sampling.stop_size() > kStopsMax) {
    violations->Add("sampling.stop",
                    absl::StrCat("has more than ", kStopsMax, " texts"));
  }
  for (int i = 0; i < sampling.stop_size(); ++i) {
    if (sampling.stop(i).empty()) {
      violations->Add({"sampling.stop", i}, "is empty");
    }
  }
  for (const auto& [token, bias] : sampling.logit_bias()) {
    CheckNumber(bias, -100, 100, FieldPath::OfKey("sampling.logit_bias", token),
                violations);
  }
}

void CheckTool(const v1::Tool& tool, const FieldPath& path,
               Violations* violations) {
  CheckExtras(tool, path, violations);
  std::string_view name;
  switch (tool.kind_case()) {
    case v1::Tool::kFunction:
      name = tool.function().name();
      if (!tool.function().parameters_schema().empty()) {
        CheckJsonText(tool.function().parameters_schema(),
                      {path, "function.parameters_schema"}, violations);
      }
      break;
    case v1::Tool::kCustom:
      name = tool.custom().name();
      if (!tool.custom().grammar_syntax().empty() &&
          tool.custom().grammar_definition().empty()) {
        violations->Add({path, "custom.grammar_definition"},
                        "is required with grammar_syntax");
      }
      break;
    case v1::Tool::kProvider:
      if (tool.provider().dialect().empty()) {
        violations->Add({path, "provider.dialect"}, "is required");
      }
      CheckJsonText(tool.provider().json(), {path, "provider.json"},
                    violations);
      return;
    case v1::Tool::KIND_NOT_SET:
      violations->Add(path, "sets no kind: function, custom or provider");
      return;
  }
  if (!IsToolName(name)) {
    violations->Add(
        {path, tool.has_function() ? "function.name" : "custom.name"},
        absl::StrCat("must be 1 to ", kToolNameCharactersMax,
                     " letters, digits, _ or -"));
  }
}

void CheckToolChoice(const v1::GenerateRequest& request,
                     Violations* violations) {
  const v1::ToolChoice& choice = request.tool_choice();
  if (!v1::ToolChoice::Mode_IsValid(choice.mode())) {
    violations->Add("tool_choice.mode", "is not known");
  }
  if (!v1::ToolKind_IsValid(choice.tool_kind())) {
    violations->Add("tool_choice.tool_kind", "is not known");
  }
  CheckTexts(choice.allowed_tools(), request.tools_size(),
             "tool_choice.allowed_tools", violations);
  const bool named = choice.mode() == v1::ToolChoice::MODE_TOOL;
  if (named && choice.tool_name().empty()) {
    violations->Add("tool_choice.tool_name", "is required with MODE_TOOL");
  }
  if ((named || choice.mode() == v1::ToolChoice::MODE_REQUIRED) &&
      request.tools().empty()) {
    violations->Add("tools", "is required by tool_choice");
  }
}

void CheckFormat(const v1::ResponseFormat& format, Violations* violations) {
  if (!v1::ResponseFormat::Kind_IsValid(format.kind())) {
    violations->Add("response_format.kind", "is not known");
  }
  if (format.kind() == v1::ResponseFormat::KIND_JSON_SCHEMA) {
    CheckJsonText(format.schema(), "response_format.schema", violations);
  }
  if (!format.name().empty() && !IsToolName(format.name())) {
    violations->Add("response_format.name",
                    absl::StrCat("must be at most ", kToolNameCharactersMax,
                                 " letters, digits, _ or -"));
  }
}

void CheckReasoning(const v1::ReasoningSettings& reasoning,
                    Violations* violations) {
  if (!v1::ReasoningSettings::Effort_IsValid(reasoning.effort())) {
    violations->Add("reasoning.effort", "is not known");
  }
  if (!v1::ReasoningSettings::Mode_IsValid(reasoning.mode())) {
    violations->Add("reasoning.mode", "is not known");
  }
  if (reasoning.has_budget_tokens() && reasoning.budget_tokens() < 1) {
    violations->Add("reasoning.budget_tokens", "must be at least 1");
  }
}

void CheckLabels(const v1::GenerateRequest& request, int labels_max,
                 Violations* violations) {
  if (request.labels_size() > labels_max) {
    violations->Add("labels",
                    absl::StrCat("has more than ", labels_max, " entries"));
  }
  for (const auto& [key, value] : request.labels()) {
    const FieldPath path = FieldPath::OfKey("labels", key);
    CheckText(key, kLabelKeyCharactersMax, path, violations);
    CheckText(value, kLabelValueCharactersMax, path, violations);
  }
}

void CheckAudioOutput(const v1::GenerateRequest& request,
                      Violations* violations) {
  CheckTexts(request.modalities(), kModalitiesMax, "modalities", violations);
  if (!request.has_audio_output()) return;
  if (request.audio_output().voice().empty()) {
    violations->Add("audio_output.voice", "is required");
  }
  if (request.audio_output().format().empty()) {
    violations->Add("audio_output.format", "is required");
  }
}

using PathAndName = std::pair<const char*, std::string_view>;

// Checks names of something, none of which may be long.
void CheckShortNames(absl::Span<const PathAndName> names,
                     Violations* violations) {
  constexpr size_t kMax = 2 * kNameCharactersMax;
  for (const auto& [path, name] : names) {
    if (name.size() > kMax) CheckLongText(name, kMax, path, violations);
  }
}

void CheckNames(const v1::GenerateRequest& request, Violations* violations) {
  CheckText(request.idempotency_key(), kKeyCharactersMax, "idempotency_key",
            violations);
  const PathAndName names[] = {
      {"provider_id", request.provider_id()},
      {"previous_response_id", request.previous_response_id()},
      {"service_tier", request.service_tier()},
      {"prompt_cache_key", request.prompt_cache_key()},
      {"verbosity", request.verbosity()},
      {"reasoning.display", request.reasoning().display()}};
  CheckShortNames(names, violations);
  if (request.has_scope()) CheckScope(request.scope(), violations);
  if (!request.domain_tags().empty()) {
    CheckSomeTexts(request.domain_tags(), kDomainTagsMax,
                   kDomainTagCharactersMax, "domain_tags", violations);
  }
}

void CheckMessages(const v1::GenerateRequest& request, int messages_max,
                   Violations* violations) {
  if (request.messages().empty()) {
    violations->Add("messages", "is required");
  }
  if (request.messages_size() > messages_max) {
    violations->Add("messages", absl::StrCat("has more than ", messages_max,
                                             " messages"));
    return;
  }
  for (int i = 0; i < request.messages_size(); ++i) {
    CheckMessage(request.messages(i), {"messages", i}, violations);
  }
}

}  // namespace

void CheckScope(const v1::CallerScope& scope, Violations* violations) {
  const PathAndName names[] = {{"scope.user_id", scope.user_id()},
                               {"scope.session_id", scope.session_id()},
                               {"scope.work_order_id", scope.work_order_id()},
                               {"scope.agent_id", scope.agent_id()},
                               {"scope.agent_type", scope.agent_type()},
                               {"scope.project_id", scope.project_id()},
                               {"scope.contract_id", scope.contract_id()},
                               {"scope.framework_id", scope.framework_id()},
                               {"scope.tier", scope.tier()}};
  CheckShortNames(names, violations);
}

absl::Status CheckRequest(const v1::GenerateRequest& request,
                          const llmgateway::config::v1::LimitsConfig& limits,
                          bool needs_model) {
  Violations violations;
  if (needs_model && request.model().empty()) {
    violations.Add("model",
                   "is required: routing.default_target names none");
  }
  CheckText(request.model(), kNameCharactersMax, "model", &violations);
  if (!IsFieldValue(request.model())) {
    violations.Add("model", "must not contain control characters");
  }
  CheckMessages(request, limits.messages_limit(), &violations);
  if (request.has_max_output_tokens() && request.max_output_tokens() < 1) {
    violations.Add("max_output_tokens", "must be at least 1");
  }
  // Nearly every request lacks most of what is optional.
  if (request.has_sampling()) CheckSampling(request.sampling(), &violations);
  if (request.tools_size() > limits.tools_limit()) {
    violations.Add("tools", absl::StrCat("has more than ",
                                         limits.tools_limit(), " tools"));
  }
  for (int i = 0; i < request.tools_size(); ++i) {
    CheckTool(request.tools(i), {"tools", i}, &violations);
  }
  if (request.has_tool_choice()) CheckToolChoice(request, &violations);
  if (request.has_response_format()) {
    CheckFormat(request.response_format(), &violations);
  }
  if (request.has_reasoning()) CheckReasoning(request.reasoning(), &violations);
  CheckLabels(request, limits.labels_limit(), &violations);
  CheckNames(request, &violations);
  if (request.has_selection()) CheckSelection(request.selection(), &violations);
  CheckAudioOutput(request, &violations);
  CheckCacheHint(request.cache_hint(), "cache_hint", &violations);
  CheckExtensions(request.extensions(), nullptr, &violations);
  return std::move(violations).ToStatus();
}

}  // namespace gateway
