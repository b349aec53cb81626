// gatewayctl's program: reads the command line and the environment.
//
//   eval "$(gatewayctl env)"
//   gatewayctl exec -- claude
//
// Under the name `cco` it does the same for scripts that know it by that.

#include <cstddef>
#include <iostream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/cli/command_line.h"
#include "clients/cli/commands.h"
#include "clients/cli/console.h"

extern char** environ;

namespace gateway {
namespace {

Variables ReadEnvironment() {
  Variables variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals == std::string::npos) continue;
    variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return variables;
}

int Main(const std::vector<std::string>& words) {
  const absl::StatusOr<CommandLine> command = ParseCommandLine(words);
  if (!command.ok()) {
    std::cerr << "gatewayctl: " << command.status().message() << "\n";
    return 1;
  }
  const Variables variables = ReadEnvironment();
  return RunCommand(*command, variables, StandardConsole(variables));
}

}  // namespace
}  // namespace gateway

int main(int argc, char** argv) {
  return gateway::Main(gateway::WordsOfProgram(
      argv[0], std::vector<std::string>(argv + 1, argv + argc)));
}
