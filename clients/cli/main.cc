// gatewayctl's program: reads the command line and the environment.
//
//   eval "$(gatewayctl env)"
//   gatewayctl exec -- claude
//
// Under the name `cco` it does the same for scripts that know it by that.

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <streambuf>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/command_line.h"
#include "clients/cli/commands.h"
#include "clients/cli/console.h"
#include "clients/cli/failure_text.h"

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

// Standard output, which knows why it could not be written: streams forget.
class OutputBuffer : public std::streambuf {
 public:
  // Of the first write that failed; 0 if none has.
  int error() const { return error_; }

 protected:
  int_type overflow(int_type c) override {
    if (c == traits_type::eof()) return traits_type::not_eof(c);
    return Keep(std::putc(c, stdout) != EOF) ? c : traits_type::eof();
  }

  std::streamsize xsputn(const char* bytes, std::streamsize count) override {
    const auto size = static_cast<size_t>(count);
    const size_t written = std::fwrite(bytes, 1, size, stdout);
    Keep(written == size);
    return static_cast<std::streamsize>(written);
  }

  int sync() override { return Keep(std::fflush(stdout) == 0) ? 0 : -1; }

 private:
  bool Keep(bool is_written) {
    if (!is_written && error_ == 0) error_ = errno;
    return is_written;
  }

  int error_ = 0;
};

// The exit code, which is 1 if output was lost.
int RunAndFlush(const CommandLine& command, const Variables& variables,
                const Console& console, const OutputBuffer& output) {
  // What gRPC logs of a connection is told by what becomes of the call.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  const int exit_code = RunCommand(command, variables, console);
  console.out.flush();
  if (output.error() == 0) return exit_code;
  console.err << FailureText(
      absl::ErrnoToStatus(output.error(), "standard output cannot be written"),
      command.asked.as_json);
  return 1;
}

int Main(const char* path, const std::vector<std::string>& words) {
  const Variables variables = ReadEnvironment();
  OutputBuffer output;
  const StandardStreams streams(&output, variables);
  const Console& console = streams.console();
  absl::StatusOr<CommandLine> command = ParseCommandLine(words);
  if (!command.ok()) {
    console.err << FailureText(command.status(), WantsJson(words));
    return 1;
  }
  command->own_name = NameOfProgram(path);
  return RunAndFlush(*command, variables, console, output);
}

}  // namespace
}  // namespace gateway

int main(int argc, char** argv) {
  return gateway::Main(
      argv[0], gateway::WordsOfProgram(
                   argv[0], std::vector<std::string>(argv + 1, argv + argc)));
}
