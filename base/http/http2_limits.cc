#include "base/http/http2_limits.h"

#include "absl/strings/str_cat.h"

namespace gateway {
namespace {

constexpr uint64_t kWindowBytesMax = INT32_MAX;

}  // namespace

absl::Status CheckHttp2Limits(const Http2Limits& limits) {
  const uint64_t bytes =
      uint64_t{limits.concurrent_streams} * limits.stream_window_bytes;
  if (limits.concurrent_streams == 0 || limits.stream_window_bytes == 0) {
    return absl::InvalidArgumentError(
        "concurrent streams and the stream window must be above 0");
  }
  if (bytes > kWindowBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        limits.concurrent_streams, " streams with a window of ",
        limits.stream_window_bytes, " bytes each are ", bytes,
        " bytes; a connection can have at most ", kWindowBytesMax));
  }
  return absl::OkStatus();
}

absl::Duration SpreadAge(absl::Duration age, Random& random) {
  if (age == absl::InfiniteDuration()) return age;
  return age * (0.9 + 0.2 * random.UniformDouble());
}

}  // namespace gateway
