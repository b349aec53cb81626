#include "service/store/database_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr mode_t kOthers = 0077;

absl::Status AtFile(const std::string& path, int error, const char* deed) {
  const absl::Status status = absl::ErrnoToStatus(error, deed);
  return absl::Status(status.code(),
                      absl::StrCat(path, ": ", status.message()));
}

absl::Status NoRegularFile(const std::string& path) {
  return absl::FailedPreconditionError(
      absl::StrCat(path, ": is no regular file; give another path"));
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
  if (S_ISREG(facts.st_mode)) return absl::OkStatus();
  return NoRegularFile(path_);
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
