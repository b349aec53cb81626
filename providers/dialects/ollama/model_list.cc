#include "providers/dialects/ollama/model_list.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "base/text/timestamp.h"
#include "providers/dialects/ollama/chat_line.h"

namespace gateway {
namespace {

absl::Status ReadDetails(JsonValue& details, std::string* family,
                         std::string* size) {
  return details.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (!value.IsString()) return absl::OkStatus();
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
        if (key == "family") family->assign(text);
        if (key == "parameter_size") size->assign(text);
        return absl::OkStatus();
      });
}

absl::Status ReadModel(JsonValue& object, v1::Model* model) {
  std::string family;
  std::string size;
  GATEWAY_RETURN_IF_ERROR(object.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (key == "details" && value.IsObject()) {
          return ReadDetails(value, &family, &size);
        }
        if (key == "capabilities" && value.IsArray()) {
          return value.EachElement([&](JsonValue& each) -> absl::Status {
            GATEWAY_ASSIGN_OR_RETURN(const std::string_view word,
                                     each.String());
            model->add_capabilities(std::string(word));
            return absl::OkStatus();
          });
        }
        if (key != "name" && key != "modified_at") return absl::OkStatus();
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
        google::protobuf::Timestamp moment;
        if (key == "name") {
          model->set_name(std::string(text));
        } else if (ollama::ReadMoment(text, &moment)) {
          *model->mutable_create_time() = moment;
        }
        return absl::OkStatus();
      }));
  if (model->name().empty()) return object.Error("name: required");
  model->set_owner("library");
  if (!family.empty()) {
    model->set_display_name(
        absl::StrCat(family, size.empty() ? "" : " ", size));
  }
  return absl::OkStatus();
}

void WriteModelTo(const v1::Model& model, JsonWriter& json) {
  json.StartObject();
  json.StringField("name", model.name());
  json.StringField("model", model.name());
  std::string moment;
  AppendTimestamp(absl::FromUnixSeconds(model.create_time().seconds()),
                  &moment);
  json.StringField("modified_at", moment);
  json.EndObject();
}

}  // namespace

absl::Status OllamaModelList::ReadModels(std::string_view body,
                                         std::vector<v1::Model>* models) const {
  bool has_models = false;
  std::vector<v1::Model> found;
  const auto read_field = [&](std::string_view key,
                              JsonValue& value) -> absl::Status {
    if (key != "models") return absl::OkStatus();
    has_models = true;
    // A server without models sends null.
    if (value.IsNull()) return absl::OkStatus();
    return value.EachElement([&](JsonValue& model) {
      return ReadModel(model, &found.emplace_back());
    });
  };
  absl::Status status = ReadJson(
      body, [&](JsonValue& root) { return root.EachField(read_field); });
  if (status.ok() && !has_models) {
    status = absl::InvalidArgumentError("models: required");
  }
  GATEWAY_RETURN_IF_ERROR(ollama::AsBadResponse(status));
  for (v1::Model& model : found) models->push_back(std::move(model));
  return absl::OkStatus();
}

void OllamaModelList::WriteModels(const ModelPage& page,
                                  std::string* body) const {
  JsonWriter json(body);
  json.StartObject();
  json.StartArrayField("models");
  for (const v1::Model& model : page.models) WriteModelTo(model, json);
  json.EndArray();
  json.EndObject();
}

void OllamaModelList::WriteModel(const v1::Model& model,
                                 std::string* body) const {
  JsonWriter json(body);
  WriteModelTo(model, json);
}

}  // namespace gateway
