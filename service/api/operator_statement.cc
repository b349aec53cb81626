#include "service/api/operator_statement.h"

#include <utility>

#include "base/status_macros.h"
#include "base/text/json.h"
#include "base/text/json_writer.h"

namespace gateway {
namespace {

void WriteFields(const OperatorStatement& said, JsonWriter* json) {
  json->Int64Field("time_us", absl::ToUnixMicros(said.time));
  if (said.item.has_value()) json->StringField("item", *said.item);
}

// Returns false if the field is none of a statement's.
absl::StatusOr<bool> ReadField(std::string_view key, JsonValue& value,
                               OperatorStatement* said) {
  if (key == "time_us") {
    GATEWAY_ASSIGN_OR_RETURN(const int64_t time, value.Int64());
    said->time = absl::FromUnixMicros(time);
    return true;
  }
  if (key == "item") {
    GATEWAY_ASSIGN_OR_RETURN(said->item, value.String());
    return true;
  }
  return false;
}

absl::Status ReadKnown(JsonValue& entry, KnownStatements* all) {
  std::string name;
  KnownStatement known;
  GATEWAY_RETURN_IF_ERROR(entry.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        if (key == "name") {
          GATEWAY_ASSIGN_OR_RETURN(name, value.String());
        } else if (key == "weighed") {
          GATEWAY_ASSIGN_OR_RETURN(known.is_weighed, value.Bool());
        } else if (key == "in_force") {
          GATEWAY_ASSIGN_OR_RETURN(known.in_force, value.String());
        } else {
          GATEWAY_ASSIGN_OR_RETURN(const bool taken,
                                   ReadField(key, value, &known.said));
          if (!taken) return value.Error("is no field of a statement");
        }
        return absl::OkStatus();
      }));
  if (name.empty()) return entry.Error("lacks `name`");
  (*all)[std::move(name)] = std::move(known);
  return absl::OkStatus();
}

}  // namespace

bool Supersedes(const OperatorStatement& a, const OperatorStatement& b) {
  if (a.time != b.time) return a.time > b.time;
  return a.item > b.item;
}

std::string WriteStatement(const OperatorStatement& said) {
  std::string text;
  JsonWriter json(&text);
  json.StartObject();
  WriteFields(said, &json);
  json.EndObject();
  return text;
}

absl::StatusOr<OperatorStatement> ReadStatement(std::string_view text) {
  OperatorStatement said;
  bool has_time = false;
  GATEWAY_RETURN_IF_ERROR(ReadJson(text, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key,
                              JsonValue& value) -> absl::Status {
      has_time = has_time || key == "time_us";
      GATEWAY_ASSIGN_OR_RETURN(const bool taken, ReadField(key, value, &said));
      return taken ? absl::OkStatus()
                   : value.Error("is no field of a statement");
    });
  }));
  if (!has_time) return absl::InvalidArgumentError("lacks `time_us`");
  return said;
}

std::string WriteStatements(const KnownStatements& known) {
  std::string text;
  JsonWriter json(&text);
  json.StartObject();
  json.StartArrayField("statements");
  for (const auto& [name, each] : known) {
    json.StartObject();
    json.StringField("name", name);
    WriteFields(each.said, &json);
    json.BoolField("weighed", each.is_weighed);
    if (each.in_force.has_value()) {
      json.StringField("in_force", *each.in_force);
    }
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return text;
}

absl::StatusOr<KnownStatements> ReadStatements(std::string_view text) {
  KnownStatements all;
  bool has_all = false;
  GATEWAY_RETURN_IF_ERROR(ReadJson(text, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (key != "statements") return value.Error("is no such field");
          has_all = true;
          return value.EachElement(
              [&](JsonValue& entry) { return ReadKnown(entry, &all); });
        });
  }));
  if (!has_all) return absl::InvalidArgumentError("lacks `statements`");
  return all;
}

}  // namespace gateway
