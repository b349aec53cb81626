// Http2TurnShare bounds how many requests a server takes up of one client in a
// turn of the loop, so that a turn stays short for all others however many
// requests lie there: each session has a few to itself, and what is left of a
// number for all sessions of the loop goes to who comes first.
//
//   if (!share.Take(loop.turn())) ...  // The rest waits for the next turn:
//   share.Hold(rest, std::move(block));
//   ...
//   if (!share.IsSpent(loop.turn())) share.HoldOn(Feed(share.held()));
//
// Of all sessions of a loop at most kHoldingMax hold a block each; where so
// many do already, the others' shares have no end.
//
// Thread contract: one event loop; all of a thread share.

#ifndef BASE_HTTP_HTTP2_TURN_SHARE_H_
#define BASE_HTTP_HTTP2_TURN_SHARE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/memory/block_pool.h"

namespace gateway {

class Http2TurnShare {
 public:
  // As many as one client's requests cost a turn less than a millisecond; and
  // as HttpServer begins.
  static constexpr int kOwn = 4;
  static constexpr int kOfAll = 64;
  static constexpr size_t kHoldingMax = 1024;

  Http2TurnShare() = default;
  ~Http2TurnShare() { HoldOn({}); }
  Http2TurnShare(const Http2TurnShare&) = delete;
  Http2TurnShare& operator=(const Http2TurnShare&) = delete;

  // Takes one request of the turn's share. Returns whether another may be taken
  // up in the same turn.
  bool Take(uint64_t turn);

  // Returns whether Take has returned false in this turn.
  bool IsSpent(uint64_t turn) const { return spent_ && turn_ == turn; }

  // What waits for the next turn.
  std::string_view held() const { return held_; }
  size_t held_block_bytes() const { return held_.empty() ? 0 : kBlockBytes; }

  // Keeps `rest`, which lies in `block`, if it is not empty. Returns true if it
  // is. REQUIRES: nothing is held.
  bool Hold(std::string_view rest, Block block);
  // Keeps only `rest` of what is held. Returns true if it is empty.
  bool HoldOn(std::string_view rest);

 private:
  uint64_t turn_ = 0;  // The turn that `taken_` and `spent_` are of.
  int taken_ = 0;
  bool spent_ = false;
  std::string_view held_;
  Block block_;  // None if nothing is held.
};

}  // namespace gateway

#endif  // BASE_HTTP_HTTP2_TURN_SHARE_H_
