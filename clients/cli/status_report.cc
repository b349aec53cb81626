#include "clients/cli/status_report.h"

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "base/text/json_writer.h"
#include "base/text/timestamp.h"
#include "service/discovery/pid_record.h"

namespace gateway {
namespace {

constexpr size_t kNameColumn = 12;

// A listener's name, and its port in the PID file.
constexpr std::pair<std::string_view, int PidRecord::*> kListenerPorts[] = {
    {"grpc", &PidRecord::grpc_port},
    {"http", &PidRecord::gateway_port},
    {"admin", &PidRecord::admin_port},
    {"operations", &PidRecord::operations_port},
    {"admin_http", &PidRecord::admin_http_port}};

// Where those are that gatewayctl asks by gRPC.
constexpr std::pair<std::string_view, std::string PidRecord::*>
    kListenerAddresses[] = {{"grpc", &PidRecord::grpc_address},
                            {"admin", &PidRecord::admin_address}};

// As in `127.0.0.1:50052`; `port 50052` where no more is known.
std::string PlaceOf(const PidRecord& record, std::string_view listener,
                    int port) {
  for (const auto& [name, address] : kListenerAddresses) {
    const bool is_known = name == listener && !(record.*address).empty();
    if (is_known) return record.*address;
  }
  return absl::StrCat("port ", port);
}

std::string StartedText(const PidRecord& record) {
  std::string text;
  if (record.started_at != absl::InfinitePast()) {
    AppendTimestamp(record.started_at, &text);
  }
  return text;
}

std::string RecordText(const Route& route) {
  const PidRecord& record = *route.record;
  std::string text = StatusRow("pid file", route.pid_file) +
                     StatusRow("process", absl::StrCat(record.process.pid));
  if (!record.version.empty()) text += StatusRow("version", record.version);
  const std::string started = StartedText(record);
  if (!started.empty()) text += StatusRow("started", started);
  for (const auto& [name, port] : kListenerPorts) {
    if (record.*port == 0) continue;
    text += StatusRow(name, PlaceOf(record, name, record.*port));
  }
  return text;
}

void WriteRecord(const Route& route, JsonWriter& json) {
  const PidRecord& record = *route.record;
  json.StringField("pid_file", route.pid_file);
  json.Int64Field("process", record.process.pid);
  if (!record.version.empty()) json.StringField("version", record.version);
  const std::string started = StartedText(record);
  if (!started.empty()) json.StringField("started_at", started);
  json.StartObjectField("ports");
  for (const auto& [name, port] : kListenerPorts) {
    if (record.*port != 0) json.Int64Field(name, record.*port);
  }
  json.EndObject();
  json.StartObjectField("addresses");
  for (const auto& [name, address] : kListenerAddresses) {
    if (!(record.*address).empty()) json.StringField(name, record.*address);
  }
  json.EndObject();
}

std::string StatusJson(const Route& route, const Readout* readout) {
  std::string text;
  JsonWriter json(&text);
  json.StartObject();
  json.StringField("url", route.url);
  if (route.record.has_value()) WriteRecord(route, json);
  if (readout != nullptr) {
    json.BoolField("ready", readout->ready);
    json.StringField("health", readout->text);
  }
  json.EndObject();
  return text + "\n";
}

}  // namespace

std::string StatusRow(std::string_view name, std::string_view value) {
  return absl::StrCat(ToAbsl(name), std::string(kNameColumn - name.size(), ' '),
                      ToAbsl(value), "\n");
}

std::string StatusText(const Route& route, const Readout* readout,
                       bool as_json) {
  if (as_json) return StatusJson(route, readout);
  std::string text = StatusRow("url", route.url);
  text += route.record.has_value() ? RecordText(route)
                                   : StatusRow("found by", "being told");
  if (readout != nullptr) text += StatusRow("health", readout->text);
  return text;
}

}  // namespace gateway
