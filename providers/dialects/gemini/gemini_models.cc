#include "providers/dialects/gemini/gemini_models.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "providers/dialects/gemini/candidate.h"

namespace gateway {
namespace {

constexpr std::string_view kPrefix = "models/";
constexpr size_t kModelsLimit = 10'000;

absl::Status ReadText(JsonValue& value, std::string* text) {
  if (!value.IsString()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view view, value.String());
  *text = std::string(view);
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ReadCount(JsonValue& value) {
  if (value.IsNull()) return 0;
  return value.Int64();
}

absl::Status ReadField(std::string_view key, JsonValue& value,
                       v1::Model* model) {
  if (key == "name") {
    GATEWAY_RETURN_IF_ERROR(ReadText(value, model->mutable_name()));
    if (std::string_view(model->name()).starts_with(kPrefix)) {
      model->mutable_name()->erase(0, kPrefix.size());
    }
  } else if (key == "displayName") {
    return ReadText(value, model->mutable_display_name());
  } else if (key == "inputTokenLimit") {
    GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadCount(value));
    model->set_input_tokens_max(tokens);
  } else if (key == "outputTokenLimit") {
    GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, ReadCount(value));
    model->set_output_tokens_max(tokens);
  }
  return absl::OkStatus();
}

void Write(const v1::Model& model, JsonWriter& json) {
  json.StartObject();
  json.StringField("name", absl::StrCat(ToAbsl(kPrefix), model.name()));
  json.StringField("displayName", model.display_name().empty()
                                      ? model.name()
                                      : model.display_name());
  if (model.input_tokens_max() > 0) {
    json.Int64Field("inputTokenLimit", model.input_tokens_max());
  }
  if (model.output_tokens_max() > 0) {
    json.Int64Field("outputTokenLimit", model.output_tokens_max());
  }
  json.StartArrayField("supportedGenerationMethods");
  json.String("generateContent");
  json.String("countTokens");
  json.EndArray();
  json.EndObject();
}

}  // namespace

absl::Status GeminiModels::ReadModels(std::string_view body,
                                      std::vector<v1::Model>* models) const {
  return gemini::AsBadResponse(ReadJson(body, [&](JsonValue& root) {
    return root.EachField([&](std::string_view list, JsonValue& elements) {
      if (list != "models") return absl::OkStatus();
      return elements.EachElement([&](JsonValue& element) -> absl::Status {
        if (models->size() == kModelsLimit) {
          return element.Error("too many models");
        }
        v1::Model model;
        GATEWAY_RETURN_IF_ERROR(
            element.EachField([&](std::string_view key, JsonValue& value) {
              return ReadField(key, value, &model);
            }));
        if (model.name().empty()) return element.Error("name: required");
        model.set_owner("google");
        models->push_back(std::move(model));
        return absl::OkStatus();
      });
    });
  }));
}

void GeminiModels::WriteModels(const ModelPage& page,
                               std::string* body) const {
  JsonWriter json(body);
  json.StartObject();
  json.StartArrayField("models");
  for (const v1::Model& model : page.models) Write(model, json);
  json.EndArray();
  if (!page.next_after.empty()) {
    json.StringField("nextPageToken", page.next_after);
  }
  json.EndObject();
}

void GeminiModels::WriteModel(const v1::Model& model, std::string* body) const {
  JsonWriter json(body);
  Write(model, json);
}

}  // namespace gateway
