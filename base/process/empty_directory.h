// A directory in which there is nothing, and in which nothing can be made: for
// programs that must not find files where they run, nor leave any.
//
//   GATEWAY_ASSIGN_OR_RETURN(options.directory, EmptyDirectory("/tmp"));
//
// It is always the same one, `llm-gateway-empty-` and the user's number, since
// some programs keep a record of each directory that they have run in.
//
// Thread-safe. Blocks for a few system calls.

#ifndef BASE_PROCESS_EMPTY_DIRECTORY_H_
#define BASE_PROCESS_EMPTY_DIRECTORY_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gateway {

// Returns the path of the empty directory below `parent`, which is /tmp if
// empty; makes it if it is not there. The superuser can write to it
// nevertheless: what is found in it is removed. FAILED_PRECONDITION if
// something else has its name, or if it belongs to somebody else; otherwise
// errors of mkdir(2).
absl::StatusOr<std::string> EmptyDirectory(std::string_view parent);

}  // namespace gateway

#endif  // BASE_PROCESS_EMPTY_DIRECTORY_H_
