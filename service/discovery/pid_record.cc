#include "service/discovery/pid_record.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/net/host_port.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "base/text/timestamp.h"

namespace gateway {
namespace {

constexpr int64_t kPidMax = int64_t{1} << 31;
constexpr int32_t kPortMax = 65535;

struct PortField {
  std::string_view key;
  int PidRecord::* port;
};
constexpr PortField kPorts[] = {
    {"port", &PidRecord::port},
    {"gateway_port", &PidRecord::gateway_port},
    {"grpc_port", &PidRecord::grpc_port},
    {"admin_port", &PidRecord::admin_port},
    {"operations_port", &PidRecord::operations_port},
    {"admin_http_port", &PidRecord::admin_http_port},
    {"proxy_port", &PidRecord::proxy_port},
};

// How a listener is called: by a URL, or else by `host:port`.
struct PlaceField {
  std::string_view key;
  std::string PidRecord::* text;
  bool is_url;
};
constexpr PlaceField kPlaces[] = {
    {"gateway_url", &PidRecord::gateway_url, true},
    {"operations_url", &PidRecord::operations_url, true},
    {"grpc_address", &PidRecord::grpc_address, false},
    {"admin_address", &PidRecord::admin_address, false},
};

int PortOf(const std::string& address) {
  const absl::StatusOr<HostPort> parts = ParseHostPort(address);
  return parts.ok() ? parts->port : 0;
}

// Returns where `address` is called from this machine.
std::string CalledAt(const std::string& address) {
  const absl::StatusOr<HostPort> parts = ParseHostPort(address);
  return parts.ok() ? AddressToCall(*parts) : std::string();
}

std::string UrlOf(bool is_tls, const std::string& address) {
  const std::string called = CalledAt(address);
  if (called.empty()) return called;
  return absl::StrCat(is_tls ? "https://" : "http://", called);
}

absl::Status CheckAddress(std::string_view text, const JsonValue& value) {
  const absl::StatusOr<HostPort> parts = ParseHostPort(text);
  if (parts.ok() && !parts->host.empty() && parts->port != 0) {
    return absl::OkStatus();
  }
  return value.Error("must be a host and a port");
}

// Refuses characters that a shell could interpret: a URL ends up in its input.
absl::Status CheckUrl(std::string_view url, const JsonValue& value) {
  const absl::string_view text = ToAbsl(url);
  if (!absl::StartsWith(text, "http://") &&
      !absl::StartsWith(text, "https://")) {
    return value.Error("must begin with http:// or https://");
  }
  for (const char c : url) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
        (c >= '0' && c <= '9') ||
        std::string_view(":/.-_[]%").find(c) != std::string_view::npos;
    if (!plain) return value.Error("must be a host, a port and a path");
  }
  return absl::OkStatus();
}

absl::Status ReadField(std::string_view key, JsonValue& value,
                       PidRecord* record) {
  if (value.IsNull()) return absl::OkStatus();
  for (const PortField& field : kPorts) {
    if (key != field.key) continue;
    GATEWAY_ASSIGN_OR_RETURN(record->*field.port, value.Int32(1, kPortMax));
    return absl::OkStatus();
  }
  if (key == "pid") {
    GATEWAY_ASSIGN_OR_RETURN(record->process.pid, value.Int64());
    if (record->process.pid < 1 || record->process.pid > kPidMax) {
      return value.Error("must be the number of a process");
    }
    return absl::OkStatus();
  }
  for (const PlaceField& field : kPlaces) {
    if (key != field.key) continue;
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view place, value.String());
    record->*field.text = place;
    return field.is_url ? CheckUrl(place, value) : CheckAddress(place, value);
  }
  if (key != "process_start" && key != "started_at" && key != "version") {
    return absl::OkStatus();
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
  if (key == "process_start") record->process.start = text;
  if (key == "version") record->version = text;
  if (key == "started_at" && !absl::ParseTime(absl::RFC3339_full, ToAbsl(text),
                                              &record->started_at, nullptr)) {
    return value.Error("must be a time as in 2026-01-02T03:04:05Z");
  }
  return absl::OkStatus();
}

}  // namespace

PidRecord MakePidRecord(const ListenerAddresses& addresses,
                        std::string_view version, absl::Time started_at) {
  PidRecord record;
  record.process = ThisProcess();
  record.started_at = started_at;
  record.version = version;
  record.port = PortOf(addresses.operations);
  record.gateway_port = PortOf(addresses.http);
  record.grpc_port = PortOf(addresses.grpc);
  record.admin_port = PortOf(addresses.admin);
  record.operations_port = PortOf(addresses.operations);
  record.admin_http_port = PortOf(addresses.admin_http);
  record.gateway_url = UrlOf(addresses.http_is_tls, addresses.http);
  record.operations_url =
      UrlOf(addresses.operations_is_tls, addresses.operations);
  record.grpc_address = CalledAt(addresses.grpc);
  record.admin_address = CalledAt(addresses.admin);
  return record;
}

std::string WritePidRecord(const PidRecord& record) {
  std::string text;
  JsonWriter json(&text);
  json.StartObject();
  json.Int64Field("pid", record.process.pid);
  if (!record.process.start.empty()) {
    json.StringField("process_start", record.process.start);
  }
  std::string started_at;
  AppendTimestamp(record.started_at, &started_at);
  json.StringField("started_at", started_at);
  json.StringField("version", record.version);
  for (const PortField& field : kPorts) {
    if (record.*field.port != 0) {
      json.Int64Field(field.key, record.*field.port);
    }
  }
  for (const PlaceField& field : kPlaces) {
    if (!(record.*field.text).empty()) {
      json.StringField(field.key, record.*field.text);
    }
  }
  json.EndObject();
  text += '\n';
  return text;
}

absl::StatusOr<PidRecord> ReadPidRecord(std::string_view text) {
  PidRecord record;
  GATEWAY_RETURN_IF_ERROR(ReadJson(text, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          return ReadField(key, value, &record);
        });
  }));
  if (record.process.pid == 0) {
    return absl::InvalidArgumentError("pid: is missing");
  }
  if (record.gateway_url.empty() && record.gateway_port != 0) {
    record.gateway_url = absl::StrCat("http://127.0.0.1:", record.gateway_port);
  }
  return record;
}

}  // namespace gateway
