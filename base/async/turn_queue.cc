#include "base/async/turn_queue.h"

#include <cassert>

namespace gateway {

TurnQueue::~TurnQueue() { assert(waiting_.empty()); }

bool TurnQueue::TryPass() {
  const uint64_t turn = EventLoop::Current()->turn();
  if (turn_ < turn) {
    turn_ = turn;
    passed_ = 0;
  }
  if (!waiting_.empty() || passed_ >= per_turn_) return false;
  ++passed_;
  return true;
}

void TurnQueue::Enqueue(std::coroutine_handle<> handle) {
  waiting_.push_back(handle);
  EventLoop::Current()->RunAtTurnEnd(*this);
}

void TurnQueue::OnTurnEnd() {
  EventLoop& loop = *EventLoop::Current();
  turn_ = loop.turn() + 1;
  for (passed_ = 0; passed_ < per_turn_ && !waiting_.empty(); ++passed_) {
    loop.Resume(waiting_.front());
    waiting_.pop_front();
  }
  if (!waiting_.empty()) loop.RunAtTurnEnd(*this);
}

}  // namespace gateway
