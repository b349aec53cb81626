#include "service/discovery/pid_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/os/file.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

constexpr size_t kBytesLimit = 64 * 1024;
// How often to try again if an owner that exits removes the lock file between
// its opening and its locking.
constexpr int kLockAttempts = 100;

std::string LockPath(const std::string& path) {
  return absl::StrCat(path, ".lock");
}

absl::Status At(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(),
                      absl::StrCat(path, ": ", status.message()));
}

void MakeFolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return;
  // The result is not checked: making a file in the folder will tell.
  (void)mkdir(path.substr(0, slash).c_str(), 0755);
}

// What is there already must be a file: a device that a process with root's
// rights is given, such as /dev/null, would be replaced by one.
absl::Status CheckReplaceable(const std::string& path) {
  struct stat facts;
  if (stat(path.c_str(), &facts) != 0 || S_ISREG(facts.st_mode)) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(absl::StrCat(
      path,
      ": is no file, and cannot be the PID file; name another one, by "
      "--pid_file or GATEWAY_PID_FILE"));
}

// Returns whether what is open as `file` can still be found at `path`.
bool IsAt(const std::string& path, int file) {
  struct stat open_facts;
  struct stat path_facts;
  return fstat(file, &open_facts) == 0 &&
         stat(path.c_str(), &path_facts) == 0 &&
         open_facts.st_dev == path_facts.st_dev &&
         open_facts.st_ino == path_facts.st_ino;
}

absl::Status Owned(const std::string& path, int64_t pid) {
  return absl::AlreadyExistsError(
      absl::StrCat(path, ": a running gateway owns it",
                   pid == 0 ? "" : absl::StrCat(", process ", pid)));
}

// Returns a descriptor that holds the lock, or ALREADY_EXISTS.
absl::StatusOr<int> Lock(const std::string& path) {
  const std::string lock_path = LockPath(path);
  for (int i = 0; i < kLockAttempts; ++i) {
    const int file =
        open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0) {
      return absl::ErrnoToStatus(errno,
                                 absl::StrCat("cannot open ", lock_path));
    }
    const bool locked = flock(file, LOCK_EX | LOCK_NB) == 0;
    if (locked && IsAt(lock_path, file)) return file;
    const int error = errno;
    close(file);
    if (!locked && error == EWOULDBLOCK) {
      const absl::StatusOr<PidRecord> owner = FindGateway(path);
      return Owned(path, owner.ok() ? owner->process.pid : 0);
    }
    if (!locked && error != EINTR) {
      return absl::ErrnoToStatus(error,
                                 absl::StrCat("cannot lock ", lock_path));
    }
  }
  return absl::AbortedError(
      absl::StrCat("cannot lock ", lock_path, ": it keeps changing"));
}

void Unlock(const std::string& path, int lock) {
  // Removed before it is unlocked, so that a waiting process sees that it is
  // gone.
  unlink(LockPath(path).c_str());
  close(lock);
}

}  // namespace

absl::StatusOr<std::unique_ptr<PidFile>> PidFile::Claim(
    const std::string& path) {
  GATEWAY_RETURN_IF_ERROR(CheckReplaceable(path));
  MakeFolderOf(path);
  GATEWAY_ASSIGN_OR_RETURN(const int lock, Lock(path));
  std::unique_ptr<PidFile> file(new PidFile(path, lock));
  // Looked for, too, since not every program that writes such files takes the
  // lock. A record of this process's own number does not count: in a container
  // a gateway has the same number after each restart.
  const absl::StatusOr<PidRecord> other = FindGateway(path);
  if (other.ok() && other->process.pid != getpid()) {
    return Owned(path, other->process.pid);
  }
  return file;
}

PidFile::~PidFile() {
  if (published_.has_value()) {
    const absl::StatusOr<PidRecord> record = FindGateway(path_);
    if (record.ok() && record->process == *published_) unlink(path_.c_str());
  }
  Unlock(path_, lock_);
}

absl::Status PidFile::Publish(const PidRecord& record) {
  const absl::StatusOr<std::string> previous = ReadFile(path_, kBytesLimit);
  if (previous.ok()) {
    const std::string backup = absl::StrCat(path_, ".bak");
    const absl::Status kept = ReplaceFile(backup, *previous);
    if (!kept.ok()) return At(backup, kept);
  }
  const absl::Status written = ReplaceFile(path_, WritePidRecord(record));
  if (!written.ok()) return At(path_, written);
  published_ = record.process;
  return absl::OkStatus();
}

absl::StatusOr<PidRecord> FindGateway(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path, kBytesLimit);
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError(absl::StrCat("there is no PID file at ", path));
  }
  if (!text.ok()) return At(path, text.status());
  absl::StatusOr<PidRecord> record = ReadPidRecord(*text);
  if (!record.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is not a PID file: ", record.status().message()));
  }
  if (!IsRunning(record->process)) {
    return absl::UnavailableError(absl::StrCat(
        path, " is stale: its process ", record->process.pid, " has ended"));
  }
  return record;
}

}  // namespace gateway
