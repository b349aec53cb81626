// Inflates and compresses whole texts in memory, with zlib. What a text may
// inflate to is bounded, so that a small one which stands for gigabytes costs
// no more than its limit.
//
//   std::string text;
//   GATEWAY_RETURN_IF_ERROR(
//       Inflate(ZlibFormat::kGzip, body, /*bytes_limit=*/4 << 20, &text));
//
// Thread-safe: plain functions, nothing is kept between calls.

#ifndef BASE_HTTP_ZLIB_CODEC_H_
#define BASE_HTTP_ZLIB_CODEC_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace gateway {

enum class ZlibFormat {
  kGzip,  // RFC 1952, one member.
  kZlib,  // RFC 1950, which HTTP and gRPC call `deflate`.
};

// Replaces `*out`, which never becomes larger than `bytes_limit`, nor is more
// reserved for it; it grows with what has been inflated, not with what the
// input says of itself.
//
// Errors leave in `*out` what has been inflated until then: RESOURCE_EXHAUSTED
// for more than `bytes_limit` bytes; INVALID_ARGUMENT for input that is
// corrupt, ends too early or goes on behind its end.
absl::Status Inflate(ZlibFormat format, std::string_view in, size_t bytes_limit,
                     std::string* out);

// Replaces `*out` by a gzip member. Prefers speed: the text goes over a network
// that is faster than thorough compression. INVALID_ARGUMENT for 2 GiB or more.
absl::Status CompressGzip(std::string_view in, std::string* out);

}  // namespace gateway

#endif  // BASE_HTTP_ZLIB_CODEC_H_
