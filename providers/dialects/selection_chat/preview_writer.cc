#include "providers/dialects/selection_chat/preview_writer.h"

#include "base/text/json.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "providers/dialects/selection_chat/fields.h"

namespace gateway::selection_chat {
namespace {

void WriteIds(std::string_view key,
              const google::protobuf::RepeatedPtrField<std::string>& ids,
              JsonWriter& json) {
  json.StartArrayField(key);
  for (const std::string& id : ids) json.String(id);
  json.EndArray();
}

void WriteAbilities(absl::Span<const Ability> abilities, JsonWriter& json) {
  if (abilities.empty()) return json.NullField("capabilities");
  json.StartObjectField("capabilities");
  for (const auto& [name, has] : abilities) json.BoolField(name, has);
  json.EndObject();
}

void WriteCapability(const OfferedCapability& capability, JsonWriter& json) {
  json.StartObject();
  json.StringField("name", capability.name);
  json.StringField("description", capability.description);
  json.StringField("category", capability.category);
  json.StartArrayField("models");
  for (const std::string_view model : capability.models) json.String(model);
  json.EndArray();
  json.EndObject();
}

}  // namespace

void WritePreview(const v1::Route& route, absl::Span<const Ability> abilities,
                  std::string* body) {
  const v1::ModelSelection& selection = route.selection();
  const bool selected = route.has_selection();
  JsonWriter json(body);
  json.StartObject();
  json.StringField("selected_model",
                   selected ? selection.model_id() : route.model());
  json.StringField("provider", route.provider());
  json.StringField("reasoning",
                   selected ? selection.reasoning() : route.reason());
  if (selected) {
    json.DoubleField("confidence_score", selection.confidence());
    json.DoubleField("estimated_cost",
                     DollarsOf(selection.estimated_cost_usd_nanos()));
  } else {
    json.NullField("confidence_score");
    json.NullField("estimated_cost");
  }
  WriteIds("alternatives", selection.alternatives(), json);
  WriteIds("fallback_chain", selection.fallback_chain(), json);
  WriteAbilities(abilities, json);
  json.EndObject();
}

void WriteOffer(absl::Span<const OfferedCapability> capabilities,
                absl::Span<const OfferedStrategy> strategies,
                std::string* body) {
  JsonWriter json(body);
  json.StartObject();
  json.StartArrayField("capabilities");
  for (const OfferedCapability& each : capabilities) {
    WriteCapability(each, json);
  }
  json.EndArray();
  json.StartArrayField("strategies");
  for (const OfferedStrategy& each : strategies) {
    json.StartObject();
    json.StringField("name", each.name);
    json.StringField("description", each.description);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
}

}  // namespace gateway::selection_chat
