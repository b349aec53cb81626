// Http2Budget tells a peer that works from one that only keeps us busy. Frames
// that carry nothing cost tokens: pings, settings, priorities, window updates,
// empty data. Tokens come back with time, and with each frame that carries
// something to the peer, which has reason to acknowledge it. Streams that the
// peer resets early (base/http/http2_guard.h) have tokens of their own, which
// come back with each answer that was begun, of whatever stream; there are at
// least as many as the peer may have streams, so that it may give up all of its
// calls at once, as a client does when the deadline that they share passes.
//
//   if (!budget.Spend(Http2Budget::Cost::kPing, loop.Now())) CloseConnection();
//
// The figures leave room for a client that pings after every message that it
// is sent, and for one that gives up half of its calls, as one that hedges
// does; not for one that opens and resets (CVE-2023-44487): when it has done so
// with as many streams as it may have at once, or 300, it is closed, unless it
// goes on with no more than 50 in a second. nghttp2 lets 1000 pass, then 33 in
// a second, whatever is answered (nghttp2_option_set_stream_reset_rate_limit);
// Envoy closes whom, of 500 streams, half were reset early
// (overload.premature_reset_total_stream_count).
//
// Thread-compatible.

#ifndef BASE_HTTP_HTTP2_BUDGET_H_
#define BASE_HTTP_HTTP2_BUDGET_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace gateway {

class Http2Budget {
 public:
  enum class Cost {
    kWindowUpdate,
    kPing,
    kPriority,
    kEmptyData,
    kUnknownFrame,
    kSettings,  // Costs most: it can change every stream and the header table.
    kReset,
  };

  // `streams` is how many the peer may have open.
  Http2Budget(uint32_t streams, absl::Duration now)
      : resets_max_(ResetsFor(streams)), spent_at_(now) {}

  // Pays for a frame. Returns false when the tokens for it are used up.
  bool Spend(Cost cost, absl::Duration now);

  // Earns tokens because a frame with content went out.
  void EarnBySending() { control_ = Capped(control_ + kEarnedBySending); }

  // Earns a reset because a stream's answer has begun.
  void EarnByAnswering() {
    if (resets_ < resets_max_) ++resets_;
  }

  // Tokens that a connection begins with; of resets, the least that it begins
  // with.
  static constexpr int32_t kControl = 2000;
  static constexpr int32_t kResetsMin = 300;
  static constexpr int32_t kControlPerSecond = 200;
  static constexpr int32_t kResetsPerSecond = 50;

 private:
  static constexpr int32_t kEarnedBySending = 10;

  static int32_t Capped(int32_t tokens) {
    return tokens < kControl ? tokens : kControl;
  }
  static int32_t ResetsFor(uint32_t streams) {
    return static_cast<int32_t>(
        std::clamp<uint32_t>(streams, kResetsMin, INT32_MAX / 2));
  }
  void Refill(absl::Duration now);

  const int32_t resets_max_;
  absl::Duration spent_at_;  // Time up to which tokens have been earned.
  int32_t control_ = kControl;
  int32_t resets_ = resets_max_;
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP2_BUDGET_H_
