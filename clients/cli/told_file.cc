#include "clients/cli/told_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/os/file.h"

namespace gateway {
namespace {

// Until the end of what may be a pipe.
absl::StatusOr<std::string> ReadToEnd(int fd, size_t bytes_limit) {
  std::string text;
  char piece[64 * 1024];
  for (;;) {
    const ssize_t bytes = read(fd, piece, sizeof(piece));
    if (bytes == 0) return text;
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return absl::ErrnoToStatus(errno, "cannot be read");
    text.append(piece, static_cast<size_t>(bytes));
    if (text.size() > bytes_limit) {
      return absl::ResourceExhaustedError(
          absl::StrCat("has more than ", bytes_limit, " bytes"));
    }
  }
}

absl::StatusOr<std::string> ReadPipe(const std::string& path,
                                     size_t bytes_limit) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, "cannot be opened");
  absl::StatusOr<std::string> text = ReadToEnd(fd, bytes_limit);
  close(fd);
  return text;
}

bool IsPipe(const std::string& path) {
  struct stat about{};
  return stat(path.c_str(), &about) == 0 &&
         (S_ISFIFO(about.st_mode) || S_ISCHR(about.st_mode) ||
          S_ISSOCK(about.st_mode));
}

}  // namespace

absl::StatusOr<std::string> ReadToldFile(const std::string& path,
                                         size_t bytes_limit) {
  const bool is_input = path == kStandardInput || path == "/dev/stdin";
  absl::StatusOr<std::string> text =
      is_input       ? ReadToEnd(STDIN_FILENO, bytes_limit)
      : IsPipe(path) ? ReadPipe(path, bytes_limit)
                     : ReadFile(path, bytes_limit);
  if (text.ok()) return text;
  return absl::Status(text.status().code(),
                      absl::StrCat(is_input ? "standard input" : path, ": ",
                                   text.status().message()));
}

std::string FromRoot(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

}  // namespace gateway
