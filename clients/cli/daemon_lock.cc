#include "clients/cli/daemon_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace gateway {

absl::StatusOr<DaemonLock> DaemonLock::Take(const std::string& path,
                                            absl::FunctionRef<void()> on_wait) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  }
  DaemonLock lock(file);
  if (flock(file, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) on_wait();
  while (flock(file, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot lock ", path));
  }
  return lock;
}

DaemonLock::DaemonLock(DaemonLock&& other) noexcept
    : file_(std::exchange(other.file_, -1)) {}

DaemonLock& DaemonLock::operator=(DaemonLock&& other) noexcept {
  std::swap(file_, other.file_);
  return *this;
}

DaemonLock::~DaemonLock() {
  if (file_ >= 0) close(file_);
}

}  // namespace gateway
