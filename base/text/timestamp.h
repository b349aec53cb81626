// Writes moments as people and log tools read them: RFC 3339, in UTC, with
// milliseconds.
//
//   std::string line = "{\"ts\":\"";
//   AppendTimestamp(clock.WallTime(), &line);  // 2026-01-02T03:04:05.678Z
//
// Thread-safe. Costs some 10 ns while the second stays the same.

#ifndef BASE_TEXT_TIMESTAMP_H_
#define BASE_TEXT_TIMESTAMP_H_

#include <cstddef>
#include <string>

#include "absl/time/time.h"

namespace gateway {

inline constexpr size_t kTimestampBytes =
    sizeof("2026-01-02T03:04:05.678Z") - 1;

// Appends the time, rounded down to the millisecond. Moments outside of the
// years 1000 to 9999 become the nearest within.
void AppendTimestamp(absl::Time time, std::string* out);

// Writes the same into memory: exactly kTimestampBytes characters.
void WriteTimestamp(absl::Time time, char* out);

}  // namespace gateway

#endif  // BASE_TEXT_TIMESTAMP_H_
