// Http2Limits is what a session allows its peer, and for how long.
//
//   Http2Limits limits;
//   limits.concurrent_streams = 100;
//   const absl::Status fit = CheckHttp2Limits(limits);
//
// Thread-compatible.

#ifndef BASE_HTTP_HTTP2_LIMITS_H_
#define BASE_HTTP_HTTP2_LIMITS_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/random.h"

namespace gateway {

// What a field counts in a header list beside its name and value (RFC 9113
// §6.5.2).
inline constexpr size_t kFieldOverheadBytes = 32;

// What is allowed to a peer. The defaults suit a server.
struct Http2Limits {
  // How many streams the peer may have open. For a client: how many it opens
  // itself, if the peer allows as many.
  uint32_t concurrent_streams = 256;
  // How many bytes the peer may send on one stream before they are consumed.
  uint32_t stream_window_bytes = 64 * 1024;
  // The largest header list, counted as names, values and 32 bytes for each
  // field (RFC 9113 §6.5.2). A request with more goes to OnOversizedRequest, a
  // response with more is reset. A name or value above 64 KiB ends the
  // connection whatever this is: nghttp2 reads none, and the table that all
  // heads share is lost with it.
  size_t header_list_bytes = 16 * 1024;

  // Time from the connection's begin until the peer's settings and its
  // acknowledgement of ours are there; also from a header block's first frame
  // to its end.
  absl::Duration handshake_timeout = absl::Seconds(10);
  // A connection without a stream is closed after this, once the peer's
  // settings are there.
  absl::Duration idle_timeout = absl::InfiniteDuration();
  // A connection from which nothing has come for so long is pinged, and closed
  // when still nothing comes.
  absl::Duration keepalive_time = absl::Minutes(2);
  absl::Duration keepalive_timeout = absl::Seconds(20);
  // Time for a peer that takes nothing of what waits for it, because its window
  // is shut or its socket full; at most twice that passes until it is noticed.
  absl::Duration write_stall_timeout = absl::Seconds(60);
  // Connections older than this, give or take a tenth, take no new streams;
  // what has not ended after the grace is cut off.
  absl::Duration age_max = absl::InfiniteDuration();
  absl::Duration age_grace = absl::InfiniteDuration();
};

// INVALID_ARGUMENT for limits that do not fit the protocol or each other: the
// windows of all streams together must not exceed a connection's largest, 2
// GiB.
absl::Status CheckHttp2Limits(const Http2Limits& limits);

// Returns `age` changed by up to a tenth at random, so that connections which
// were opened together are not closed together.
absl::Duration SpreadAge(absl::Duration age, Random& random);

}  // namespace gateway

#endif  // BASE_HTTP_HTTP2_LIMITS_H_
