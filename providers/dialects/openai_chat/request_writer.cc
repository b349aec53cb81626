#include "providers/dialects/openai_chat/request_writer.h"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/message_writer.h"
#include "providers/dialects/openai_chat/quirks.h"
#include "providers/dialects/openai_chat/tools.h"
#include "providers/dialects/openai_chat/vendor_names.h"

namespace gateway::chat {
namespace {

// Fields that no extension may write: they are written from the contract's
// fields, which the policies have checked.
constexpr std::string_view kGovernedFields[] = {
    "model",      "messages",
    "stream",     "stream_options",
    "max_tokens", "max_completion_tokens",
    "n",          "tools",
    "functions",  "function_call",
    "metadata",   "response_format.json_schema"};

// How many bytes to reserve besides the request's texts.
constexpr size_t kBesideTextsBytes = 512;

// Counts the messages' texts, which are most of nearly every request; to
// measure all of it takes 300 instructions more.
size_t TextBytes(const v1::GenerateRequest& request) {
  size_t bytes = 0;
  for (const v1::Message& message : request.messages()) {
    for (const v1::Part& part : message.parts()) bytes += part.text().size();
  }
  return bytes;
}

class RequestWriter {
 public:
  RequestWriter(const v1::GenerateRequest& request,
                const WriteRequestOptions& options,
                const OpenAiChatQuirks& quirks, JsonWriter& json,
                DroppedFields& dropped)
      : request_(request),
        options_(options),
        quirks_(quirks),
        json_(json),
        dropped_(dropped) {}

  absl::Status Write() {
    json_.StartObject();
    json_.StringField("model", options_.model);
    json_.StartArrayField("messages");
    GATEWAY_RETURN_IF_ERROR(
        WriteMessages(request_.messages(), json_, dropped_, quirks_));
    json_.EndArray();
    GATEWAY_RETURN_IF_ERROR(WriteStream());
    WriteSampling();
    GATEWAY_RETURN_IF_ERROR(WriteTools(request_, json_, dropped_));
    WriteToolSettings();
    if (request_.has_response_format()) {
      GATEWAY_RETURN_IF_ERROR(WriteResponseFormat());
      taken_.push_back("response_format");
    }
    WriteReasoning();
    WriteOutput();
    WriteCaller();
    taken_.insert(taken_.end(), std::begin(kGovernedFields),
                  std::end(kGovernedFields));
    GATEWAY_RETURN_IF_ERROR(
        WriteExtensions(request_.extensions(), taken_, json_, dropped_));
    json_.EndObject();
    return absl::OkStatus();
  }

 private:
  // Returns whether to write a setting that only services with the quirk
  // `known` take; records it as dropped if not.
  bool Takes(bool known, bool set, std::string_view field) {
    if (!set) return false;
    if (known || options_.pass_unsupported) return true;
    dropped_.Changed(field, "not a setting of this service");
    return false;
  }

  // Begins a field, which no extension may then repeat.
  void Key(std::string_view key) {
    taken_.push_back(key);
    json_.Key(key);
  }

  void Text(std::string_view key, const std::string& text) {
    if (text.empty()) return;
    Key(key);
    json_.String(text);
  }

  absl::Status WriteStream() {
    if (!options_.stream) return absl::OkStatus();
    json_.BoolField("stream", true);
    if (!quirks_.stream_options) return absl::OkStatus();
    json_.StartObjectField("stream_options");
    json_.BoolField("include_usage", true);
    GATEWAY_RETURN_IF_ERROR(MergeLeftovers(
        request_.extensions(), "stream_options", {"include_usage"}, json_));
    json_.EndObject();
    return absl::OkStatus();
  }

  void Number(std::string_view key, bool set, double number) {
    if (!set) return;
    Key(key);
    json_.Double(number);
  }

  void Integer(std::string_view key, bool set, int64_t number) {
    if (!set) return;
    Key(key);
    json_.Int64(number);
  }

  void Truth(std::string_view key, bool set, bool truth) {
    if (!set) return;
    Key(key);
    json_.Bool(truth);
  }

  void WriteSampling() {
    const v1::Sampling& sampling = request_.sampling();
    Integer(
        quirks_.max_completion_tokens ? "max_completion_tokens" : "max_tokens",
        request_.has_max_output_tokens(), request_.max_output_tokens());
    Number("temperature", sampling.has_temperature(), sampling.temperature());
    Number("top_p", sampling.has_top_p(), sampling.top_p());
    Number("frequency_penalty", sampling.has_frequency_penalty(),
           sampling.frequency_penalty());
    Number("presence_penalty", sampling.has_presence_penalty(),
           sampling.presence_penalty());
    const bool seed = Takes(!quirks_.seed_field.empty(), sampling.has_seed(),
                            "sampling.seed");
    Integer(quirks_.seed_field.empty() ? std::string_view("seed")
                                       : std::string_view(quirks_.seed_field),
            seed, sampling.seed());
    const bool logprobs =
        Takes(quirks_.logprobs, sampling.logprobs(), "sampling.logprobs");
    Truth("logprobs", logprobs || (quirks_.logprobs && sampling.has_logprobs()),
          sampling.logprobs());
    Integer("top_logprobs",
            Takes(quirks_.logprobs, sampling.has_top_logprobs(),
                  "sampling.top_logprobs"),
            sampling.top_logprobs());
    // Not written for one choice, which every service makes anyway.
    const bool one = sampling.choice_count() == 1 && !quirks_.choice_count;
    Integer("n",
            Takes(quirks_.choice_count, sampling.has_choice_count() && !one,
                  "sampling.choice_count"),
            sampling.choice_count());
    Integer("top_k",
            Takes(quirks_.top_k, sampling.has_top_k(), "sampling.top_k"),
            sampling.top_k());
    WriteStop(sampling);
    WriteLogitBias(sampling);
  }

  void WriteLogitBias(const v1::Sampling& sampling) {
    if (!Takes(quirks_.logit_bias, !sampling.logit_bias().empty(),
               "sampling.logit_bias")) {
      return;
    }
    Key("logit_bias");
    json_.StartObject();
    // Sorted, so that the same request always gives the same bytes.
    for (const auto& [token, bias] : std::map<std::string, double>(
             sampling.logit_bias().begin(), sampling.logit_bias().end())) {
      json_.DoubleField(token, bias);
    }
    json_.EndObject();
  }

  void WriteStop(const v1::Sampling& sampling) {
    if (sampling.stop().empty()) return;
    int count = sampling.stop_size();
    const int limit = quirks_.stop_limit;
    if (limit > 0 && count > limit && !options_.pass_unsupported) {
      count = limit;
      dropped_.Changed("sampling.stop",
                       absl::StrCat("this service takes ", limit,
                                    "; the others were left out"));
    }
    Key("stop");
    if (count == 1) {
      json_.String(sampling.stop(0));
      return;
    }
    json_.StartArray();
    for (int i = 0; i < count; ++i) json_.String(sampling.stop(i));
    json_.EndArray();
  }

  void WriteToolSettings() {
    if (request_.tool_choice().mode() != v1::ToolChoice::MODE_UNSPECIFIED) {
      taken_.push_back("tool_choice");
      WriteToolChoice(request_, json_);
    }
    // Only with tools: OpenAI refuses it without.
    const bool set =
        request_.has_parallel_tool_calls() && !request_.tools().empty();
    Truth("parallel_tool_calls",
          Takes(quirks_.parallel_tool_calls, set, "parallel_tool_calls"),
          request_.parallel_tool_calls());
  }

  // Writes as much of the form as the service takes. What makes a service
  // without schemas obey one is done before (providers/structured_output.h).
  absl::Status WriteResponseFormat() {
    using SchemaMode = OpenAiChatQuirks::SchemaMode;
    const auto kind = request_.response_format().kind();
    const bool schema = kind == v1::ResponseFormat::KIND_JSON_SCHEMA;
    const bool object = kind == v1::ResponseFormat::KIND_JSON_OBJECT;
    const bool takes_object = quirks_.schema_mode == SchemaMode::kNative ||
                              quirks_.schema_mode == SchemaMode::kJsonObject;
    if (schema && !Takes(quirks_.schema_mode == SchemaMode::kNative, true,
                         "response_format.schema")) {
      if (takes_object) WriteAnyObject();
      return absl::OkStatus();
    }
    if (!Takes(takes_object, object, "response_format") && object) {
      return absl::OkStatus();
    }
    return chat::WriteResponseFormat(request_, json_);
  }

  void WriteAnyObject() {
    json_.StartObjectField("response_format");
    json_.StringField("type", "json_object");
    json_.EndObject();
  }

  void WriteReasoning() {
    if (!request_.has_reasoning()) return;
    const v1::ReasoningSettings& reasoning = request_.reasoning();
    using Style = OpenAiChatQuirks::ReasoningStyle;
    switch (quirks_.reasoning_style) {
      case Style::kEffort:
        return WriteReasoningEffort(reasoning);
      case Style::kThinking:
        return WriteThinking(reasoning);
      case Style::kObject:
        return WriteReasoningObject(reasoning);
      case Style::kNone:
        break;
    }
    if (Takes(false, true, "reasoning")) WriteReasoningEffort(reasoning);
  }

  static bool IsOff(const v1::ReasoningSettings& reasoning) {
    return reasoning.mode() == reasoning.MODE_DISABLED ||
           reasoning.effort() == reasoning.EFFORT_NONE;
  }

  void WriteThinking(const v1::ReasoningSettings& reasoning) {
    const std::string_view effort = WriteEffort(reasoning.effort());
    if (IsOff(reasoning) || reasoning.mode() != reasoning.MODE_UNSPECIFIED) {
      Key("thinking");
      json_.StartObject();
      json_.StringField("type", IsOff(reasoning) ? "disabled" : "enabled");
      json_.EndObject();
    }
    if (!IsOff(reasoning) && !effort.empty()) {
      Key("reasoning_effort");
      json_.String(effort);
    }
    if (reasoning.has_budget_tokens()) {
      dropped_.Changed("reasoning.budget_tokens",
                       "this service knows degrees of effort only");
    }
    if (!reasoning.display().empty()) {
      dropped_.Changed("reasoning.display", "not a setting of this service");
    }
  }

  void WriteReasoningObject(const v1::ReasoningSettings& reasoning) {
    const std::string_view effort = WriteEffort(reasoning.effort());
    Key("reasoning");
    json_.StartObject();
    // One of the two: the service refuses both together.
    if (!effort.empty()) {
      json_.StringField("effort", effort);
    } else if (reasoning.has_budget_tokens()) {
      json_.Int64Field("max_tokens", reasoning.budget_tokens());
    } else if (reasoning.mode() != reasoning.MODE_UNSPECIFIED) {
      json_.BoolField("enabled", !IsOff(reasoning));
    }
    if (reasoning.display() == "omitted") json_.BoolField("exclude", true);
    json_.EndObject();
    if (!effort.empty() && reasoning.has_budget_tokens()) {
      dropped_.Changed(
          "reasoning.budget_tokens",
          "this service takes an effort or a budget; the effort was "
          "sent");
    }
  }

  void WriteReasoningEffort(const v1::ReasoningSettings& reasoning) {
    const std::string_view effort = WriteEffort(reasoning.effort());
    if (!effort.empty()) {
      Key("reasoning_effort");
      json_.String(effort);
    }
    // Dropped: a mode does not say how much, and a model that does not reason
    // refuses every effort.
    if (effort.empty() && reasoning.mode() != reasoning.MODE_UNSPECIFIED) {
      dropped_.Changed(
          "reasoning.mode",
          "the model decides; set reasoning.effort to say how much");
    }
    if (reasoning.has_budget_tokens()) {
      dropped_.Changed("reasoning.budget_tokens",
                       "Chat Completions knows degrees of effort only");
    }
    if (!reasoning.display().empty()) {
      dropped_.Changed("reasoning.display",
                       "not a setting of Chat Completions");
    }
  }

  void WriteOutput() {
    Account("verbosity", request_.verbosity());
    WriteModalities();
    if (request_.has_audio_output()) {
      Key("audio");
      json_.StartObject();
      json_.StringField("voice", request_.audio_output().voice());
      json_.StringField("format", request_.audio_output().format());
      json_.EndObject();
    }
    WriteServiceTier();
    // `store: false` is not dropped: a service without the field keeps nothing.
    Truth("store",
          quirks_.account_fields ? request_.has_store()
                                 : Takes(false, request_.store(), "store"),
          request_.store());
  }

  void WriteServiceTier() {
    const std::string_view tier = ServiceTierWord(request_.service_tier());
    if (tier.empty()) {
      const std::string& foreign = request_.service_tier();
      if (Takes(false, !foreign.empty(), "service_tier")) {
        Text("service_tier", foreign);
      }
      return;
    }
    Account("service_tier", std::string(tier));
  }

  // Writes the modalities. Pictures are asked for only where they are known;
  // text and sound always.
  void WriteModalities() {
    const auto known = [this](const std::string& modality) {
      return modality == "text" || modality == "audio" ||
             (modality == "image" && quirks_.images);
    };
    bool started = false;
    for (const std::string& modality : request_.modalities()) {
      if (!Takes(known(modality), true, "modalities")) continue;
      if (!started) {
        Key("modalities");
        json_.StartArray();
      }
      started = true;
      json_.String(modality);
    }
    if (started) json_.EndArray();
  }

  void Account(std::string_view field, const std::string& text) {
    if (Takes(quirks_.account_fields, !text.empty(), field)) Text(field, text);
  }

  void WriteCaller() {
    const std::string& user = request_.scope().user_id();
    // A service without such a field is not told; nothing is recorded, since
    // the caller loses nothing.
    if (!quirks_.user_field.empty()) Text(quirks_.user_field, user);
    Account("prompt_cache_key", request_.prompt_cache_key());
    if (request_.has_cache_hint()) {
      dropped_.Changed("cache_hint", "OpenAI caches prompts of its own accord");
    }
    if (!Takes(quirks_.account_fields, !request_.labels().empty(), "labels")) {
      return;
    }
    Key("metadata");
    json_.StartObject();
    for (const auto& [key, label] : std::map<std::string, std::string>(
             request_.labels().begin(), request_.labels().end())) {
      json_.StringField(key, label);
    }
    json_.EndObject();
  }

  const v1::GenerateRequest& request_;
  const WriteRequestOptions& options_;
  const OpenAiChatQuirks& quirks_;
  JsonWriter& json_;
  DroppedFields& dropped_;
  // Enough for the fields of a usual request.
  absl::InlinedVector<std::string_view, 32> taken_;
};

}  // namespace

absl::Status WriteRequest(const v1::GenerateRequest& request,
                          const WriteRequestOptions& options, std::string* body,
                          std::vector<v1::Warning>* warnings,
                          const OpenAiChatQuirks& quirks) {
  // An estimate: mostly the texts, which escaping may make longer.
  body->reserve(body->size() + TextBytes(request) + kBesideTextsBytes);
  JsonWriter json(body);
  DroppedFields dropped(kDialect, warnings);
  return RequestWriter(request, options, quirks, json, dropped).Write();
}

}  // namespace gateway::chat
