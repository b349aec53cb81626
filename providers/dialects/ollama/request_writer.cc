#include "providers/dialects/ollama/request_writer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "providers/dialects/ollama/fields.h"
#include "providers/dialects/ollama/keep_alive.h"
#include "providers/dialects/ollama/message_writer.h"

namespace gateway::ollama {
namespace {

using Choice = v1::ToolChoice;
using Settings = v1::ReasoningSettings;

// The schema of a tool whose input is free text.
constexpr std::string_view kFreeTextSchema =
    R"({"type":"object","properties":{"input":{"type":"string"}},)"
    R"("required":["input"]})";

// The schema of a function without arguments.
constexpr std::string_view kNoArgumentsSchema =
    R"({"type":"object","properties":{}})";

struct EffortName {
  Settings::Effort effort;
  std::string_view word;
};

// The nearest effort that the format has a name for.
constexpr EffortName kEffortNames[] = {
    {Settings::EFFORT_MINIMAL, "low"},   {Settings::EFFORT_LOW, "low"},
    {Settings::EFFORT_MEDIUM, "medium"}, {Settings::EFFORT_HIGH, "high"},
    {Settings::EFFORT_XHIGH, "max"},     {Settings::EFFORT_MAX, "max"}};

std::string_view WordOfEffort(Settings::Effort effort) {
  for (const EffortName& known : kEffortNames) {
    if (known.effort == effort) return known.word;
  }
  return {};
}

const std::string& NameOf(const v1::Tool& tool) {
  return tool.has_custom() ? tool.custom().name() : tool.function().name();
}

// Writes one request.
class RequestWriter {
 public:
  RequestWriter(const v1::GenerateRequest& request, std::string* body,
                DroppedFields& dropped)
      : request_(request),
        dropped_(dropped),
        json_(body),
        object_(kFormat, json_) {}

  absl::Status Write(const WriteRequestOptions& options,
                     std::string_view keep_alive);

 private:
  absl::Status WriteTools();
  absl::Status WriteTool(const v1::Tool& tool, std::string_view place);
  absl::Status WriteFunction(const v1::FunctionTool& function,
                             std::string_view place, ObjectWriter& object);
  void WriteCustom(const v1::CustomTool& custom, ObjectWriter& object);
  bool IsOffered(const v1::Tool& tool) const;
  void TellToolChoice();
  absl::Status WriteFormat();
  void WriteThink();
  void WriteLogprobs();
  absl::Status WriteOptions();
  void WriteSampling(const v1::Sampling& sampling, ObjectWriter& options);
  void ReportDropped();

  const v1::GenerateRequest& request_;
  DroppedFields& dropped_;
  JsonWriter json_;
  ObjectWriter object_;
};

absl::Status RequestWriter::Write(const WriteRequestOptions& options,
                                  std::string_view keep_alive) {
  object_.Text("model", options.model);
  MessageWriter messages(dropped_);
  GATEWAY_RETURN_IF_ERROR(messages.Write(request_, object_.Field("messages")));
  object_.Bool("stream", options.stream);
  GATEWAY_RETURN_IF_ERROR(WriteTools());
  GATEWAY_RETURN_IF_ERROR(WriteFormat());
  WriteThink();
  WriteLogprobs();
  GATEWAY_RETURN_IF_ERROR(WriteOptions());
  ReportDropped();
  GATEWAY_RETURN_IF_ERROR(object_.Extensions(request_.extensions(), ""));
  WriteKeepAlive(keep_alive, object_);
  object_.End();
  return absl::OkStatus();
}

bool RequestWriter::IsOffered(const v1::Tool& tool) const {
  const Choice& choice = request_.tool_choice();
  if (choice.mode() == Choice::MODE_NONE) return false;
  if (choice.mode() == Choice::MODE_TOOL) {
    return NameOf(tool) == choice.tool_name();
  }
  const auto& allowed = choice.allowed_tools();
  return allowed.empty() || std::find(allowed.begin(), allowed.end(),
                                      NameOf(tool)) != allowed.end();
}

void RequestWriter::TellToolChoice() {
  switch (request_.tool_choice().mode()) {
    case Choice::MODE_REQUIRED:
      dropped_.Changed("tool_choice",
                       "left to the model: Ollama cannot require a call");
      return;
    case Choice::MODE_TOOL:
      dropped_.Changed("tool_choice",
                       "only this tool is offered: Ollama cannot require its "
                       "call");
      return;
    default:
      return;
  }
}

absl::Status RequestWriter::WriteTools() {
  if (request_.tools_size() > 0) TellToolChoice();
  bool started = false;
  for (int i = 0; i < request_.tools_size(); ++i) {
    const v1::Tool& tool = request_.tools(i);
    dropped_.Foreign("tools[]", tool.extensions());
    if (tool.has_cache_hint()) {
      dropped_.Changed("tools[].cache_hint",
                       "left out: Ollama caches prompts of its own accord");
    }
    const std::string place = absl::StrCat("tools[", i, "]");
    if (tool.kind_case() == v1::Tool::KIND_NOT_SET) {
      return InvalidField(place, "function, custom or provider is required");
    }
    if (tool.has_provider()) {
      dropped_.Changed("tools[].provider",
                       "left out: Ollama runs no tools of its own");
      continue;
    }
    if (!IsOffered(tool)) continue;
    if (!started) object_.Field("tools").StartArray();
    started = true;
    GATEWAY_RETURN_IF_ERROR(WriteTool(tool, place));
  }
  if (started) json_.EndArray();
  return absl::OkStatus();
}

absl::Status RequestWriter::WriteTool(const v1::Tool& tool,
                                      std::string_view place) {
  ObjectWriter object(kFormat, json_);
  object.Text("type", "function");
  ObjectWriter function(kFormat, object.Field("function"));
  if (tool.has_custom()) {
    WriteCustom(tool.custom(), function);
  } else {
    GATEWAY_RETURN_IF_ERROR(WriteFunction(tool.function(), place, function));
  }
  GATEWAY_RETURN_IF_ERROR(
      function.Extensions(tool.extensions(), place, "function"));
  function.End();
  GATEWAY_RETURN_IF_ERROR(object.Extensions(tool.extensions(), place));
  object.End();
  return absl::OkStatus();
}

absl::Status RequestWriter::WriteFunction(const v1::FunctionTool& function,
                                          std::string_view place,
                                          ObjectWriter& object) {
  if (function.strict()) dropped_.LeftOut("tools[].function.strict");
  object.Text("name", function.name());
  if (!function.description().empty()) {
    object.Text("description", function.description());
  }
  if (function.parameters_schema().empty()) {
    object.Field("parameters").Raw(kNoArgumentsSchema);
    return absl::OkStatus();
  }
  return object.Json(
      "parameters", function.parameters_schema(),
      absl::StrCat(ToAbsl(place), ".function.parameters_schema"));
}

void RequestWriter::WriteCustom(const v1::CustomTool& custom,
                                ObjectWriter& object) {
  dropped_.Changed("tools[].custom",
                   "became a function whose argument `input` is the text");
  if (!custom.grammar_syntax().empty()) {
    dropped_.LeftOut("tools[].custom.grammar_definition");
  }
  object.Text("name", custom.name());
  if (!custom.description().empty()) {
    object.Text("description", custom.description());
  }
  object.Field("parameters").Raw(kFreeTextSchema);
}

absl::Status RequestWriter::WriteFormat() {
  const v1::ResponseFormat& format = request_.response_format();
  if (!format.description().empty()) {
    dropped_.LeftOut("response_format.description");
  }
  if (format.kind() == v1::ResponseFormat::KIND_JSON_OBJECT) {
    object_.Text("format", "json");
  } else if (format.kind() == v1::ResponseFormat::KIND_JSON_SCHEMA) {
    return object_.Json("format", format.schema(), "response_format.schema");
  }
  return absl::OkStatus();
}

void RequestWriter::WriteThink() {
  const Settings& settings = request_.reasoning();
  if (settings.has_budget_tokens()) {
    dropped_.LeftOut("reasoning.budget_tokens");
  }
  if (!settings.display().empty()) dropped_.LeftOut("reasoning.display");
  if (settings.mode() == Settings::MODE_DISABLED ||
      settings.effort() == Settings::EFFORT_NONE) {
    object_.Bool("think", false);
    return;
  }
  if (settings.effort() != Settings::EFFORT_UNSPECIFIED) {
    const std::string_view word = WordOfEffort(settings.effort());
    if (settings.effort() == Settings::EFFORT_MINIMAL ||
        settings.effort() == Settings::EFFORT_XHIGH) {
      dropped_.Changed("reasoning.effort",
                       absl::StrCat("became ", ToAbsl(word)));
    }
    object_.Text("think", word);
    return;
  }
  // A budget without a mode turns reasoning on, too.
  if (settings.mode() != Settings::MODE_UNSPECIFIED ||
      settings.has_budget_tokens()) {
    object_.Bool("think", true);
  }
}

void RequestWriter::WriteLogprobs() {
  const v1::Sampling& sampling = request_.sampling();
  if (sampling.has_logprobs()) object_.Bool("logprobs", sampling.logprobs());
  if (sampling.has_top_logprobs()) {
    object_.Int64("top_logprobs", sampling.top_logprobs());
  }
}

absl::Status RequestWriter::WriteOptions() {
  const v1::Sampling& sampling = request_.sampling();
  const bool has_any =
      request_.has_max_output_tokens() || sampling.has_temperature() ||
      sampling.has_top_p() || sampling.has_top_k() || sampling.has_seed() ||
      sampling.has_frequency_penalty() || sampling.has_presence_penalty() ||
      !sampling.stop().empty() ||
      HasNestedExtension(request_.extensions(), "options");
  if (!has_any) return absl::OkStatus();
  ObjectWriter options(kFormat, object_.Field("options"));
  if (request_.has_max_output_tokens()) {
    options.Int64("num_predict", request_.max_output_tokens());
  }
  WriteSampling(sampling, options);
  GATEWAY_RETURN_IF_ERROR(
      options.Extensions(request_.extensions(), "", "options"));
  options.End();
  return absl::OkStatus();
}

void RequestWriter::WriteSampling(const v1::Sampling& sampling,
                                  ObjectWriter& options) {
  if (sampling.has_temperature()) {
    options.Double("temperature", sampling.temperature());
  }
  if (sampling.has_top_p()) options.Double("top_p", sampling.top_p());
  if (sampling.has_top_k()) options.Int64("top_k", sampling.top_k());
  if (sampling.has_seed()) options.Int64("seed", sampling.seed());
  if (sampling.has_frequency_penalty()) {
    options.Double("frequency_penalty", sampling.frequency_penalty());
  }
  if (sampling.has_presence_penalty()) {
    options.Double("presence_penalty", sampling.presence_penalty());
  }
  if (sampling.stop().empty()) return;
  JsonWriter& json = options.Field("stop");
  json.StartArray();
  for (const std::string& stop : sampling.stop()) json.String(stop);
  json.EndArray();
}

void RequestWriter::ReportDropped() {
  const v1::Sampling& sampling = request_.sampling();
  if (!sampling.logit_bias().empty()) dropped_.LeftOut("sampling.logit_bias");
  if (sampling.choice_count() > 1) dropped_.LeftOut("sampling.choice_count");
  if (request_.has_parallel_tool_calls() && !request_.parallel_tool_calls()) {
    dropped_.LeftOut("parallel_tool_calls");
  }
  if (request_.has_audio_output()) dropped_.LeftOut("audio_output");
  for (const std::string& modality : request_.modalities()) {
    if (modality != "text") dropped_.LeftOut("modalities");
  }
  if (request_.has_cache_hint()) {
    dropped_.Changed("cache_hint",
                     "left out: Ollama caches prompts of its own accord");
  }
  if (!request_.prompt_cache_key().empty()) {
    dropped_.LeftOut("prompt_cache_key");
  }
  if (!request_.service_tier().empty() && request_.service_tier() != "auto") {
    dropped_.LeftOut("service_tier");
  }
  if (!request_.verbosity().empty()) dropped_.LeftOut("verbosity");
  if (request_.store()) dropped_.LeftOut("store");
  dropped_.Foreign("", request_.extensions());
}

}  // namespace

absl::Status WriteRequest(const v1::GenerateRequest& request,
                          const WriteRequestOptions& options,
                          std::string_view keep_alive, std::string* body,
                          std::vector<v1::Warning>* warnings) {
  DroppedFields dropped(kDialect, warnings);
  return RequestWriter(request, body, dropped).Write(options, keep_alive);
}

}  // namespace gateway::ollama
