#include "providers/dialects/openai_chat/model_list.h"

#include <cstdint>
#include <utility>

#include "base/status_macros.h"
#include "base/text/json.h"
#include "providers/dialects/openai_chat/fields.h"

namespace gateway {
namespace {

void WriteObject(const v1::Model& model, JsonWriter& json) {
  json.StartObject();
  json.StringField("id", model.name());
  json.StringField("object", "model");
  json.Int64Field("created", model.create_time().seconds());
  json.StringField("owned_by", model.owner());
  json.EndObject();
}

absl::Status ReadModel(JsonValue& value, v1::Model* model) {
  return value.EachField([&](std::string_view key,
                             JsonValue& field) -> absl::Status {
    if (field.IsNull()) return absl::OkStatus();
    if (key == "id") {
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view id, field.String());
      model->set_name(std::string(id));
    } else if (key == "owned_by") {
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view owner, field.String());
      model->set_owner(std::string(owner));
    } else if (key == "created") {
      // A double, since some services write a fraction.
      GATEWAY_ASSIGN_OR_RETURN(const double created, field.Double());
      model->mutable_create_time()->set_seconds(static_cast<int64_t>(created));
    }
    return absl::OkStatus();
  });
}

}  // namespace

absl::Status OpenAiModelList::ReadModels(std::string_view body,
                                         std::vector<v1::Model>* models) const {
  bool has_data = false;
  absl::Status status = ReadJson(body, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& data) {
      if (key != "data") return absl::OkStatus();
      has_data = true;
      return data.EachElement([&](JsonValue& value) -> absl::Status {
        v1::Model model;
        GATEWAY_RETURN_IF_ERROR(ReadModel(value, &model));
        if (!model.name().empty()) models->push_back(std::move(model));
        return absl::OkStatus();
      });
    });
  });
  if (status.ok() && !has_data) {
    status = absl::InvalidArgumentError("data: required");
  }
  return chat::AsBadResponse(status);
}

void OpenAiModelList::WriteModels(const ModelPage& page,
                                  std::string* body) const {
  JsonWriter json(body);
  json.StartObject();
  json.StringField("object", "list");
  json.StartArrayField("data");
  for (const v1::Model& model : page.models) WriteObject(model, json);
  json.EndArray();
  json.EndObject();
}

void OpenAiModelList::WriteModel(const v1::Model& model,
                                 std::string* body) const {
  JsonWriter json(body);
  WriteObject(model, json);
}

}  // namespace gateway
