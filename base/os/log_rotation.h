// When a log file is set aside and another begun, and how.
//
//   LogRotation rotation{.size_bytes = 64 << 20, .files = 5};
//   if (IsDue(rotation, size, begun, now)) {
//     absl::StatusOr<std::string> aside = SetAside("/var/log/gateway.log",
//     now);
//     ... open the path anew ...
//     RemoveOldest("/var/log/gateway.log", rotation.files);
//   }
//
// What was set aside stands beside the file, under its name with the time
// behind it: `gateway.log.20260102T030405.678Z`. Names sort as the times do.
// Nothing else is ever removed.
//
// Thread-safe: plain functions, of which one thread at a time calls those for
// one file. They block on the file system: for the threads that write logs.

#ifndef BASE_OS_LOG_ROTATION_H_
#define BASE_OS_LOG_ROTATION_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace gateway {

struct LogRotation {
  // So large a file is set aside; 0 for never.
  int64_t size_bytes = 0;
  // One that was begun so long ago is; zero for never.
  absl::Duration interval = absl::ZeroDuration();
  // So many that were set aside are kept.
  int files = 10;

  bool is_on() const {
    return size_bytes > 0 || interval > absl::ZeroDuration();
  }
};

// Whether a file of `size` bytes is to be set aside before `more` are written
// to it. One without a line never is.
bool IsDue(const LogRotation& rotation, int64_t size, int64_t more,
           absl::Time begun, absl::Time now);

// Renames the file and returns its name from then on. It has its lines still,
// and whoever has it open goes on writing there. Errors name the file.
absl::StatusOr<std::string> SetAside(const std::string& path, absl::Time now);

// Removes the oldest of the files that were set aside, until there are no more
// than `files`. Returns the first error, which names the file, after trying
// all.
absl::Status RemoveOldest(const std::string& path, int files);

// Whether `name`, without its folder, is that of a file `base` that was set
// aside.
bool IsSetAsideName(std::string_view name, std::string_view base);

}  // namespace gateway

#endif  // BASE_OS_LOG_ROTATION_H_
