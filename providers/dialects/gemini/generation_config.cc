#include "providers/dialects/gemini/generation_config.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "providers/dialects/gemini/schema.h"
#include "providers/dialects/gemini/vendor_names.h"
#include "providers/models/model_family.h"

namespace gateway::gemini {
namespace {

using Settings = v1::ReasoningSettings;

constexpr std::string_view kPlace = "generationConfig";
constexpr std::string_view kJsonType = "application/json";
constexpr std::string_view kTextType = "text/plain";
constexpr std::string_view kShown = "summarized";
constexpr std::string_view kHidden = "omitted";
constexpr int32_t kIntMax = std::numeric_limits<int32_t>::max();
constexpr int32_t kIntMin = std::numeric_limits<int32_t>::min();
// The most sequences that the provider takes.
constexpr int kStopsMax = 5;
// The most fields of a config; one has about ten.
constexpr size_t kFieldsLimit = 64;

// Reads one config into one request.
class ConfigReader {
 public:
  explicit ConfigReader(v1::GenerateRequest* request) : request_(*request) {}

  absl::Status Read(JsonValue& value) {
    GATEWAY_RETURN_IF_ERROR(
        value.EachField([&](std::string_view name, JsonValue& field) {
          return ReadField(CamelCase(name), field);
        }));
    return Finish();
  }

 private:
  absl::Status ReadField(const std::string& key, JsonValue& value);
  absl::Status ReadNumber(std::string_view key, JsonValue& value, bool* known);
  absl::Status ReadForm(std::string_view key, JsonValue& value, bool* known);
  absl::Status ReadModalities(JsonValue& value);
  absl::Status ReadThinking(JsonValue& value);
  absl::Status ReadThinkingField(std::string_view key, JsonValue& value);
  absl::Status Keep(std::string_view prefix, std::string_view key,
                    JsonValue& value);
  absl::Status Finish();

  v1::GenerateRequest& request_;
  absl::InlinedVector<std::string, 12> seen_;
  std::optional<std::string> mime_type_;
  std::optional<bool> include_thoughts_;
  // Its name and its value.
  std::pair<std::string, std::string> original_schema_;
};

absl::Status ConfigReader::Keep(std::string_view prefix, std::string_view key,
                                JsonValue& value) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
  AddExtension(request_.mutable_extensions(),
               absl::StrCat(ToAbsl(prefix), ".", ToAbsl(key)), raw);
  return absl::OkStatus();
}

absl::Status ConfigReader::ReadField(const std::string& key, JsonValue& value) {
  if (std::find(seen_.begin(), seen_.end(), key) != seen_.end()) {
    return value.Error("repeated key");
  }
  if (seen_.size() == kFieldsLimit) return value.Error("too many fields");
  seen_.push_back(key);
  if (value.IsNull()) return absl::OkStatus();
  bool known = true;
  GATEWAY_RETURN_IF_ERROR(ReadNumber(key, value, &known));
  if (known) return absl::OkStatus();
  known = true;
  GATEWAY_RETURN_IF_ERROR(ReadForm(key, value, &known));
  if (known) return absl::OkStatus();
  return Keep(kPlace, key, value);
}

absl::Status ConfigReader::ReadNumber(std::string_view key, JsonValue& value,
                                      bool* known) {
  v1::Sampling& sampling = *request_.mutable_sampling();
  if (key == "temperature" || key == "topP" || key == "presencePenalty" ||
      key == "frequencyPenalty") {
    GATEWAY_ASSIGN_OR_RETURN(const double number, value.Double());
    if (key == "temperature") sampling.set_temperature(number);
    if (key == "topP") sampling.set_top_p(number);
    if (key == "presencePenalty") sampling.set_presence_penalty(number);
    if (key == "frequencyPenalty") sampling.set_frequency_penalty(number);
  } else if (key == "topK") {
    GATEWAY_ASSIGN_OR_RETURN(const int32_t number, value.Int32(0, kIntMax));
    sampling.set_top_k(number);
  } else if (key == "candidateCount") {
    GATEWAY_ASSIGN_OR_RETURN(const int32_t number, value.Int32(0, kIntMax));
    sampling.set_choice_count(number);
  } else if (key == "maxOutputTokens") {
    GATEWAY_ASSIGN_OR_RETURN(const int32_t number, value.Int32(0, kIntMax));
    request_.set_max_output_tokens(number);
  } else if (key == "seed") {
    GATEWAY_ASSIGN_OR_RETURN(const int32_t number,
                             value.Int32(kIntMin, kIntMax));
    sampling.set_seed(number);
  } else if (key == "logprobs") {
    GATEWAY_ASSIGN_OR_RETURN(const int32_t number, value.Int32(0, kIntMax));
    sampling.set_top_logprobs(number);
  } else if (key == "responseLogprobs") {
    GATEWAY_ASSIGN_OR_RETURN(const bool wanted, value.Bool());
    sampling.set_logprobs(wanted);
  } else {
    *known = false;
  }
  return absl::OkStatus();
}

absl::Status ConfigReader::ReadForm(std::string_view key, JsonValue& value,
                                    bool* known) {
  v1::ResponseFormat& format = *request_.mutable_response_format();
  if (key == "stopSequences") {
    return value.EachElement([&](JsonValue& text) -> absl::Status {
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view stop, text.String());
      request_.mutable_sampling()->add_stop(std::string(stop));
      return absl::OkStatus();
    });
  }
  if (key == "responseMimeType") {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view type, value.String());
    mime_type_ = std::string(type);
  } else if (key == "responseSchema") {
    const std::string path = value.Path();
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
    GATEWAY_ASSIGN_OR_RETURN(std::string schema, JsonSchemaOf(raw, path));
    format.set_schema(std::move(schema));
    original_schema_ = {"generationConfig.responseSchema", std::string(raw)};
  } else if (key == "responseJsonSchema") {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
    format.set_schema(std::string(raw));
    original_schema_ = {"generationConfig.responseJsonSchema",
                        std::string(raw)};
  } else if (key == "responseModalities") {
    return ReadModalities(value);
  } else if (key == "thinkingConfig") {
    return ReadThinking(value);
  } else {
    *known = false;
  }
  return absl::OkStatus();
}

absl::Status ConfigReader::ReadModalities(JsonValue& value) {
  return value.EachElement([&](JsonValue& element) -> absl::Status {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view word, element.String());
    request_.add_modalities(absl::AsciiStrToLower(ToAbsl(word)));
    return absl::OkStatus();
  });
}

absl::Status ConfigReader::ReadThinking(JsonValue& value) {
  return value.EachField(
      [&](std::string_view name, JsonValue& field) -> absl::Status {
        if (field.IsNull()) return absl::OkStatus();
        return ReadThinkingField(CamelCase(name), field);
      });
}

absl::Status ConfigReader::ReadThinkingField(std::string_view key,
                                             JsonValue& value) {
  Settings& settings = *request_.mutable_reasoning();
  if (key == "includeThoughts") {
    GATEWAY_ASSIGN_OR_RETURN(include_thoughts_, value.Bool());
  } else if (key == "thinkingBudget") {
    GATEWAY_ASSIGN_OR_RETURN(const int32_t budget, value.Int32(-1, kIntMax));
    settings.set_mode(budget == 0    ? Settings::MODE_DISABLED
                      : budget == -1 ? Settings::MODE_ADAPTIVE
                                     : Settings::MODE_ENABLED);
    if (budget > 0) settings.set_budget_tokens(budget);
  } else if (key == "thinkingLevel") {
    GATEWAY_ASSIGN_OR_RETURN(const JsonString level, value.StringAndRaw());
    settings.set_effort(EffortOfLevel(level.text));
    if (settings.effort() == Settings::EFFORT_UNSPECIFIED) {
      AddExtension(request_.mutable_extensions(),
                   "thinkingConfig.thinkingLevel", level.raw);
    }
  } else {
    return Keep("thinkingConfig", key, value);
  }
  return absl::OkStatus();
}

absl::Status ConfigReader::Finish() {
  v1::ResponseFormat& format = *request_.mutable_response_format();
  const bool has_schema = !format.schema().empty();
  if (has_schema && mime_type_.value_or("") == kJsonType) {
    format.set_kind(v1::ResponseFormat::KIND_JSON_SCHEMA);
  } else if (mime_type_ == kJsonType) {
    format.set_kind(v1::ResponseFormat::KIND_JSON_OBJECT);
  } else if (mime_type_ == kTextType && !has_schema) {
    format.set_kind(v1::ResponseFormat::KIND_TEXT);
  } else {
    // Kept as an extension: no other format can ask for one word out of a list.
    request_.clear_response_format();
    if (mime_type_.has_value()) {
      AddExtension(request_.mutable_extensions(),
                   "generationConfig.responseMimeType", Quoted(*mime_type_));
    }
    const auto& [name, schema] = original_schema_;
    if (!name.empty()) {
      AddExtension(request_.mutable_extensions(), name, schema);
    }
  }
  Settings& settings = *request_.mutable_reasoning();
  // Thoughts are not shown unless that is asked for.
  if (include_thoughts_.value_or(false)) {
    settings.set_display(std::string(kShown));
  } else if (settings.mode() != Settings::MODE_UNSPECIFIED &&
             settings.mode() != Settings::MODE_DISABLED) {
    settings.set_display(std::string(kHidden));
  }
  if (settings.ByteSizeLong() == 0) request_.clear_reasoning();
  if (request_.sampling().ByteSizeLong() == 0) request_.clear_sampling();
  return absl::OkStatus();
}

// Returns the budget for an effort, on models that are told a number of tokens.
int BudgetOf(Settings::Effort effort) {
  switch (effort) {
    case Settings::EFFORT_MINIMAL:
      return 512;
    case Settings::EFFORT_LOW:
      return 1024;
    case Settings::EFFORT_MEDIUM:
      return 8192;
    default:
      return 24576;
  }
}

// The efforts of a model of which nothing is known.
constexpr uint8_t kUsualEfforts =
    kEffortMinimal | kEffortLow | kEffortMedium | kEffortHigh;

std::string_view WordOf(EffortLevel level) {
  switch (level) {
    case kEffortMinimal:
      return "minimal";
    case kEffortLow:
      return "low";
    case kEffortMedium:
      return "medium";
    case kEffortXhigh:
      return "xhigh";
    default:
      return "high";
  }
}

// Writes the config of one request.
class ConfigWriter {
 public:
  ConfigWriter(const v1::GenerateRequest& request, std::string_view model,
               JsonWriter& json, DroppedFields& dropped)
      : request_(request),
        family_(FamilyOf(model)),
        json_(json),
        object_(kFormat, json),
        dropped_(dropped) {}

  absl::Status Write() {
    WriteSampling();
    GATEWAY_RETURN_IF_ERROR(WriteForm());
    WriteModalities();
    WriteSpeech();
    GATEWAY_RETURN_IF_ERROR(WriteThinking());
    GATEWAY_RETURN_IF_ERROR(
        object_.Extensions(request_.extensions(), "", kPlace));
    object_.End();
    return absl::OkStatus();
  }

 private:
  bool HasOwn(std::string_view name) const {
    return FindExtension(request_.extensions(), name) != nullptr;
  }

  void WriteSampling();
  absl::Status WriteForm();
  void WriteModalities();
  void WriteSpeech();
  absl::Status WriteThinking();
  void WriteEffort(ObjectWriter& thinking);

  const v1::GenerateRequest& request_;
  const ModelFamily* const family_;  // Null if it is not known.
  JsonWriter& json_;
  ObjectWriter object_;
  DroppedFields& dropped_;
};

void ConfigWriter::WriteSampling() {
  const v1::Sampling& sampling = request_.sampling();
  if (sampling.has_temperature()) {
    object_.Double("temperature", sampling.temperature());
  }
  if (sampling.has_top_p()) object_.Double("topP", sampling.top_p());
  if (sampling.has_top_k()) object_.Int64("topK", sampling.top_k());
  if (sampling.has_choice_count()) {
    object_.Int64("candidateCount", sampling.choice_count());
  }
  if (request_.has_max_output_tokens()) {
    object_.Int64("maxOutputTokens", request_.max_output_tokens());
  }
  if (!sampling.stop().empty()) {
    object_.Field("stopSequences").StartArray();
    for (int i = 0; i < std::min(sampling.stop_size(), kStopsMax); ++i) {
      json_.String(sampling.stop(i));
    }
    json_.EndArray();
    if (sampling.stop_size() > kStopsMax) {
      dropped_.Changed("sampling.stop",
                       absl::StrCat("cut: the provider takes ", kStopsMax));
    }
  }
  if (sampling.has_presence_penalty()) {
    object_.Double("presencePenalty", sampling.presence_penalty());
  }
  if (sampling.has_frequency_penalty()) {
    object_.Double("frequencyPenalty", sampling.frequency_penalty());
  }
  if (sampling.has_seed()) {
    if (sampling.seed() >= kIntMin && sampling.seed() <= kIntMax) {
      object_.Int64("seed", sampling.seed());
    } else {
      dropped_.Changed("sampling.seed", "left out: not a number of 32 bits");
    }
  }
  if (sampling.has_logprobs()) {
    object_.Bool("responseLogprobs", sampling.logprobs());
  }
  if (sampling.has_top_logprobs()) {
    object_.Int64("logprobs", sampling.top_logprobs());
  }
}

absl::Status ConfigWriter::WriteForm() {
  const v1::ResponseFormat& format = request_.response_format();
  // Dropped: the name only serves formats that require one.
  if (!format.description().empty()) {
    dropped_.LeftOut("response_format.description");
  }
  if (HasOwn("generationConfig.responseMimeType")) return absl::OkStatus();
  switch (format.kind()) {
    case v1::ResponseFormat::KIND_JSON_OBJECT:
      object_.Text("responseMimeType", kJsonType);
      return absl::OkStatus();
    case v1::ResponseFormat::KIND_JSON_SCHEMA:
      object_.Text("responseMimeType", kJsonType);
      return object_.Json("responseJsonSchema", format.schema(),
                          "response_format.schema");
    case v1::ResponseFormat::KIND_TEXT:
      object_.Text("responseMimeType", kTextType);
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

void ConfigWriter::WriteModalities() {
  if (request_.modalities().empty()) return;
  object_.Field("responseModalities").StartArray();
  for (const std::string& modality : request_.modalities()) {
    json_.String(absl::AsciiStrToUpper(modality));
  }
  json_.EndArray();
}

void ConfigWriter::WriteSpeech() {
  if (!request_.has_audio_output() || HasOwn("generationConfig.speechConfig")) {
    return;
  }
  dropped_.Changed("audio_output.format", "the provider makes raw PCM only");
  ObjectWriter speech(kFormat, object_.Field("speechConfig"));
  ObjectWriter voice(kFormat, speech.Field("voiceConfig"));
  ObjectWriter prebuilt(kFormat, voice.Field("prebuiltVoiceConfig"));
  prebuilt.Text("voiceName", request_.audio_output().voice());
  prebuilt.End();
  voice.End();
  speech.End();
}

absl::Status ConfigWriter::WriteThinking() {
  const Settings& settings = request_.reasoning();
  const bool is_open = settings.mode() == Settings::MODE_ENABLED ||
                       settings.mode() == Settings::MODE_ADAPTIVE;
  const bool shown =
      settings.display() == kShown || (is_open && settings.display().empty());
  const bool has_budget = settings.has_budget_tokens() &&
                          settings.mode() != Settings::MODE_DISABLED &&
                          settings.mode() != Settings::MODE_ADAPTIVE;
  const bool has_effort = settings.effort() != Settings::EFFORT_UNSPECIFIED;
  const bool is_off = settings.mode() == Settings::MODE_DISABLED;
  const bool is_automatic = settings.mode() == Settings::MODE_ADAPTIVE;
  if (!shown && !has_budget && !has_effort && !is_off && !is_automatic &&
      !HasNestedExtension(request_.extensions(), "thinkingConfig")) {
    return absl::OkStatus();
  }
  ObjectWriter thinking(kFormat, object_.Field("thinkingConfig"));
  if (shown) thinking.Bool("includeThoughts", true);
  if (has_budget) {
    thinking.Int64("thinkingBudget", settings.budget_tokens());
  } else if (is_off) {
    thinking.Int64("thinkingBudget", 0);
  } else if (has_effort) {
    WriteEffort(thinking);
  } else if (is_automatic) {
    thinking.Int64("thinkingBudget", -1);
  }
  if (has_effort && (has_budget || is_off) &&
      settings.effort() != Settings::EFFORT_NONE) {
    dropped_.Changed("reasoning.effort", "left out: the budget says it");
  }
  GATEWAY_RETURN_IF_ERROR(
      thinking.Extensions(request_.extensions(), "", "thinkingConfig"));
  thinking.End();
  return absl::OkStatus();
}

// Writes the effort: models before the third generation know budgets only,
// later ones levels.
void ConfigWriter::WriteEffort(ObjectWriter& thinking) {
  const Settings::Effort effort = request_.reasoning().effort();
  if (family_ != nullptr && family_->efforts == 0) {
    if (effort == Settings::EFFORT_XHIGH || effort == Settings::EFFORT_MAX) {
      dropped_.Changed("reasoning.effort", "became high");
    }
    thinking.Int64("thinkingBudget",
                   effort == Settings::EFFORT_NONE ? 0 : BudgetOf(effort));
    return;
  }
  const EffortLevel asked = LevelOf(effort);
  const EffortLevel taken = NearestEffort(
      family_ == nullptr ? kUsualEfforts : family_->efforts, asked);
  const absl::string_view word = ToAbsl(WordOf(taken));
  if (effort == Settings::EFFORT_NONE) {
    dropped_.Changed(
        "reasoning.effort",
        absl::StrCat("became ", word, ": the model always thinks"));
  } else if (taken != asked) {
    dropped_.Changed("reasoning.effort", absl::StrCat("became ", word));
  }
  thinking.Text("thinkingLevel", absl::AsciiStrToUpper(word));
}

}  // namespace

absl::Status ReadGenerationConfig(JsonValue& value,
                                  v1::GenerateRequest* request) {
  return AsFieldFault(ConfigReader(request).Read(value));
}

absl::Status WriteGenerationConfig(const v1::GenerateRequest& request,
                                   std::string_view model, ObjectWriter& object,
                                   DroppedFields& dropped) {
  std::string config;
  JsonWriter json(&config);
  GATEWAY_RETURN_IF_ERROR(ConfigWriter(request, model, json, dropped).Write());
  if (config != "{}") object.Field(kPlace).Raw(config);
  return absl::OkStatus();
}

}  // namespace gateway::gemini
