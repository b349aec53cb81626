#include "service/ledger/end_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/os/file.h"
#include "base/status_macros.h"

namespace gateway {
namespace {

// Of numbers, a hash in hexadecimal and a boot's id, each as long as it can be.
constexpr size_t kEndBytesMax = 192;

constexpr std::string_view kBootPath = "/proc/sys/kernel/random/boot_id";
// In place of an id, which is as long, where none can be read.
constexpr std::string_view kNoBoot = "------------------------------------";

struct ToldEnd {
  LedgerEnd end;
  std::string boot;  // Empty where an earlier version has written it.
};

std::string PresentBoot() {
  const absl::StatusOr<std::string> read =
      ReadFile(std::string(kBootPath), kEndBytesMax);
  if (!read.ok()) return std::string(kNoBoot);
  std::string boot(absl::StripAsciiWhitespace(*read));
  return boot.size() == kNoBoot.size() ? boot : std::string(kNoBoot);
}

absl::Status SaysNoEnd(const std::string& path) {
  return absl::DataLossError(absl::StrCat(
      path,
      " does not say where the ledger ends; verify the ledger, and "
      "remove this file if all is well"));
}

absl::StatusOr<ToldEnd> ReadEnd(int fd, const std::string& path) {
  std::string text(kEndBytesMax, '\0');
  const ssize_t size = pread(fd, text.data(), text.size(), 0);
  if (size < 0) return absl::ErrnoToStatus(errno, absl::StrCat("read ", path));
  text.resize(static_cast<size_t>(size));
  ToldEnd told;
  // A loss of power may leave a file as long as it was to be, of zeros.
  if (text.find_first_not_of('\0') == std::string::npos) return told;
  const std::vector<std::string> said =
      absl::StrSplit(absl::string_view(text), absl::ByAnyChar(" \n"));
  const bool has_boot = said.size() == 5 && said[3].size() == kNoBoot.size();
  if ((said.size() != 4 && !has_boot) || !said.back().empty() ||
      !absl::SimpleAtoi(said[0], &told.end.commits) ||
      !absl::SimpleAtoi(said[1], &told.end.entries)) {
    return SaysNoEnd(path);
  }
  told.end.hash = said[2];
  if (has_boot) told.boot = said[3];
  return told;
}

}  // namespace

absl::StatusOr<std::unique_ptr<EndFile>> EndFile::Open(
    const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                      S_IRUSR | S_IWUSR);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("open ", path));
  std::unique_ptr<EndFile> file(new EndFile(fd, PresentBoot()));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return absl::ErrnoToStatus(errno, absl::StrCat("lock ", path));
    }
    return absl::FailedPreconditionError(absl::StrCat(
        path,
        " is locked: another gateway writes this ledger; end that one, "
        "or give this one a ledger of its own"));
  }
  GATEWAY_ASSIGN_OR_RETURN(ToldEnd told, ReadEnd(fd, path));
  file->end_ = std::move(told.end);
  file->is_of_earlier_boot_ = !told.boot.empty() && told.boot != kNoBoot &&
                              file->boot_ != kNoBoot &&
                              told.boot != file->boot_;
  return file;
}

absl::StatusOr<LedgerEnd> EndFile::Peek(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) return LedgerEnd();
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("open ", path));
  const absl::Cleanup close_file = [fd] { close(fd); };
  GATEWAY_ASSIGN_OR_RETURN(ToldEnd told, ReadEnd(fd, path));
  return std::move(told.end);
}

EndFile::~EndFile() { close(fd_); }

void EndFile::Write(const LedgerEnd& end) {
  // Always as long, so that nothing of the one before is left behind it.
  const std::string text = absl::StrFormat("%020d %020d %s %s\n", end.commits,
                                           end.entries, end.hash, boot_);
  [[maybe_unused]] const ssize_t written =
      pwrite(fd_, text.data(), text.size(), 0);
}

}  // namespace gateway
