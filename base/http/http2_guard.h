// Http2Guard stands between the socket and nghttp2: it looks at the head of
// every frame that a peer sends, and says when the peer has gone too far. So
// frames count that nghttp2 ignores, and rules hold that it does not know.
//
//   size_t good = 0;
//   const auto violation = guard.Inspect(bytes, loop.Now(), &good);
//   nghttp2_session_mem_recv(session, bytes.data(), good);
//   if (violation.has_value()) Refuse(*violation);
//
// It also looks ahead: a request that the client gives up in the same bytes
// need not be looked at (IsResetAhead).
//
// What a client sends on a stream that it has ended refuses the connection, and
// on one that it has reset only that stream (late_streams): what was on its way
// when a call was given up is no fault of the calls beside it (RFC 9113, 5.1).
//
// Of a client's resets count those that come before the answer has begun and
// within kEarlyReset: others end what has had its time, and are bounded by how
// many streams there may be at once.
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
  struct Violation {
    Http2Error error;
    std::string_view what;
  };

  // Which end of the connection the peer is.
  enum class Peer { kClient, kServer };

  // What has become of a stream.
  enum class StreamState {
    kGone,   // nghttp2 knows it no more.
    kEarly,  // Its answer has not begun, and it is younger than kEarlyReset.
    kOpen,
  };
  using StateOf = std::function<StreamState(int32_t id)>;

  // As Envoy has it (overload.premature_reset_min_stream_lifetime_seconds).
  static constexpr absl::Duration kEarlyReset = absl::Seconds(1);

  // Is told that a client has begun a request. Returns whether to look further
  // in this turn.
  using OnBegun = std::function<bool()>;

  // `streams` is how many the peer may have open, if it is a client; `on_begun`
  // may be null.
  Http2Guard(Peer peer, uint32_t streams, absl::Duration now, StateOf state_of,
             OnBegun on_begun = nullptr);

  // Looks at the next bytes. Only the first `good` are to be given to nghttp2;
  // they include the head of a frame that is refused. If none is refused, the
  // rest is to be looked at later.
  std::optional<Violation> Inspect(std::string_view bytes, absl::Duration now,
                                   size_t* good);

  // True while a header block has begun and its last byte is not there yet.
  bool in_header_block() const { return scanner_.in_header_block(); }
  // True if a header block began in the bytes that were inspected last.
  bool began_header_block() const { return began_header_block_; }

  // True if, in the bytes that were inspected last, the client has reset this
  // stream, which began in them.
  bool IsResetAhead(int32_t id) const {
    return std::binary_search(resets_ahead_.begin(), resets_ahead_.end(), id);
  }

  // The streams on which, in the bytes that were inspected last, a frame came
  // for the first time after the client had reset them. To be told so, when
  // nghttp2 has seen those bytes; it ignores such frames.
  const std::vector<int32_t>& late_streams() const { return late_streams_; }

  // Counts that a stream was reset because the peer broke the rules on it,
  // which costs as much as when the peer resets it (CVE-2025-8671).
  std::optional<Violation> CountOwnReset(absl::Duration now) {
    return Spend(Http2Budget::Cost::kReset, now);
  }

  // Tells that we have reset a stream: what the peer had sent on it until it
  // learns so is no fault.
  void CountReset() {
    late_frames_ = std::min(late_frames_ + kLateFramesPerReset, kLateFramesMax);
  }

  // Tells that a frame with content went out.
  void OnSent() { budget_.EarnBySending(); }
  // Tells that a stream's answer has begun.
  void OnAnswer() { budget_.EarnByAnswering(); }

 private:
  // Frames that may still come for each stream that we reset: a window of 1 MiB
  // in frames of 16 KiB; and for how many resets at a time.
  static constexpr int32_t kLateFramesPerReset = 64;
  static constexpr int32_t kLateFramesMax = 1024 * kLateFramesPerReset;

  // A run of stream ids that the peer skipped: the first and the last.
  using Gap = std::pair<int32_t, int32_t>;

  // Remembers a reset that has come whole, before nghttp2 sees its stream.
  void LookAhead(const Http2FrameHead& head, std::string_view rest);
  std::optional<Violation> CheckHead(const Http2FrameHead& head,
                                     absl::Duration now);
  std::optional<Violation> Spend(Http2Budget::Cost cost, absl::Duration now);
  // Counts a HEADERS, DATA or RST_STREAM frame of a client, and refuses what
  // the client may not do to that stream any more.
  std::optional<Violation> CountStream(const Http2FrameHead& head);
  bool IsSkipped(int32_t id) const;
  // The bit of one of the last streams; 0 for an older one.
  uint64_t BitOf(int32_t id) const;
  bool IsOver(const Http2FrameHead& head) const;
  // Counts a reset by a client.
  std::optional<Violation> CountClientsReset(int32_t id, absl::Duration now);
  // Counts a frame of a stream that is over: it carries nothing, however long
  // it is.
  std::optional<Violation> CountLate(absl::Duration now);

  const Peer peer_;
  const StateOf state_of_;
  const OnBegun on_begun_;
  // The newest stream of the client whose head came whole before the bytes that
  // are inspected, of which nghttp2 has seen nothing yet.
  int32_t seen_id_ = -1;
  // In ascending order, by which streams begin: others are just not found.
  std::vector<int32_t> resets_ahead_;
  bool began_header_block_ = false;
  Http2FrameScanner scanner_;
  Http2Budget budget_;
  int32_t late_frames_ = 0;  // How many may still come without fault.
  int32_t last_id_ = -1;
  int32_t last_but_one_id_ = -1;
  // For the last streams, the newest in the lowest bit: whether the client has
  // ended its side; has reset one that it had not ended; has gone on with that.
  uint64_t ended_ = 0;
  uint64_t reset_ = 0;
  uint64_t late_ = 0;
  std::vector<int32_t> late_streams_;
  std::vector<Gap> gaps_;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP2_GUARD_H_
