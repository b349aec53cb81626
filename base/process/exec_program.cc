#include "base/process/exec_program.h"

#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

extern char** environ;

namespace gateway {

std::vector<char*> ExecPointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

absl::Status ExecProgram(
    const std::vector<std::string>& command,
    const std::map<std::string, std::string>& environment) {
  assert(!command.empty());
  std::vector<std::string> words = command;
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment) {
    variables.push_back(absl::StrCat(name, "=", value));
  }
  const std::vector<char*> arguments = ExecPointers(words);
  std::vector<char*> new_environment = ExecPointers(variables);
  // The search looks at the PATH of the process.
  char** const old_environment = environ;
  environ = new_environment.data();
  execvp(arguments[0], arguments.data());
  const int error = errno;
  environ = old_environment;
  return absl::ErrnoToStatus(error,
                             absl::StrCat("cannot run '", command[0], "'"));
}

}  // namespace gateway
