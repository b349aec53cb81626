#include "clients/cli/switches.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/os/file.h"
#include "base/status_macros.h"
#include "base/text/json.h"

namespace gateway {
namespace {

constexpr size_t kFileBytesLimit = 1024 * 1024;
// Two names of one switch; either turns it on.
constexpr const char* kGatewayVariables[] = {"GATEWAY_V2_ENABLED",
                                             "ENABLE_GATEWAY_V2"};

std::optional<bool> ParseSwitch(std::string text) {
  absl::AsciiStrToLower(&text);
  for (const char* const on : {"true", "1", "yes", "on"}) {
    if (text == on) return true;
  }
  for (const char* const off : {"false", "0", "no", "off"}) {
    if (text == off) return false;
  }
  return std::nullopt;
}

absl::Status ReadVariables(const Variables& variables, Switches* switches) {
  bool any_set = false;
  bool any_on = false;
  for (const char* const name : kGatewayVariables) {
    const auto variable = variables.find(name);
    if (variable == variables.end() || variable->second.empty()) continue;
    const std::optional<bool> on = ParseSwitch(variable->second);
    if (!on.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, " must be true or false, not '", variable->second, "'"));
    }
    any_set = true;
    any_on = any_on || *on;
  }
  if (any_set) switches->gateway = any_on;
  return absl::OkStatus();
}

absl::Status ReadDaemonConfig(std::string_view text, Switches* switches) {
  return ReadJson(text, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (key == "gatewayEnabled") {
            GATEWAY_ASSIGN_OR_RETURN(switches->gateway, value.Bool());
          } else if (key == "proxyEnabled") {
            GATEWAY_ASSIGN_OR_RETURN(switches->proxy, value.Bool());
          }
          return absl::OkStatus();
        });
  });
}

// A file that was named must be there; the usual one need not.
absl::Status ReadDaemonFile(const CommandLine& command,
                            const Variables& variables, Switches* switches) {
  std::string path = command.daemon_config;
  if (path.empty()) {
    const auto home = variables.find("HOME");
    if (home == variables.end()) return absl::OkStatus();
    path = absl::StrCat(home->second, "/.cco/config/daemon-config.json");
  }
  const absl::StatusOr<std::string> text = ReadFile(path, kFileBytesLimit);
  if (absl::IsNotFound(text.status()) && command.daemon_config.empty()) {
    return absl::OkStatus();
  }
  const absl::Status read =
      text.ok() ? ReadDaemonConfig(*text, switches) : text.status();
  if (read.ok()) return read;
  return absl::Status(read.code(), absl::StrCat(path, ": ", read.message()));
}

}  // namespace

absl::StatusOr<Switches> ReadSwitches(const CommandLine& command,
                                      const Variables& variables) {
  Switches switches;
  GATEWAY_RETURN_IF_ERROR(ReadDaemonFile(command, variables, &switches));
  GATEWAY_RETURN_IF_ERROR(ReadVariables(variables, &switches));
  switches.gateway = command.gateway_enabled.value_or(switches.gateway);
  switches.proxy = command.proxy_enabled.value_or(switches.proxy);
  return switches;
}

}  // namespace gateway
