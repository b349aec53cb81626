// Http2Budget tells a peer that works from one that only keeps us busy. Frames
// that carry nothing cost tokens: pings, settings, priorities, window updates,
// empty data. Tokens come back with time, and with each frame that carries
// something to the peer, which has reason to acknowledge it. Streams that the
// peer resets have tokens of their own, which come back with each answer that
// was begun.
//
//   if (!budget.Spend(Http2Budget::Cost::kPing, loop.Now())) CloseConnection();
//
// The figures leave room for a client that pings after every message that it
// is sent, and for one that cancels every call which it has begun to read;
// not for one that opens and resets (CVE-2023-44487).
//
// Thread-compatible.

#ifndef BASE_HTTP2_BUDGET_H_
#define BASE_HTTP2_BUDGET_H_

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
    kSettings,  // Dear: it can change every stream and the header table.
    kReset,
  };

  explicit Http2Budget(absl::Duration now) : spent_at_(now) {}

  // False when the tokens for it are used up.
  bool Spend(Cost cost, absl::Duration now);

  // A frame with content went out.
  void EarnBySending() { control_ = Capped(control_ + kEarnedBySending); }

  // A stream's answer has begun.
  void EarnByAnswering() {
    if (resets_ < kResets) ++resets_;
  }

  // What a new connection has.
  static constexpr int32_t kControl = 2000;
  static constexpr int32_t kResets = 300;
  static constexpr int32_t kControlPerSecond = 200;
  static constexpr int32_t kResetsPerSecond = 50;

 private:
  static constexpr int32_t kEarnedBySending = 10;

  static int32_t Capped(int32_t tokens) {
    return tokens < kControl ? tokens : kControl;
  }
  void Refill(absl::Duration now);

  absl::Duration spent_at_;  // Up to when time has been turned into tokens.
  int32_t control_ = kControl;
  int32_t resets_ = kResets;
};

}  // namespace gateway

#endif  // BASE_HTTP2_BUDGET_H_
