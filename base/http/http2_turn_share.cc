#include "base/http/http2_turn_share.h"

#include <utility>

namespace gateway {
namespace {

// What the sessions of this thread's loop have taken in a turn beyond their
// own.
struct Common {
  uint64_t turn = 0;
  int taken = 0;
  size_t holding = 0;  // How many hold a block.
};

thread_local Common common;

}  // namespace

bool Http2TurnShare::Take(uint64_t turn) {
  if (turn_ != turn) {
    turn_ = turn;
    taken_ = 0;
    spent_ = false;
  }
  if (common.turn != turn) {
    common.turn = turn;
    common.taken = 0;
  }
  if (++taken_ > kOwn) ++common.taken;
  const bool used_up = taken_ >= kOwn && common.taken >= kOfAll;
  const bool may_hold = block_ || common.holding < kHoldingMax;
  spent_ = used_up && may_hold;
  return !spent_;
}

bool Http2TurnShare::Hold(std::string_view rest, Block block) {
  if (rest.empty()) return true;
  held_ = rest;
  block_ = std::move(block);
  ++common.holding;
  return false;
}

bool Http2TurnShare::HoldOn(std::string_view rest) {
  held_ = rest;
  if (!rest.empty()) return false;
  if (block_) {
    const Block done = std::move(block_);
    --common.holding;
  }
  return true;
}

}  // namespace gateway
