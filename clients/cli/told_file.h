// Files that a word of the command line names, whatever they are: `-` is
// standard input, and pipes such as a shell's <(...) are read to their end.
//
//   GATEWAY_ASSIGN_OR_RETURN(const std::string text,
//                            ReadToldFile("-", kConfigBytesMax));
//
// Thread contract: one thread at a time; blocks until a pipe's writer is done.

#ifndef CLIENTS_CLI_TOLD_FILE_H_
#define CLIENTS_CLI_TOLD_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace gateway {

// The name of standard input.
inline constexpr char kStandardInput[] = "-";

// Reads it whole. Errors name the file: what the system says, and
// RESOURCE_EXHAUSTED for more than `bytes_limit`.
absl::StatusOr<std::string> ReadToldFile(const std::string& path,
                                         size_t bytes_limit);

// The path from the root, so that it is the same file for who is elsewhere.
std::string FromRoot(const std::string& path);

}  // namespace gateway

#endif  // CLIENTS_CLI_TOLD_FILE_H_
