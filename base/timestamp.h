// Writes moments as people and log tools read them: RFC 3339, in UTC, with
// milliseconds.
//
//   std::string line = "{\"ts\":\"";
//   AppendTimestamp(clock.WallTime(), &line);  // 2026-01-02T03:04:05.678Z
//
// Thread-safe. Costs some 20 ns while the second stays the same.

#ifndef BASE_TIMESTAMP_H_
#define BASE_TIMESTAMP_H_

#include <string>

#include "absl/time/time.h"

namespace gateway {

// Rounds down to the millisecond. REQUIRES: a year of four digits, as the
// times of day of our clocks have.
void AppendTimestamp(absl::Time time, std::string* out);

}  // namespace gateway

#endif  // BASE_TIMESTAMP_H_
