#include "base/text/timestamp.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include "absl/time/time.h"

namespace gateway {
namespace {

constexpr size_t kSecondBytes = sizeof("2026-01-02T03:04:05") - 1;
// The first second of the year 1000.
constexpr int64_t kFirstUnixMillis = -30610224000 * 1000;
// The last millisecond of the year 9999.
constexpr int64_t kLastUnixMillis = 253402300799 * 1000 + 999;

// The last second that was written, kept since most lines share it with the one
// before.
struct Second {
  int64_t unix_seconds = std::numeric_limits<int64_t>::min();
  char text[kSecondBytes];
};

}  // namespace

void AppendTimestamp(absl::Time time, std::string* out) {
  char text[kTimestampBytes];
  WriteTimestamp(time, text);
  out->append(text, kTimestampBytes);
}

void WriteTimestamp(absl::Time time, char* out) {
  thread_local Second second;
  // ToUnixMillis rounds down, also before 1970.
  const int64_t millis =
      std::clamp(absl::ToUnixMillis(time), kFirstUnixMillis, kLastUnixMillis);
  int64_t unix_seconds = millis / 1000;
  int64_t rest = millis % 1000;
  if (rest < 0) {
    --unix_seconds;
    rest += 1000;
  }
  if (second.unix_seconds != unix_seconds) {
    const std::string text = absl::FormatTime(
        "%Y-%m-%dT%H:%M:%S", absl::FromUnixSeconds(unix_seconds),
        absl::UTCTimeZone());
    memcpy(second.text, text.data(), kSecondBytes);
    second.unix_seconds = unix_seconds;
  }
  const char tail[] = {'.', static_cast<char>('0' + rest / 100),
                       static_cast<char>('0' + rest / 10 % 10),
                       static_cast<char>('0' + rest % 10), 'Z'};
  static_assert(kSecondBytes + sizeof(tail) == kTimestampBytes);
  memcpy(out, second.text, kSecondBytes);
  memcpy(out + kSecondBytes, tail, sizeof(tail));
}

}  // namespace gateway
