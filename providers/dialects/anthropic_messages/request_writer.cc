#include "providers/dialects/anthropic_messages/request_writer.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "providers/dialects/anthropic_messages/content_writer.h"
#include "providers/dialects/anthropic_messages/fields.h"
#include "providers/dialects/anthropic_messages/model_limits.h"
#include "providers/dialects/anthropic_messages/turns.h"
#include "providers/dialects/anthropic_messages/vendor_names.h"
#include "providers/models/model_family.h"

namespace gateway::anthropic {
namespace {

// The schema of a tool whose input is free text.
constexpr std::string_view kFreeTextSchema =
    R"({"type":"object","properties":{"input":{"type":"string"}},)"
    R"("required":["input"]})";

// The schema of a function without arguments, since the format requires one.
constexpr std::string_view kNoArgumentsSchema =
    R"({"type":"object","properties":{}})";

// Asks a model to go on with its own words that the conversation ends with,
// where it does not by itself.
constexpr std::string_view kGoOn =
    "Go on exactly where your last message ends, without repeating any of it.";

// Writes one request.
class RequestWriter {
 public:
  // `known_limit` is the most that the model answers with; 0 if not known.
  RequestWriter(const v1::GenerateRequest& request, std::string_view model,
                int64_t known_limit, std::string* body, DroppedFields& dropped)
      : request_(request),
        model_(model),
        family_(FamilyOf(model)),
        dropped_(dropped),
        known_limit_(known_limit),
        limit_(LimitOf(request, known_limit, family_)),
        reasoning_(FitReasoning(request, limit_, family_, dropped)),
        json_(body),
        object_(kFormat, json_),
        content_(ContentWriter::Side::kRequest, dropped) {}

  absl::Status Write(const WriteRequestOptions& options);
  absl::Status WriteForCounting();

 private:
  absl::Status WritePrompt();
  absl::Status WriteMessages(const Conversation& conversation);
  absl::Status WriteTurn(const Turn& turn, std::string_view place);
  absl::Status WriteTools();
  absl::Status WriteFunction(const v1::Tool& tool, std::string_view place);
  absl::Status WriteCustom(const v1::Tool& tool, std::string_view place);
  absl::Status FinishTool(const v1::Tool& tool, std::string_view place,
                          ObjectWriter& object);
  bool IsOffered(const v1::Tool& tool) const;
  absl::Status WriteToolChoice();
  absl::Status WriteThinking();
  absl::Status WriteOutputConfig();
  absl::Status WriteMetadata();
  void WriteLimit();
  void WriteSampling();
  void WriteServiceTier();
  void ReportDropped();
  bool TakesSchemas() const { return family_ == nullptr || family_->schema; }

  const v1::GenerateRequest& request_;
  const std::string_view model_;
  const ModelFamily* const family_;  // Null if it is not known.
  DroppedFields& dropped_;
  const int64_t known_limit_;
  const int64_t limit_;  // 0 if it is not known.
  const WireReasoning reasoning_;
  JsonWriter json_;
  ObjectWriter object_;
  ContentWriter content_;
  int tools_written_ = 0;
};

absl::Status RequestWriter::Write(const WriteRequestOptions& options) {
  object_.Text("model", model_);
  WriteLimit();
  if (options.stream) object_.Bool("stream", true);
  GATEWAY_RETURN_IF_ERROR(WritePrompt());
  WriteSampling();
  GATEWAY_RETURN_IF_ERROR(WriteMetadata());
  WriteServiceTier();
  ReportDropped();
  GATEWAY_RETURN_IF_ERROR(object_.Extensions(request_.extensions(), ""));
  object_.End();
  return absl::OkStatus();
}

absl::Status RequestWriter::WriteForCounting() {
  object_.Text("model", model_);
  GATEWAY_RETURN_IF_ERROR(WritePrompt());
  object_.End();
  return absl::OkStatus();
}

absl::Status RequestWriter::WritePrompt() {
  const Conversation conversation = Arrange(request_, content_, dropped_);
  if (!conversation.system.empty()) {
    GATEWAY_RETURN_IF_ERROR(content_.WriteContent(conversation.system, "system",
                                                  object_.Field("system")));
  }
  GATEWAY_RETURN_IF_ERROR(WriteMessages(conversation));
  GATEWAY_RETURN_IF_ERROR(WriteTools());
  GATEWAY_RETURN_IF_ERROR(WriteToolChoice());
  GATEWAY_RETURN_IF_ERROR(WriteThinking());
  GATEWAY_RETURN_IF_ERROR(WriteOutputConfig());
  if (request_.has_cache_hint()) {
    WriteCacheControl(request_.cache_hint(), "", object_, dropped_);
  }
  return absl::OkStatus();
}

void RequestWriter::WriteLimit() {
  if (request_.has_max_output_tokens()) {
    object_.Int64("max_tokens", request_.max_output_tokens());
    return;
  }
  // Reasoning counts towards the limit, so a limit that we choose makes room
  // for it.
  const int64_t limit =
      limit_ > 0 ? limit_ : kOutputTokensUsual + reasoning_.budget_tokens;
  object_.Int64("max_tokens", limit);
  if (limit == known_limit_) return;
  dropped_.Changed(
      "max_output_tokens",
      absl::StrCat(known_limit_ == 0
                       ? "the provider requires a limit, none was given and "
                         "the model's is not known"
                       : "none was given, and the model's own has no room "
                         "beside the prompt",
                   "; it was asked for at most ", limit, " tokens"));
}

absl::Status RequestWriter::WriteMessages(const Conversation& conversation) {
  JsonWriter& json = object_.Field("messages");
  json.StartArray();
  for (size_t i = 0; i < conversation.turns.size(); ++i) {
    GATEWAY_RETURN_IF_ERROR(
        WriteTurn(conversation.turns[i], absl::StrCat("messages[", i, "]")));
  }
  if (!conversation.turns.empty() &&
      conversation.turns.back().role == "assistant" &&
      !TakesPrefill(reasoning_, family_)) {
    ObjectWriter turn(kFormat, json_);
    turn.Text("role", "user");
    turn.Text("content", kGoOn);
    turn.End();
    dropped_.Changed("messages",
                     "the model does not go on with a turn of its own; one of "
                     "the user's was added that asks for it");
  }
  json.EndArray();
  return absl::OkStatus();
}

absl::Status RequestWriter::WriteTurn(const Turn& turn,
                                      std::string_view place) {
  std::vector<const v1::Part*> parts = turn.results;
  parts.insert(parts.end(), turn.parts.begin(), turn.parts.end());
  ObjectWriter object(kFormat, json_);
  if (!turn.role.empty()) object.Text("role", turn.role);
  GATEWAY_RETURN_IF_ERROR(
      content_.WriteContent(parts, place, object.Field("content")));
  for (const v1::Message* source : turn.sources) {
    GATEWAY_RETURN_IF_ERROR(object.Extensions(source->extensions(), place));
  }
  object.End();
  return absl::OkStatus();
}

// The format cannot restrict a choice to some tools, so the others are not
// offered.
bool RequestWriter::IsOffered(const v1::Tool& tool) const {
  const auto& allowed = request_.tool_choice().allowed_tools();
  if (allowed.empty()) return true;
  const std::string& name =
      tool.has_custom() ? tool.custom().name() : tool.function().name();
  return std::find(allowed.begin(), allowed.end(), name) != allowed.end();
}

absl::Status RequestWriter::WriteTools() {
  bool started = false;
  for (int i = 0; i < request_.tools_size(); ++i) {
    const v1::Tool& tool = request_.tools(i);
    const std::string place = absl::StrCat("tools[", i, "]");
    dropped_.Foreign("tools[]", tool.extensions());
    if (!IsOffered(tool)) continue;
    if (tool.has_provider() && tool.provider().dialect() != kDialect) {
      dropped_.Changed(
          "tools[].provider",
          absl::StrCat("left out: only ", tool.provider().dialect(),
                       " knows this tool"));
      continue;
    }
    if (tool.kind_case() == v1::Tool::KIND_NOT_SET) {
      return InvalidField(place, "function, custom or provider is required");
    }
    if (!started) object_.Field("tools").StartArray();
    started = true;
    ++tools_written_;
    if (tool.has_provider()) {
      const std::string& json = tool.provider().json();
      if (absl::Status status = CheckJson(json); !status.ok()) {
        return InvalidField(absl::StrCat(place, ".provider.json"),
                            ToStd(status.message()));
      }
      json_.Raw(json);
    } else if (tool.has_custom()) {
      GATEWAY_RETURN_IF_ERROR(WriteCustom(tool, place));
    } else {
      GATEWAY_RETURN_IF_ERROR(WriteFunction(tool, place));
    }
  }
  if (started) json_.EndArray();
  return absl::OkStatus();
}

absl::Status RequestWriter::WriteFunction(const v1::Tool& tool,
                                          std::string_view place) {
  const v1::FunctionTool& function = tool.function();
  ObjectWriter object(kFormat, json_);
  object.Text("name", function.name());
  if (!function.description().empty()) {
    object.Text("description", function.description());
  }
  if (function.parameters_schema().empty()) {
    object.Field("input_schema").Raw(kNoArgumentsSchema);
  } else {
    GATEWAY_RETURN_IF_ERROR(object.Json(
        "input_schema", function.parameters_schema(),
        absl::StrCat(ToAbsl(place), ".function.parameters_schema")));
  }
  if (function.strict() && !TakesSchemas()) {
    dropped_.LeftOut("tools[].function.strict");
  } else if (function.has_strict() && TakesSchemas()) {
    object.Bool("strict", function.strict());
  }
  return FinishTool(tool, place, object);
}

absl::Status RequestWriter::WriteCustom(const v1::Tool& tool,
                                        std::string_view place) {
  const v1::CustomTool& custom = tool.custom();
  dropped_.Changed("tools[].custom",
                   "became a function whose argument `input` is the text");
  if (!custom.grammar_syntax().empty()) {
    dropped_.LeftOut("tools[].custom.grammar_definition");
  }
  ObjectWriter object(kFormat, json_);
  object.Text("name", custom.name());
  if (!custom.description().empty()) {
    object.Text("description", custom.description());
  }
  object.Field("input_schema").Raw(kFreeTextSchema);
  return FinishTool(tool, place, object);
}

absl::Status RequestWriter::FinishTool(const v1::Tool& tool,
                                       std::string_view place,
                                       ObjectWriter& object) {
  if (tool.has_cache_hint()) {
    WriteCacheControl(tool.cache_hint(), "tools[]", object, dropped_);
  }
  GATEWAY_RETURN_IF_ERROR(object.Extensions(tool.extensions(), place));
  object.End();
  return absl::OkStatus();
}

absl::Status RequestWriter::WriteToolChoice() {
  using Choice = v1::ToolChoice;
  const Choice& choice = request_.tool_choice();
  Choice::Mode mode = choice.mode();
  const bool one_at_a_time =
      request_.has_parallel_tool_calls() && !request_.parallel_tool_calls();
  const bool has_more =
      HasNestedExtension(request_.extensions(), "tool_choice");
  // No choice is written if no tool could be carried.
  if (tools_written_ == 0 && request_.tools_size() > 0) {
    if (mode == Choice::MODE_REQUIRED || mode == Choice::MODE_TOOL) {
      dropped_.Changed("tool_choice", "left out: no tool is left to choose");
    }
    return absl::OkStatus();
  }
  if (mode == Choice::MODE_UNSPECIFIED) {
    const bool needed = (one_at_a_time && tools_written_ > 0) || has_more;
    if (!needed) return absl::OkStatus();
    mode = Choice::MODE_AUTO;
  }
  const bool forced =
      mode == Choice::MODE_REQUIRED || mode == Choice::MODE_TOOL;
  if (forced && !TakesForcedTool(family_)) {
    dropped_.Changed("tool_choice",
                     "became auto: the model cannot be made to call a tool");
    mode = Choice::MODE_AUTO;
  }
  ObjectWriter object(kFormat, object_.Field("tool_choice"));
  object.Text("type", mode == Choice::MODE_NONE       ? "none"
                      : mode == Choice::MODE_REQUIRED ? "any"
                      : mode == Choice::MODE_TOOL     ? "tool"
                                                      : "auto");
  if (mode == Choice::MODE_TOOL) object.Text("name", choice.tool_name());
  if (request_.has_parallel_tool_calls() && mode != Choice::MODE_NONE) {
    object.Bool("disable_parallel_tool_use", one_at_a_time);
  }
  GATEWAY_RETURN_IF_ERROR(
      object.Extensions(request_.extensions(), "", "tool_choice"));
  object.End();
  return absl::OkStatus();
}

absl::Status RequestWriter::WriteThinking() {
  const std::string& display = request_.reasoning().display();
  if (reasoning_.type.empty()) return absl::OkStatus();
  ObjectWriter object(kFormat, object_.Field("thinking"));
  object.Text("type", reasoning_.type);
  if (reasoning_.budget_tokens > 0) {
    object.Int64("budget_tokens", reasoning_.budget_tokens);
  }
  if (!display.empty() && reasoning_.type != "disabled") {
    object.Text("display", display);
  }
  GATEWAY_RETURN_IF_ERROR(
      object.Extensions(request_.extensions(), "", "thinking"));
  object.End();
  return absl::OkStatus();
}

absl::Status RequestWriter::WriteOutputConfig() {
  const std::string_view effort = reasoning_.effort;
  const v1::ResponseFormat& format = request_.response_format();
  bool has_schema = format.kind() == v1::ResponseFormat::KIND_JSON_SCHEMA;
  if (has_schema && !TakesSchemas()) {
    dropped_.Changed("response_format", "left out: the model takes no schema");
    has_schema = false;
  }
  if (format.kind() == v1::ResponseFormat::KIND_JSON_OBJECT) {
    dropped_.Changed("response_format",
                     "left out: the provider has no JSON mode without a "
                     "schema; ask for JSON in the prompt or give a schema");
  }
  if (!format.description().empty()) {
    dropped_.LeftOut("response_format.description");
  }
  if (effort.empty() && !has_schema &&
      !HasNestedExtension(request_.extensions(), "output_config")) {
    return absl::OkStatus();
  }
  ObjectWriter object(kFormat, object_.Field("output_config"));
  if (!effort.empty()) object.Text("effort", effort);
  if (has_schema) {
    ObjectWriter form(kFormat, object.Field("format"));
    form.Text("type", "json_schema");
    GATEWAY_RETURN_IF_ERROR(
        form.Json("schema", format.schema(), "response_format.schema"));
    form.End();
  }
  GATEWAY_RETURN_IF_ERROR(
      object.Extensions(request_.extensions(), "", "output_config"));
  object.End();
  return absl::OkStatus();
}

absl::Status RequestWriter::WriteMetadata() {
  const std::string& user_id = request_.scope().user_id();
  if (user_id.empty() &&
      !HasNestedExtension(request_.extensions(), "metadata")) {
    return absl::OkStatus();
  }
  ObjectWriter object(kFormat, object_.Field("metadata"));
  if (!user_id.empty()) object.Text("user_id", user_id);
  GATEWAY_RETURN_IF_ERROR(
      object.Extensions(request_.extensions(), "", "metadata"));
  object.End();
  return absl::OkStatus();
}

void RequestWriter::WriteSampling() {
  const v1::Sampling& sampling = request_.sampling();
  const WireSampling fitted =
      FitSampling(sampling, reasoning_, family_, dropped_);
  if (fitted.temperature.has_value()) {
    object_.Double("temperature", *fitted.temperature);
  }
  if (fitted.top_p.has_value()) object_.Double("top_p", *fitted.top_p);
  if (fitted.top_k.has_value()) object_.Int64("top_k", *fitted.top_k);
  if (!sampling.stop().empty()) {
    JsonWriter& json = object_.Field("stop_sequences");
    json.StartArray();
    for (const std::string& stop : sampling.stop()) json.String(stop);
    json.EndArray();
  }
}

void RequestWriter::WriteServiceTier() {
  const std::string& tier = request_.service_tier();
  if (tier.empty()) return;
  if (tier == "auto" || tier == "standard_only") {
    object_.Text("service_tier", tier);
  } else if (tier == "default") {
    object_.Text("service_tier", "standard_only");
  } else {
    dropped_.LeftOut("service_tier");
  }
}

void RequestWriter::ReportDropped() {
  const v1::Sampling& sampling = request_.sampling();
  if (sampling.has_frequency_penalty()) {
    dropped_.LeftOut("sampling.frequency_penalty");
  }
  if (sampling.has_presence_penalty()) {
    dropped_.LeftOut("sampling.presence_penalty");
  }
  if (sampling.has_seed()) dropped_.LeftOut("sampling.seed");
  if (!sampling.logit_bias().empty()) dropped_.LeftOut("sampling.logit_bias");
  if (sampling.logprobs()) dropped_.LeftOut("sampling.logprobs");
  if (sampling.top_logprobs() > 0) dropped_.LeftOut("sampling.top_logprobs");
  if (sampling.choice_count() > 1) dropped_.LeftOut("sampling.choice_count");
  if (request_.has_audio_output()) dropped_.LeftOut("audio_output");
  for (const std::string& modality : request_.modalities()) {
    if (modality != "text") dropped_.LeftOut("modalities");
  }
  if (!request_.prompt_cache_key().empty()) {
    dropped_.LeftOut("prompt_cache_key");
  }
  if (!request_.verbosity().empty()) dropped_.LeftOut("verbosity");
  if (request_.store()) dropped_.LeftOut("store");
  dropped_.Foreign("", request_.extensions());
}

}  // namespace

absl::Status WriteRequest(const v1::GenerateRequest& request,
                          const WriteRequestOptions& options, std::string* body,
                          std::vector<v1::Warning>* warnings) {
  DroppedFields dropped(kDialect, warnings);
  return RequestWriter(request, options.model, options.output_tokens_limit,
                       body, dropped)
      .Write(options);
}

absl::Status WriteCountTokensRequest(const v1::GenerateRequest& request,
                                     std::string_view model,
                                     std::string* body) {
  DroppedFields dropped(kDialect, nullptr);
  return RequestWriter(request, model, /*known_limit=*/0, body, dropped)
      .WriteForCounting();
}

}  // namespace gateway::anthropic
