// LogFile is a file that log lines are appended to. What rotates logs renames
// the file and then has the process open it again, by its name:
//
//   absl::StatusOr<std::unique_ptr<LogFile>> file = LogFile::Open(path);
//   (*file)->Write(lines);
//   ...
//   ReopenLogFiles();  // After the rename: of all that are open.
//
// It may set itself aside instead (log_rotation.h), between two lines. Where
// that fails, it goes on as it was, and standard error is told once; a minute
// later it is tried again.
//
// Lines that cannot be written, on a full disk for example, are lost and
// counted, and standard error is told once for each time that it begins. A pipe
// that is full has a second to be read before its lines are lost, too.
//
// Thread-safe. Blocks on the disk, and for that second: for the threads that
// write logs, never on an event loop.

#ifndef BASE_OS_LOG_FILE_H_
#define BASE_OS_LOG_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/log_rotation.h"
#include "base/os/mutex.h"

namespace gateway {

class LogFile {
 public:
  // Opens the file, and creates it if there is none, for its owner to write and
  // its group to read. Does not wait for the reader of a pipe. Errors are of
  // kInvalidArgument and name the file. What is no regular file, such as a
  // pipe, is never set aside. `clock`, for rotation, must outlive the file.
  static absl::StatusOr<std::unique_ptr<LogFile>> Open(
      const std::string& path, const LogRotation& rotation = {},
      Clock& clock = SystemClock());

  ~LogFile();

  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  // Appends whole lines. What cannot be written is lost, and that is told on
  // standard error, once in a row.
  void Write(std::string_view lines) LOCKS_EXCLUDED(mu_);

  // Goes on with the file that has the path now, which is created if there is
  // none. After an error the one that was open before stays in use.
  absl::Status Reopen() LOCKS_EXCLUDED(mu_);

  // Counts the lines that all log files of the process have lost.
  static uint64_t LostLines();

 private:
  LogFile(std::string path, int fd, const LogRotation& rotation, Clock& clock);

  // Finds out how large the open file is, and when it was begun.
  void Measure() EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Goes on with a new file of the same name, if it is time.
  void RotateBefore(size_t bytes) EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Rotate() EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Writes `bytes` and removes from them what was written. Returns false if the
  // rest is lost.
  bool WriteAll(std::string_view& bytes) EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::string path_;
  const LogRotation rotation_;
  Clock& clock_;
  Mutex mu_;
  int fd_ GUARDED_BY(mu_);
  // Of the open file; only kept where it may be set aside.
  bool may_rotate_ GUARDED_BY(mu_) = false;
  int64_t size_ GUARDED_BY(mu_) = 0;
  absl::Time begun_ GUARDED_BY(mu_);
  // It could not be set aside, and that was told; when to try again.
  bool stuck_ GUARDED_BY(mu_) = false;
  absl::Time retry_ GUARDED_BY(mu_) = absl::InfinitePast();
  // Lines are being lost, and that was told.
  bool failing_ GUARDED_BY(mu_) = false;
  bool line_is_cut_ GUARDED_BY(mu_) = false;
};

// Reopens every LogFile of the process. Returns the first error, after trying
// all of them.
absl::Status ReopenLogFiles();

// Whether Open would succeed, without creating anything. The error names the
// file.
absl::Status CheckLogFile(const std::string& path);

}  // namespace gateway

#endif  // BASE_OS_LOG_FILE_H_
