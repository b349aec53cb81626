#include "service/api/performance_document.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "base/text/json.h"

namespace gateway {
namespace {

// Room for the largest model and the document's end.
constexpr size_t kModelBytesMax = size_t{64} * 1024;

void WriteModel(const KeptPerformance& model, JsonWriter& json) {
  json.StartObject();
  json.StringField("model", model.model);
  json.Int64Field("recent_failures", model.recent_failures);
  json.Int64Field("last_success_ns", model.last_success_ns);
  json.Int64Field("last_failure_ns", model.last_failure_ns);
  // Each has the hour, then what PerformanceHour has, in its order.
  json.StartArrayField("hours");
  for (const PerformanceHour& hour : model.hours) {
    json.StartArray();
    for (const int64_t number :
         {hour.hour, hour.successes, hour.failures, hour.latency_us,
          hour.tokens, hour.cost_usd_nanos}) {
      json.Int64(number);
    }
    json.EndArray();
  }
  json.EndArray();
  json.EndObject();
}

absl::Status ReadHour(JsonValue& value, PerformanceHour* hour) {
  int64_t* const fields[] = {&hour->hour,     &hour->successes,
                             &hour->failures, &hour->latency_us,
                             &hour->tokens,   &hour->cost_usd_nanos};
  constexpr size_t kFields = std::size(fields);
  size_t place = 0;
  GATEWAY_RETURN_IF_ERROR(
      value.EachElement([&](JsonValue& number) -> absl::Status {
        if (place == kFields) return number.Error("is one too many");
        GATEWAY_ASSIGN_OR_RETURN(*fields[place++], number.Int64());
        return absl::OkStatus();
      }));
  return place == kFields ? absl::OkStatus() : value.Error("is cut short");
}

absl::Status ReadModel(JsonValue& value, KeptPerformance* model) {
  return value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "model") {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, field.String());
          model->model = text;
        } else if (key == "recent_failures") {
          GATEWAY_ASSIGN_OR_RETURN(model->recent_failures,
                                   field.Int32(0, kRecentFailuresMax));
        } else if (key == "last_success_ns") {
          GATEWAY_ASSIGN_OR_RETURN(model->last_success_ns, field.Int64());
        } else if (key == "last_failure_ns") {
          GATEWAY_ASSIGN_OR_RETURN(model->last_failure_ns, field.Int64());
        } else if (key == "hours") {
          return field.EachElement([&](JsonValue& hour) {
            return ReadHour(hour, &model->hours.emplace_back());
          });
        } else {
          return field.Error("is no field of a model");
        }
        return absl::OkStatus();
      });
}

}  // namespace

std::string WritePerformance(const std::vector<KeptPerformance>& models) {
  std::string text;
  if (models.empty()) return text;
  JsonWriter json(&text);
  json.StartObject();
  json.StartArrayField("models");
  for (const KeptPerformance& model : models) {
    if (text.size() + kModelBytesMax > kStateDocumentBytesLimit) break;
    WriteModel(model, json);
  }
  json.EndArray();
  json.EndObject();
  return text;
}

absl::StatusOr<std::vector<KeptPerformance>> ReadPerformance(
    std::string_view text) {
  std::vector<KeptPerformance> models;
  GATEWAY_RETURN_IF_ERROR(ReadJson(text, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (key != "models") {
            return value.Error("is no field of this document");
          }
          return value.EachElement([&](JsonValue& model) {
            return ReadModel(model, &models.emplace_back());
          });
        });
  }));
  return models;
}

void RestorePerformance(StateStore& store, absl::Time now,
                        ModelPerformance* performance) {
  store.Restore(kPerformanceDocument,
                "how models did before cannot be read; they begin anew",
                [now, performance](std::string_view text) {
                  const absl::StatusOr<std::vector<KeptPerformance>> models =
                      ReadPerformance(text);
                  if (models.ok()) performance->Restore(*models, now);
                  return models.status();
                });
}

}  // namespace gateway
