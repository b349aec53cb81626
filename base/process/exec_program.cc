#include "base/process/exec_program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/string_view.h"

extern char** environ;

namespace gateway {
namespace {

// Returns 0 if `path` can be run, else the error that running it would meet.
int ErrorOfRunning(const std::string& path) {
  struct stat facts;
  if (stat(path.c_str(), &facts) != 0) return errno;
  if (!S_ISREG(facts.st_mode)) return EACCES;
  return access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

}  // namespace

absl::StatusOr<std::string> FindProgram(std::string_view name,
                                        std::string_view path) {
  int error = ENOENT;
  if (name.find('/') != std::string_view::npos) {
    error = ErrorOfRunning(std::string(name));
    if (error == 0) return std::string(name);
  } else if (!name.empty()) {
    for (const absl::string_view in : absl::StrSplit(ToAbsl(path), ':')) {
      const std::string found =
          absl::StrCat(in.empty() ? "." : in, "/", ToAbsl(name));
      const int here = ErrorOfRunning(found);
      if (here == 0) return found;
      if (here == EACCES) error = here;
    }
  }
  return absl::ErrnoToStatus(error, absl::StrCat("cannot run ", ToAbsl(name)));
}

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
  // execvp looks for the program along the PATH of the process, so that is
  // replaced first.
  char** const old_environment = environ;
  environ = new_environment.data();
  execvp(arguments[0], arguments.data());
  const int error = errno;
  environ = old_environment;
  return absl::ErrnoToStatus(error,
                             absl::StrCat("cannot run '", command[0], "'"));
}

}  // namespace gateway
