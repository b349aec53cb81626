#include "service/ledger/end_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

// Of numbers and a hash in hexadecimal, each as long as it can be.
constexpr size_t kEndBytesMax = 128;

}  // namespace

absl::StatusOr<std::unique_ptr<EndFile>> EndFile::Open(
    const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                      S_IRUSR | S_IWUSR);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("open ", path));
  std::unique_ptr<EndFile> file(new EndFile(fd));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return absl::ErrnoToStatus(errno, absl::StrCat("lock ", path));
    }
    return absl::FailedPreconditionError(absl::StrCat(
        path,
        " is locked: another gateway writes this ledger; end that one, "
        "or give this one a ledger of its own"));
  }
  GATEWAY_RETURN_IF_ERROR(file->Read(path));
  return file;
}

EndFile::~EndFile() { close(fd_); }

absl::Status EndFile::Read(const std::string& path) {
  std::string text(kEndBytesMax, '\0');
  const ssize_t size = pread(fd_, text.data(), text.size(), 0);
  if (size < 0) return absl::ErrnoToStatus(errno, absl::StrCat("read ", path));
  if (size == 0) return absl::OkStatus();
  text.resize(static_cast<size_t>(size));
  const std::vector<std::string> said =
      absl::StrSplit(absl::string_view(text), absl::ByAnyChar(" \n"));
  if (said.size() != 4 || !said[3].empty() ||
      !absl::SimpleAtoi(said[0], &end_.commits) ||
      !absl::SimpleAtoi(said[1], &end_.entries)) {
    return absl::DataLossError(absl::StrCat(
        path,
        " does not say where the ledger ends; verify the ledger, and "
        "remove this file if all is well"));
  }
  end_.hash = said[2];
  return absl::OkStatus();
}

void EndFile::Write(const LedgerEnd& end) {
  // Always as long, so that nothing of the one before is left behind it.
  const std::string text =
      absl::StrFormat("%020d %020d %s\n", end.commits, end.entries, end.hash);
  [[maybe_unused]] const ssize_t written =
      pwrite(fd_, text.data(), text.size(), 0);
}

}  // namespace gateway
