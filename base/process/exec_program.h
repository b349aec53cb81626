// ExecProgram turns this process into another program: same number, same
// terminal, same standard streams.
//
//   std::cerr << ExecProgram({"claude", "--version"}, variables).message();
//
// For programs that do nothing else any more: whatever other threads do ends in
// the middle.

#ifndef BASE_PROCESS_EXEC_PROGRAM_H_
#define BASE_PROCESS_EXEC_PROGRAM_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gateway {

// Runs `command`, whose first word is looked for as a shell does, along the
// PATH of `environment`, which is all that the program gets. Returns only to
// say why it could not be run. REQUIRES: `command` is not empty.
absl::Status ExecProgram(const std::vector<std::string>& command,
                         const std::map<std::string, std::string>& environment);

// Returns where the program `name` is: looked for in the directories of `path`,
// which are separated by colons, as a shell does, or, if it has a slash, at
// that place. NOT_FOUND if it is nowhere, PERMISSION_DENIED if what has the
// name is no program or may not be run. Blocks for a few system calls.
absl::StatusOr<std::string> FindProgram(std::string_view name,
                                        std::string_view path);

// Returns pointers into `texts` with a null at the end, as execve and
// posix_spawn want them.
std::vector<char*> ExecPointers(std::vector<std::string>& texts);

}  // namespace gateway

#endif  // BASE_PROCESS_EXEC_PROGRAM_H_
