#include "service/store/database_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr mode_t kOthers = 0077;

// Which byte is locked: far behind those that SQLite locks in this file, at 1
// GiB, so that neither sees the other.
constexpr off_t kLockedByte = std::numeric_limits<int64_t>::max() - 1;

absl::Status AtFile(const std::string& path, int error, const char* deed) {
  const absl::Status status = absl::ErrnoToStatus(error, deed);
  return absl::Status(status.code(),
                      absl::StrCat(path, ": ", status.message()));
}

absl::Status NoRegularFile(const std::string& path) {
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": is no regular file; give another path"));
}

// Whether something is mounted at the path itself, where the system tells that.
bool IsMounted(const std::string& path) {
  struct statx facts;
  return statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_TYPE,
               &facts) == 0 &&
         (facts.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0 &&
         (facts.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

// By another name there is another log beside it, of which this one would know
// nothing.
absl::Status CheckOneName(const std::string& path, nlink_t names) {
  if (names > 1) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": has ", names,
        " names (hard links), and its log (-wal) is beside one of them only: "
        "remove the other names, having seen that no process uses them"));
  }
  if (!IsMounted(path)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      path,
      ": is mounted by itself, without its log (-wal), which belongs beside "
      "it: mount its folder instead"));
}

// Nothing is opened here that is there already: to close it would let go of all
// locks that this process has on it.
absl::Status MakeOwnersAlone(const std::string& path) {
  struct stat facts;
  if (lstat(path.c_str(), &facts) != 0) {
    // The log and its index come and go.
    return errno == ENOENT ? absl::OkStatus()
                           : AtFile(path, errno, "cannot be looked at");
  }
  // A link would have another file's mode changed.
  if (!S_ISREG(facts.st_mode)) return NoRegularFile(path);
  if ((facts.st_mode & kOthers) == 0 || chmod(path.c_str(), kOwnerOnly) == 0) {
    return absl::OkStatus();
  }
  return AtFile(path, errno,
                "others may read or write it, and it cannot be taken from them "
                "(chmod 600)");
}

}  // namespace

DatabaseFile::DatabaseFile(std::string path)
    : path_(std::move(path)), log_path_(absl::StrCat(path_, "-wal")) {}

DatabaseFile::DatabaseFile(DatabaseFile&& other) noexcept
    : path_(other.path_),
      log_path_(other.log_path_),
      lock_(std::exchange(other.lock_, -1)),
      file_(other.file_),
      log_(other.log_) {}

DatabaseFile::~DatabaseFile() {
  if (lock_ >= 0) close(lock_);
}

absl::Status DatabaseFile::Make() {
  const int made =
      open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly);
  if (made >= 0) {
    close(made);
    return absl::OkStatus();
  }
  if (errno != EEXIST) return AtFile(path_, errno, "cannot be made");
  struct stat facts;
  if (lstat(path_.c_str(), &facts) != 0) {
    return AtFile(path_, errno, "cannot be looked at");
  }
  if (!S_ISREG(facts.st_mode)) return NoRegularFile(path_);
  return CheckOneName(path_, facts.st_nlink);
}

absl::Status DatabaseFile::Take() {
  lock_ = open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (lock_ < 0) return AtFile(path_, errno, "cannot be opened");
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kLockedByte;
  lock.l_len = 1;
  // Of the descriptor and not of the process, unlike SQLite's.
  if (fcntl(lock_, F_OFD_SETLK, &lock) == 0) return absl::OkStatus();
  if (errno != EAGAIN && errno != EACCES) {
    return AtFile(path_, errno, "cannot be locked");
  }
  return absl::FailedPreconditionError(absl::StrCat(
      path_,
      ": is locked: another process writes it, perhaps by another name of it; "
      "end that one, or give this one a file of its own"));
}

absl::Status DatabaseFile::KeepFromOthers() {
  GATEWAY_RETURN_IF_ERROR(MakeOwnersAlone(path_));
  GATEWAY_RETURN_IF_ERROR(MakeOwnersAlone(log_path_));
  return MakeOwnersAlone(absl::StrCat(path_, "-shm"));
}

absl::Status DatabaseFile::Identify(const std::string& path,
                                    Identity& identity) {
  struct stat facts;
  if (stat(path.c_str(), &facts) != 0) {
    return AtFile(path, errno, "cannot be looked at");
  }
  identity = {.device = facts.st_dev, .inode = facts.st_ino};
  return absl::OkStatus();
}

absl::Status DatabaseFile::Remember() {
  GATEWAY_RETURN_IF_ERROR(Identify(path_, file_));
  return Identify(log_path_, log_);
}

absl::Status DatabaseFile::CheckInPlace() const {
  for (const auto& [path, remembered] :
       {std::pair<const std::string&, const Identity&>(path_, file_),
        std::pair<const std::string&, const Identity&>(log_path_, log_)}) {
    Identity now;
    const absl::Status status = Identify(path, now);
    if (status.ok() && now == remembered) continue;
    if (!status.ok() && !absl::IsNotFound(status)) return status;
    return absl::DataLossError(absl::StrCat(
        path,
        ": was removed or replaced while in use, and what is written "
        "now is lost; put it back, then start the gateway anew"));
  }
  return absl::OkStatus();
}

}  // namespace gateway
