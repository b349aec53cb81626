// DaemonLock has one gatewayctl at a time start a gateway of one PID file: of
// two that do so at once the second waits, and finds what the first has done.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       const DaemonLock lock,
//       DaemonLock::Take(path, [] { std::cerr << "waiting ...\n"; }));
//
// Thread-compatible. The lock ends with the object, and with the process.

#ifndef CLIENTS_CLI_DAEMON_LOCK_H_
#define CLIENTS_CLI_DAEMON_LOCK_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

namespace gateway {

class DaemonLock {
 public:
  // Makes the file, which stays. Calls `on_wait` if another has the lock, and
  // blocks until it has not. Fails if the file cannot be made.
  static absl::StatusOr<DaemonLock> Take(const std::string& path,
                                         absl::FunctionRef<void()> on_wait);

  DaemonLock(DaemonLock&& other) noexcept;
  DaemonLock& operator=(DaemonLock&& other) noexcept;
  ~DaemonLock();

 private:
  explicit DaemonLock(int file) : file_(file) {}

  int file_;  // -1 if another object has it.
};

}  // namespace gateway

#endif  // CLIENTS_CLI_DAEMON_LOCK_H_
