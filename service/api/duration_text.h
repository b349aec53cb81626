// WriteDuration writes a time that something took, or has to wait, as
// absl::FormatDuration does - `1m30.5s`, `2.503ms` - in a fifth of its
// instructions, for texts of which each call has some.
//
//   char* end = WriteDuration(nanoseconds, out);  // Of kDurationBytesMax.
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_DURATION_TEXT_H_
#define SERVICE_API_DURATION_TEXT_H_

#include <cstddef>
#include <cstdint>

namespace gateway {

// As in `2562047h47m16.854775807s`.
inline constexpr size_t kDurationBytesMax = 32;

// Writes so many nanoseconds, which are not negative, and returns the end.
char* WriteDuration(int64_t nanoseconds, char* out);

}  // namespace gateway

#endif  // SERVICE_API_DURATION_TEXT_H_
