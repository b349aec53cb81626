#include "service/http/session_json.h"

#include <cmath>
#include <cstdint>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "base/text/json_writer.h"
#include "base/text/timestamp.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "proto/proto_time.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/message_writer.h"
#include "service/http/body_fault.h"
#include "service/sessions/session_store.h"

namespace gateway {
namespace {

using ::google::protobuf::Struct;
using ::google::protobuf::Value;

// Numbers below are whole in a double.
constexpr double kWholeMax = 9007199254740992.0;

absl::Status ReadTtl(JsonValue& value, v1::CreateSessionRequest* request) {
  GATEWAY_ASSIGN_OR_RETURN(const int64_t seconds, value.Int64());
  const int64_t min = absl::ToInt64Seconds(SessionStore::kTtlMin);
  const int64_t max = absl::ToInt64Seconds(SessionStore::kTtlMax);
  if (seconds < min || seconds > max) {
    return value.Error(absl::StrCat("must be from ", min, " to ", max));
  }
  request->mutable_ttl()->set_seconds(seconds);
  return absl::OkStatus();
}

absl::Status ReadContext(JsonValue& value, v1::CreateSessionRequest* request) {
  if (!value.IsObject()) return value.Error("must be a JSON object");
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
  const auto read = google::protobuf::util::JsonStringToMessage(
      {raw.data(), raw.size()}, request->mutable_context());
  if (read.ok()) return absl::OkStatus();
  return value.Error("cannot be kept: it is nested too deeply");
}

absl::Status ReadSessionFields(JsonValue& root,
                               v1::CreateSessionRequest* request) {
  if (!root.IsObject()) return root.Error("must be a JSON object");
  return root.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        const bool is_ttl = key == "ttl_seconds";
        if (!is_ttl && key != "context") {
          return value.Error(
              "is no field of this request; there are ttl_seconds and context");
        }
        if (is_ttl ? request->has_ttl() : request->has_context()) {
          return value.Error("is given twice");
        }
        if (value.IsNull()) return value.Null();
        return is_ttl ? ReadTtl(value, request) : ReadContext(value, request);
      });
}

void WriteValue(const Value& value, JsonWriter& json);

void WriteStruct(const Struct& object, JsonWriter& json) {
  // In the order of their names: a map of protobuf's has none.
  std::map<std::string_view, const Value*> fields;
  for (const auto& [name, value] : object.fields()) fields[name] = &value;
  json.StartObject();
  for (const auto& [name, value] : fields) {
    json.Key(name);
    WriteValue(*value, json);
  }
  json.EndObject();
}

void WriteValue(const Value& value, JsonWriter& json) {
  switch (value.kind_case()) {
    case Value::kNumberValue: {
      const double number = value.number_value();
      const bool whole =
          std::trunc(number) == number && std::abs(number) < kWholeMax;
      return whole ? json.Int64(static_cast<int64_t>(number))
                   : json.Double(number);
    }
    case Value::kStringValue:
      return json.String(value.string_value());
    case Value::kBoolValue:
      return json.Bool(value.bool_value());
    case Value::kStructValue:
      return WriteStruct(value.struct_value(), json);
    case Value::kListValue:
      json.StartArray();
      for (const Value& each : value.list_value().values()) {
        WriteValue(each, json);
      }
      return json.EndArray();
    default:
      return json.Null();
  }
}

void WriteMoment(std::string_view key, absl::Time time, JsonWriter& json) {
  std::string text;
  AppendTimestamp(time, &text);
  json.StringField(key, text);
}

}  // namespace

absl::StatusOr<v1::CreateSessionRequest> ReadSessionRequest(
    std::string_view body) {
  v1::CreateSessionRequest request;
  if (body.empty()) return request;
  const absl::Status read = ReadJson(
      body, [&](JsonValue& root) { return ReadSessionFields(root, &request); });
  if (read.ok()) return request;
  return BodyFault(read);
}

absl::Status WriteSession(const v1::Session& session, std::string* body,
                          std::vector<v1::Warning>* warnings) {
  JsonWriter json(body);
  json.StartObject();
  json.StringField("id", session.id());
  json.StartArrayField("messages");
  chat::DroppedFields dropped(chat::kDialect, warnings);
  GATEWAY_RETURN_IF_ERROR(
      chat::WriteMessages(session.messages(), json, dropped));
  json.EndArray();
  json.Key("context");
  WriteStruct(session.context(), json);
  WriteMoment("created_at", ToAbsl(session.create_time()), json);
  WriteMoment("expires_at", ToAbsl(session.expire_time()), json);
  json.EndObject();
  return absl::OkStatus();
}

}  // namespace gateway
