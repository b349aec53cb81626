#include "base/os/log_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/log_rotation.h"
#include "base/os/mutex.h"

namespace gateway {
namespace {

constexpr mode_t kLogFileMode = 0640;

// How long to wait for room in a pipe that is full; what does not fit by then
// is lost.
constexpr int kStallTimeoutMs = 1000;

// How long after a rotation that failed the next is tried.
constexpr absl::Duration kRotationRetry = absl::Minutes(1);

std::atomic<uint64_t> lost_lines = 0;

void CountLost(std::string_view lines) {
  lost_lines.fetch_add(
      static_cast<uint64_t>(std::count(lines.begin(), lines.end(), '\n')),
      std::memory_order_relaxed);
}

// The log files that this process has open, for ReopenLogFiles.
struct OpenLogFiles {
  Mutex mu;
  std::vector<LogFile*> files GUARDED_BY(mu);
};

OpenLogFiles& AllLogFiles() {
  static OpenLogFiles& all = *new OpenLogFiles;
  return all;
}

absl::Status LogFileError(const std::string& path, int error) {
  return absl::InvalidArgumentError(
      absl::StrCat("cannot open the log ", path, ": ", strerror(error)));
}

// Opens without ever waiting. A pipe that nobody reads is opened for reading,
// too, as far as the process may: what is written stays in it until somebody
// reads.
int OpenForAppend(const std::string& path) {
  constexpr int kFlags =
      O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  const int fd = open(path.c_str(), kFlags | O_WRONLY, kLogFileMode);
  if (fd >= 0 || errno != ENXIO) return fd;
  return open(path.c_str(), kFlags | O_RDWR, kLogFileMode);
}

bool AwaitRoom(int fd) {
  pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
  int ready;
  do {
    ready = poll(&writable, 1, kStallTimeoutMs);
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

// When the file was made, where its file system knows that.
std::optional<absl::Time> BirthOf(int fd) {
  struct statx found;
  if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &found) != 0) {
    return std::nullopt;
  }
  if ((found.stx_mask & STATX_BTIME) == 0) return std::nullopt;
  return absl::FromUnixSeconds(found.stx_btime.tv_sec) +
         absl::Nanoseconds(found.stx_btime.tv_nsec);
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

absl::StatusOr<std::unique_ptr<LogFile>> LogFile::Open(
    const std::string& path, const LogRotation& rotation, Clock& clock) {
  const int fd = OpenForAppend(path);
  if (fd < 0) return LogFileError(path, errno);
  return std::unique_ptr<LogFile>(new LogFile(path, fd, rotation, clock));
}

LogFile::LogFile(std::string path, int fd, const LogRotation& rotation,
                 Clock& clock)
    : path_(std::move(path)), rotation_(rotation), clock_(clock), fd_(fd) {
  {
    MutexLock lock(mu_);
    Measure();
  }
  OpenLogFiles& all = AllLogFiles();
  MutexLock lock(all.mu);
  all.files.push_back(this);
}

LogFile::~LogFile() {
  {
    OpenLogFiles& all = AllLogFiles();
    MutexLock lock(all.mu);
    all.files.erase(std::find(all.files.begin(), all.files.end(), this));
  }
  MutexLock lock(mu_);
  close(fd_);
}

void LogFile::Measure() {
  struct stat found;
  may_rotate_ =
      rotation_.is_on() && fstat(fd_, &found) == 0 && S_ISREG(found.st_mode);
  if (!may_rotate_) return;
  size_ = found.st_size;
  // An empty one begins now, whenever it was made.
  begun_ = clock_.WallTime();
  if (size_ > 0) begun_ = BirthOf(fd_).value_or(begun_);
}

void LogFile::RotateBefore(size_t bytes) {
  if (!may_rotate_) return;
  const absl::Time now = clock_.WallTime();
  if (size_ == 0) begun_ = now;
  if (now < retry_ ||
      !IsDue(rotation_, size_, static_cast<int64_t>(bytes), begun_, now)) {
    return;
  }
  const absl::Status rotated = Rotate();
  if (!rotated.ok()) {
    retry_ = now + kRotationRetry;
    if (!stuck_) {
      fprintf(stderr, "the rotation of the log %s fails: %s\n", path_.c_str(),
              std::string(rotated.message()).c_str());
    }
  }
  stuck_ = !rotated.ok();
}

absl::Status LogFile::Rotate() {
  absl::StatusOr<std::string> aside = SetAside(path_, clock_.WallTime());
  if (!aside.ok()) return aside.status();
  const int fd = OpenForAppend(path_);
  if (fd < 0) {
    const absl::Status why = LogFileError(path_, errno);
    // As it was, so that the name stays that of the lines that come.
    rename(aside->c_str(), path_.c_str());
    return why;
  }
  close(std::exchange(fd_, fd));
  line_is_cut_ = false;
  Measure();
  return RemoveOldest(path_, rotation_.files);
}

void LogFile::Write(std::string_view lines) {
  MutexLock lock(mu_);
  RotateBefore(lines.size());
  // Ends a line that was cut before, so that it does not swallow the next one.
  if (line_is_cut_) {
    std::string_view end = "\n";
    if (!WriteAll(end)) return CountLost(lines);
    line_is_cut_ = false;
  }
  const size_t size = lines.size();
  if (WriteAll(lines)) {
    failing_ = false;
  } else {
    line_is_cut_ = lines.size() < size;
    CountLost(lines);
  }
}

uint64_t LogFile::LostLines() {
  return lost_lines.load(std::memory_order_relaxed);
}

bool LogFile::WriteAll(std::string_view& bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written >= 0) {
      size_ += written;
      bytes.remove_prefix(static_cast<size_t>(written));
      continue;
    }
    if (errno == EINTR) continue;
    const bool is_full = errno == EAGAIN;
    if (is_full && !failing_ && AwaitRoom(fd_)) continue;
    if (!failing_) {
      fprintf(stderr, "lines of the log %s are lost: %s\n", path_.c_str(),
              is_full ? "it is a pipe, and nobody reads it" : strerror(errno));
    }
    failing_ = true;
    return false;
  }
  return true;
}

absl::Status LogFile::Reopen() {
  const int fd = OpenForAppend(path_);
  if (fd < 0) return LogFileError(path_, errno);
  MutexLock lock(mu_);
  close(std::exchange(fd_, fd));
  line_is_cut_ = false;
  Measure();
  return absl::OkStatus();
}

absl::Status ReopenLogFiles() {
  OpenLogFiles& all = AllLogFiles();
  MutexLock lock(all.mu);
  absl::Status result;
  for (LogFile* file : all.files) result.Update(file->Reopen());
  return result;
}

absl::Status CheckLogFile(const std::string& path) {
  struct stat found;
  if (stat(path.c_str(), &found) != 0) {
    if (errno != ENOENT) return LogFileError(path, errno);
    // The file is not there: Open would create it.
    const bool may = access(DirectoryOf(path).c_str(), W_OK | X_OK) == 0;
    return may ? absl::OkStatus() : LogFileError(path, errno);
  }
  if (S_ISDIR(found.st_mode)) return LogFileError(path, EISDIR);
  if (S_ISSOCK(found.st_mode)) return LogFileError(path, ENXIO);
  if (access(path.c_str(), W_OK) != 0) return LogFileError(path, errno);
  return absl::OkStatus();
}

}  // namespace gateway
