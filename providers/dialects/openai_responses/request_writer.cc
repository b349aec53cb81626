#include "providers/dialects/openai_responses/request_writer.h"

#include <algorithm>
#include <map>

#include "base/status_macros.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "providers/dialects/openai_chat/vendor_names.h"
#include "providers/dialects/openai_responses/content.h"
#include "providers/dialects/openai_responses/fields.h"
#include "providers/dialects/openai_responses/item_writer.h"
#include "providers/dialects/openai_responses/request_reader.h"
#include "providers/dialects/openai_responses/tools.h"
#include "providers/dialects/openai_responses/vendor_names.h"

namespace gateway::responses {
namespace {

// Fields that no extension may write: they are written from the contract's
// fields, which the policies have checked.
constexpr std::string_view kGovernedFields[] = {"model",
                                                "input",
                                                "instructions",
                                                "stream",
                                                "tools",
                                                "include",
                                                "max_output_tokens",
                                                "metadata",
                                                "previous_response_id"};

// Writes one request.
class RequestWriter {
 public:
  RequestWriter(const v1::GenerateRequest& request, std::string* body,
                DroppedFields& dropped)
      : request_(request),
        dropped_(dropped),
        json_(body),
        object_(kFormat, json_),
        content_(Side::kRequest, dropped) {}

  absl::Status Write(const WriteRequestOptions& options);
  absl::Status WriteForCounting(std::string_view model);

 private:
  absl::Status WritePrompt();
  absl::Status WriteReasoning();
  absl::Status WriteInclude();
  void WriteSampling();
  void WriteCaller();
  void WriteForFamily();
  void ReportDropped();
  void ReportOtherDropped();
  void Text(std::string_view key, std::string_view text) {
    if (!text.empty()) object_.Text(key, text);
  }

  const v1::GenerateRequest& request_;
  DroppedFields& dropped_;
  JsonWriter json_;
  ObjectWriter object_;
  ContentWriter content_;
};

absl::Status RequestWriter::Write(const WriteRequestOptions& options) {
  object_.Text("model", options.model);
  GATEWAY_RETURN_IF_ERROR(WritePrompt());
  if (options.stream) object_.Bool("stream", true);
  WriteSampling();
  GATEWAY_RETURN_IF_ERROR(WriteInclude());
  WriteCaller();
  if (options.pass_unsupported) {
    WriteForFamily();
  } else {
    ReportDropped();
  }
  // Must live as long as the object, which keeps views of the names.
  const ExtensionList rest = Without(request_.extensions(), kGovernedFields);
  GATEWAY_RETURN_IF_ERROR(object_.Extensions(rest, ""));
  object_.End();
  return absl::OkStatus();
}

absl::Status RequestWriter::WriteForCounting(std::string_view model) {
  object_.Text("model", model);
  GATEWAY_RETURN_IF_ERROR(WritePrompt());
  Text("previous_response_id", request_.previous_response_id());
  object_.End();
  return absl::OkStatus();
}

absl::Status RequestWriter::WritePrompt() {
  const MessageList& messages = request_.messages();
  int begin = 0;
  if (!messages.empty() && IsInstructions(messages[0])) {
    begin = 1;
    dropped_.Foreign("messages[]", messages[0].extensions());
    content_.ReportDropped(messages[0].parts(0));
    object_.Text("instructions", messages[0].parts(0).text());
  }
  const bool is_text =
      messages.size() == begin + 1 && messages[begin].role() == v1::ROLE_USER &&
      messages[begin].name().empty() && messages[begin].parts_size() == 1 &&
      messages[begin].parts(0).has_text() &&
      messages[begin].extensions().empty() &&
      messages[begin].parts(0).extensions().empty();
  if (is_text) {
    content_.ReportDropped(messages[begin].parts(0));
    object_.Text("input", messages[begin].parts(0).text());
  } else if (messages.size() > begin) {
    ItemWriter items(content_);
    GATEWAY_RETURN_IF_ERROR(
        items.WriteInput(messages, begin, object_.Field("input")));
  }
  GATEWAY_RETURN_IF_ERROR(WriteTools(request_, dropped_, object_));
  GATEWAY_RETURN_IF_ERROR(WriteToolChoice(request_, object_));
  // Only with tools: it is refused without.
  if (request_.has_parallel_tool_calls() && request_.tools_size() > 0) {
    object_.Bool("parallel_tool_calls", request_.parallel_tool_calls());
  }
  GATEWAY_RETURN_IF_ERROR(WriteTextSettings(request_, object_));
  return WriteReasoning();
}

absl::Status RequestWriter::WriteReasoning() {
  using Settings = v1::ReasoningSettings;
  const Settings& settings = request_.reasoning();
  std::string_view effort = chat::WriteEffort(settings.effort());
  if (effort.empty() && settings.mode() == Settings::MODE_DISABLED) {
    effort = "none";
  } else if (effort.empty() && settings.mode() != Settings::MODE_UNSPECIFIED) {
    dropped_.Changed("reasoning.mode",
                     "the model decides; set reasoning.effort to say how much");
  }
  if (settings.has_budget_tokens()) {
    dropped_.Changed("reasoning.budget_tokens",
                     "left out: OpenAI knows degrees of effort only");
  }
  const bool shown = settings.display() == "summarized";
  if (!shown && !settings.display().empty() &&
      settings.display() != "omitted") {
    dropped_.LeftOut("reasoning.display");
  }
  if (effort.empty() && !shown &&
      !HasNestedExtension(request_.extensions(), "reasoning")) {
    return absl::OkStatus();
  }
  ObjectWriter object(kFormat, object_.Field("reasoning"));
  if (!effort.empty()) object.Text("effort", effort);
  if (shown) object.Text("summary", "auto");
  GATEWAY_RETURN_IF_ERROR(
      object.Extensions(request_.extensions(), "", "reasoning"));
  object.End();
  return absl::OkStatus();
}

// Writes `include`: one list, of which the contract models one value.
absl::Status RequestWriter::WriteInclude() {
  const v1::Extension* others = FindExtension(request_.extensions(), "include");
  if (others == nullptr && !request_.sampling().logprobs()) {
    return absl::OkStatus();
  }
  JsonWriter& json = object_.Field("include");
  json.StartArray();
  if (request_.sampling().logprobs()) json.String(kIncludeLogprobs);
  if (others != nullptr) {
    const absl::Status status = ReadJson(others->json(), [&](JsonValue& root) {
      return root.EachElement([&](JsonValue& word) -> absl::Status {
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, word.String());
        json.String(text);
        return absl::OkStatus();
      });
    });
    if (!status.ok()) {
      return InvalidField("extensions[include]", JsonErrorDescription(status));
    }
  }
  json.EndArray();
  return absl::OkStatus();
}

void RequestWriter::WriteSampling() {
  const v1::Sampling& sampling = request_.sampling();
  if (request_.has_max_output_tokens()) {
    const int limit = std::max(request_.max_output_tokens(), kOutputTokensMin);
    object_.Int64("max_output_tokens", limit);
    if (limit != request_.max_output_tokens()) {
      dropped_.Changed("max_output_tokens",
                       "became 16, the least that the provider allows");
    }
  }
  if (sampling.has_temperature()) {
    object_.Double("temperature", sampling.temperature());
  }
  if (sampling.has_top_p()) object_.Double("top_p", sampling.top_p());
  if (sampling.has_top_logprobs()) {
    object_.Int64("top_logprobs", sampling.top_logprobs());
  }
}

void RequestWriter::WriteCaller() {
  Text("previous_response_id", request_.previous_response_id());
  Text("safety_identifier", request_.scope().user_id());
  Text("prompt_cache_key", request_.prompt_cache_key());
  const std::string_view tier = chat::ServiceTierWord(request_.service_tier());
  Text("service_tier", tier);
  if (tier.empty() && !request_.service_tier().empty()) {
    dropped_.LeftOut("service_tier");
  }
  if (request_.has_store()) object_.Bool("store", request_.store());
  if (request_.labels().empty()) return;
  JsonWriter& json = object_.Field("metadata");
  json.StartObject();
  // Sorted, so that the same request always gives the same bytes.
  for (const auto& [key, label] : std::map<std::string, std::string>(
           request_.labels().begin(), request_.labels().end())) {
    json.StringField(key, label);
  }
  json.EndObject();
}

// Writes what this format lacks under the names of Chat Completions, which
// services of the same family may know here, too.
void RequestWriter::WriteForFamily() {
  const v1::Sampling& sampling = request_.sampling();
  if (sampling.has_top_k()) object_.Int64("top_k", sampling.top_k());
  if (sampling.has_frequency_penalty()) {
    object_.Double("frequency_penalty", sampling.frequency_penalty());
  }
  if (sampling.has_presence_penalty()) {
    object_.Double("presence_penalty", sampling.presence_penalty());
  }
  if (sampling.has_seed()) object_.Int64("seed", sampling.seed());
  if (!sampling.stop().empty()) {
    JsonWriter& json = object_.Field("stop");
    json.StartArray();
    for (const std::string& stop : sampling.stop()) json.String(stop);
    json.EndArray();
  }
  ReportOtherDropped();
}

void RequestWriter::ReportDropped() {
  const v1::Sampling& sampling = request_.sampling();
  if (sampling.has_top_k()) dropped_.LeftOut("sampling.top_k");
  if (sampling.has_frequency_penalty()) {
    dropped_.LeftOut("sampling.frequency_penalty");
  }
  if (sampling.has_presence_penalty()) {
    dropped_.LeftOut("sampling.presence_penalty");
  }
  if (sampling.has_seed()) dropped_.LeftOut("sampling.seed");
  if (!sampling.stop().empty()) dropped_.LeftOut("sampling.stop");
  ReportOtherDropped();
}

void RequestWriter::ReportOtherDropped() {
  const v1::Sampling& sampling = request_.sampling();
  if (!sampling.logit_bias().empty()) dropped_.LeftOut("sampling.logit_bias");
  if (sampling.choice_count() > 1) dropped_.LeftOut("sampling.choice_count");
  if (request_.has_audio_output()) dropped_.LeftOut("audio_output");
  for (const std::string& modality : request_.modalities()) {
    if (modality != "text") dropped_.LeftOut("modalities");
  }
  if (request_.has_cache_hint()) {
    dropped_.Changed("cache_hint",
                     "left out: OpenAI caches prompts of its own accord");
  }
  dropped_.Foreign("", request_.extensions());
}

}  // namespace

bool IsInstructions(const v1::Message& message) {
  return message.role() == v1::ROLE_SYSTEM && message.name().empty() &&
         message.parts_size() == 1 && message.parts(0).has_text() &&
         Without(message.extensions(), {}).empty() &&
         Without(message.parts(0).extensions(), {}).empty();
}

absl::Status WriteRequest(const v1::GenerateRequest& request,
                          const WriteRequestOptions& options, std::string* body,
                          std::vector<v1::Warning>* warnings) {
  DroppedFields dropped(kDialect, warnings);
  return RequestWriter(request, body, dropped).Write(options);
}

absl::Status WriteCountRequest(const v1::GenerateRequest& request,
                               std::string_view model, std::string* body) {
  DroppedFields dropped(kDialect, nullptr);
  return RequestWriter(request, body, dropped).WriteForCounting(model);
}

}  // namespace gateway::responses
