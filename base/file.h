// Reads small files whole, such as configurations and keys.
//
//   absl::StatusOr<std::string> text = ReadFile("gateway.yaml", 1 << 20);
//
// Thread-safe. Blocks: for start-up and reloading, never on an event loop.

#ifndef BASE_FILE_H_
#define BASE_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace gateway {

// Returns kNotFound or kPermissionDenied as the system says,
// kFailedPrecondition for what is not a regular file or pipe, and
// kResourceExhausted for a file larger than `bytes_limit`. The message says
// what is wrong, without the path.
absl::StatusOr<std::string> ReadFile(const std::string& path,
                                     size_t bytes_limit);

}  // namespace gateway

#endif  // BASE_FILE_H_
