#include "providers/dialects/anthropic_messages/model_list.h"

#include <cstdint>
#include <utility>

#include "absl/time/time.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "providers/dialects/anthropic_messages/fields.h"
#include "providers/dialects/anthropic_messages/response.h"

namespace gateway {
namespace {

std::string Rfc3339(int64_t seconds) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%SZ",
                          absl::FromUnixSeconds(seconds), absl::UTCTimeZone());
}

// Writes a limit; one that is not known is left out, so that nobody takes 0 for
// it.
void WriteLimit(std::string_view key, int64_t limit, JsonWriter& json) {
  if (limit > 0) {
    json.Int64Field(key, limit);
  } else {
    json.NullField(key);
  }
}

void WriteObject(const v1::Model& model, JsonWriter& json) {
  json.StartObject();
  json.StringField("type", "model");
  json.StringField("id", model.name());
  json.StringField("display_name", model.display_name().empty()
                                       ? model.name()
                                       : model.display_name());
  json.StringField("created_at", Rfc3339(model.create_time().seconds()));
  WriteLimit("max_input_tokens", model.input_tokens_max(), json);
  WriteLimit("max_tokens", model.output_tokens_max(), json);
  json.NullField("capabilities");
  json.EndObject();
}

void WriteEdge(std::string_view key, const v1::Model* model, JsonWriter& json) {
  if (model == nullptr) {
    json.NullField(key);
  } else {
    json.StringField(key, model->name());
  }
}

absl::Status ReadModel(JsonValue& value, v1::Model* model) {
  return value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (field.IsNull()) return absl::OkStatus();
        if (key == "max_input_tokens") {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, field.Int64());
          model->set_input_tokens_max(tokens);
          return absl::OkStatus();
        }
        if (key == "max_tokens") {
          GATEWAY_ASSIGN_OR_RETURN(const int64_t tokens, field.Int64());
          model->set_output_tokens_max(tokens);
          return absl::OkStatus();
        }
        if (key != "id" && key != "display_name" && key != "created_at") {
          return absl::OkStatus();
        }
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, field.String());
        absl::Time time;
        if (key == "id") {
          model->set_name(std::string(text));
        } else if (key == "display_name") {
          model->set_display_name(std::string(text));
        } else if (absl::ParseTime(absl::RFC3339_full, ToAbsl(text), &time,
                                   nullptr)) {
          model->mutable_create_time()->set_seconds(absl::ToUnixSeconds(time));
        }
        return absl::OkStatus();
      });
}

}  // namespace

absl::Status AnthropicModelList::ReadModels(
    std::string_view body, std::vector<v1::Model>* models) const {
  bool has_data = false;
  absl::Status status = ReadJson(body, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& data) {
      if (key != "data") return absl::OkStatus();
      has_data = true;
      return data.EachElement([&](JsonValue& value) -> absl::Status {
        v1::Model model;
        GATEWAY_RETURN_IF_ERROR(ReadModel(value, &model));
        model.set_owner("anthropic");
        if (!model.name().empty()) models->push_back(std::move(model));
        return absl::OkStatus();
      });
    });
  });
  if (status.ok() && !has_data) {
    status = absl::InvalidArgumentError("data: required");
  }
  return anthropic::AsBadResponse(status);
}

void AnthropicModelList::WriteModels(const ModelPage& page,
                                     std::string* body) const {
  JsonWriter json(body);
  json.StartObject();
  json.StartArrayField("data");
  for (const v1::Model& model : page.models) WriteObject(model, json);
  json.EndArray();
  json.BoolField("has_more", !page.next_after.empty());
  const bool empty = page.models.empty();
  WriteEdge("first_id", empty ? nullptr : &page.models.front(), json);
  WriteEdge("last_id", empty ? nullptr : &page.models.back(), json);
  json.EndObject();
}

void AnthropicModelList::WriteModel(const v1::Model& model,
                                    std::string* body) const {
  JsonWriter json(body);
  WriteObject(model, json);
}

}  // namespace gateway
