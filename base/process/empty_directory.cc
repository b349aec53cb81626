#include "base/process/empty_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

constexpr mode_t kNobodyWrites = S_IRUSR | S_IXUSR;
constexpr mode_t kAllBits = 0777;

// Removes whatever is in the directory, which is next to nothing.
absl::Status Empty(const std::string& path) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path, error), end;
       !error && entry != end; entry.increment(error)) {
    std::filesystem::remove_all(entry->path(), error);
  }
  if (!error) return absl::OkStatus();
  return absl::ErrnoToStatus(error.value(),
                             absl::StrCat("cannot empty ", path));
}

}  // namespace

absl::StatusOr<std::string> EmptyDirectory(std::string_view parent) {
  const std::string path =
      absl::StrCat(parent.empty() ? "/tmp" : ToAbsl(parent),
                   "/llm-gateway-empty-", geteuid());
  if (mkdir(path.c_str(), kNobodyWrites) == 0) return path;
  if (errno != EEXIST) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot make ", path));
  }
  struct stat facts;
  // lstat, since a symbolic link would lead elsewhere.
  if (lstat(path.c_str(), &facts) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot look at ", path));
  }
  if (!S_ISDIR(facts.st_mode) || facts.st_uid != geteuid() ||
      (facts.st_mode & kAllBits) != kNobodyWrites) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, " is no directory of this user's that nobody may write to"));
  }
  const absl::Status emptied = Empty(path);
  if (!emptied.ok()) return emptied;
  return path;
}

}  // namespace gateway
