// Http2Guard stands between the socket and nghttp2: it looks at the head of
// every frame that a peer sends, and says when the peer has gone too far. So
// frames count that nghttp2 ignores, and rules hold that it does not know.
//
//   size_t good = 0;
//   const auto refusal = guard.Inspect(bytes, loop.Now(), &good);
//   nghttp2_session_mem_recv(session, bytes.data(), good);
//   if (refusal.has_value()) Refuse(*refusal);
//
// Thread-compatible.

#ifndef BASE_HTTP_HTTP2_GUARD_H_
#define BASE_HTTP_HTTP2_GUARD_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/http/http2_budget.h"
#include "base/http/http2_frame_scanner.h"
#include "base/http/http2_stream.h"

namespace gateway {

class Http2Guard {
 public:
  struct Refusal {
    Http2Error error;
    std::string_view what;
  };

  // Which end the peer is.
  enum class Peer { kClient, kServer };

  // Whether nghttp2 still knows a stream.
  using IsOpen = std::function<bool(int32_t id)>;

  // `streams`: how many the peer may have open, if it is a client.
  Http2Guard(Peer peer, uint32_t streams, absl::Duration now, IsOpen is_open);

  // Looks at the next bytes. If something is wrong, only the first `good` of
  // them count, which include the head of the frame that is refused.
  std::optional<Refusal> Inspect(std::string_view bytes, absl::Duration now,
                                 size_t* good);

  // A header block has begun, and its last byte is not there yet.
  bool in_header_block() const { return scanner_.in_header_block(); }
  // One began in the last bytes.
  bool began_header_block() const { return began_header_block_; }

  // A stream had to be broken off because the peer broke the rules on it,
  // which costs as much as when it does so itself (CVE-2025-8671).
  std::optional<Refusal> CountOwnReset(absl::Duration now) {
    return Spend(Http2Budget::Cost::kReset, now);
  }

  // We have reset a stream: what the peer had sent of it until it learns so is
  // no fault.
  void CountReset() {
    late_frames_ = std::min(late_frames_ + kLateFramesPerReset, kLateFramesMax);
  }

  // A frame with content went out.
  void OnSent() { budget_.EarnBySending(); }
  // A stream's answer has begun.
  void OnAnswer() { budget_.EarnByAnswering(); }

 private:
  // A window of 1 MiB in frames of 16 KiB; and of how many resets at a time.
  static constexpr int32_t kLateFramesPerReset = 64;
  static constexpr int32_t kLateFramesMax = 1024 * kLateFramesPerReset;

  // Ids of streams that the peer skipped: first and last.
  using Gap = std::pair<int32_t, int32_t>;

  std::optional<Refusal> CheckHead(const Http2FrameHead& head,
                                   absl::Duration now);
  std::optional<Refusal> Spend(Http2Budget::Cost cost, absl::Duration now);
  // What a client may not do to the stream any more, if this is a HEADERS,
  // DATA or RST_STREAM frame of it.
  std::optional<Refusal> CountStream(const Http2FrameHead& head);
  bool IsSkipped(int32_t id) const;
  bool IsOver(const Http2FrameHead& head) const;
  // A frame of a stream that is over carries nothing, however long it is.
  std::optional<Refusal> CountLate(absl::Duration now);

  const Peer peer_;
  const IsOpen is_open_;
  // A client's newest stream before the bytes that are looked at, of which
  // nghttp2 has seen nothing yet.
  int32_t seen_id_ = -1;
  bool began_header_block_ = false;
  Http2FrameScanner scanner_;
  Http2Budget budget_;
  int32_t late_frames_ = 0;  // That may still come.
  int32_t last_id_ = -1;
  // Of the last streams, the newest in the lowest bit: the client has ended
  // its side or reset it.
  uint64_t ended_ = 0;
  std::vector<Gap> gaps_;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP2_GUARD_H_
