#include "clients/cli/no_route_hint.h"

#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

constexpr std::string_view kNoGatewayHint =
    "The gateway must be running for programs to reach their models. Start it "
    "with\n"
    "  gateway --config FILE --pid_file PID_FILE\n"
    "and tell gatewayctl the same --pid_file (or GATEWAY_PID_FILE), or name a "
    "gateway\n"
    "that runs elsewhere by --url (or GATEWAY_URL). gatewayctl --help tells "
    "more.\n";

// Whether programs are told to do without the gateway, whatever this command
// line says.
bool IsTakenBack(CommandLine command, const Variables& variables) {
  command.gateway_enabled.reset();
  const absl::StatusOr<Switches> switches = ReadSwitches(command, variables);
  return switches.ok() && !switches->gateway;
}

}  // namespace

std::string NoRouteHint(const CommandLine& command, const Switches& switches,
                        const Variables& variables) {
  const bool is_cco = command.own_name == "cco";
  const std::string daemon =
      absl::StrCat(is_cco ? "cco" : "gatewayctl", " daemon ");
  const bool of_daemon = is_cco || command.verb == CommandLine::Verb::kDaemon;
  if (!switches.gateway || (of_daemon && IsTakenBack(command, variables))) {
    return absl::StrCat(
        "Programs are told to go by the HTTP proxy, and not by the gateway: it "
        "is taken back.\n  ",
        daemon, "rollback --undo\nstarts it, and has them come again.\n");
  }
  if (!of_daemon) return std::string(kNoGatewayHint);
  return absl::StrCat(
      "The gateway must be running for programs to reach their models.\n  ",
      daemon, "start\nstarts it; ", daemon,
      "restart does so with the flags that it had before.\n");
}

}  // namespace gateway
