// FileLock has one gatewayctl at a time do what two must not do at once, such
// as to start a gateway of one PID file, or to change the contexts: the second
// waits, and finds what the first has done.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       const FileLock lock,
//       FileLock::Take(path, [] { Say("waiting ..."); }));
//
// Thread-compatible. The lock ends with the object, and with the process.

#ifndef CLIENTS_CLI_FILE_LOCK_H_
#define CLIENTS_CLI_FILE_LOCK_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

namespace gateway {

class FileLock {
 public:
  // Makes the file, which stays. Calls `on_wait` if another has the lock, and
  // blocks until it has not. Fails if the file cannot be made.
  static absl::StatusOr<FileLock> Take(const std::string& path,
                                         absl::FunctionRef<void()> on_wait);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int file) : file_(file) {}

  int file_;  // -1 if another object has it.
};

}  // namespace gateway

#endif  // CLIENTS_CLI_FILE_LOCK_H_
