// Bounds the memory that reading a text of JSON takes. `{}` is two bytes of it
// and a message of some hundred; so a body whose size is within its limit can
// still be read into fifty times as much.
//
//   return ReadBounded(
//       body.size(), [&] { return arena.SpaceAllocated(); },
//       [&] { return dialect.ReadRequest(body, request, ...); },
//       RequestTakesTooMuch);
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_BOUNDED_READING_H_
#define PROVIDERS_DIALECTS_BOUNDED_READING_H_

#include <cstddef>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace gateway {

// How much memory may be allocated for each byte of the text, and how much
// besides. A token with its log probability, the most that honest answers take,
// is read into two to three times its text.
inline constexpr size_t kReadMemoryPerByte = 4;
inline constexpr size_t kReadMemoryBytesFree = 1024 * 1024;

// What `read` returns; or what `refuse` makes of the limit, in bytes, as soon
// as `allocated`, which counts without the texts, and what CountReadMemory is
// told have grown by more. Asked on this thread as `read` goes through its text
// of `text_bytes`.
absl::Status ReadBounded(size_t text_bytes,
                         absl::FunctionRef<size_t()> allocated,
                         absl::FunctionRef<absl::Status()> read,
                         absl::FunctionRef<absl::Status(size_t limit)> refuse);

// Counts memory that `allocated` does not see, such as that of messages which
// are moved later.
void CountReadMemory(size_t bytes);

// About how much these take beside their texts, as measured.
inline constexpr size_t kExtensionMemoryBytes = 240;
inline constexpr size_t kPartMemoryBytes = 270;

// The fault for a request, and for an answer, that outgrows the limit.
absl::Status RequestTakesTooMuch(size_t limit);
absl::Status AnswerTakesTooMuch(size_t limit);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_BOUNDED_READING_H_
