#include "service/rpc/rpc_calls.h"

#include <utility>

namespace gateway {
namespace {

// How many calls may come in a turn before the oldest is told that it stays.
constexpr int kNewCallsMax = 256;

}  // namespace

bool RpcCalls::Enter(Entry& entry, bool holds_drain_up) {
  if (draining_ && holds_drain_up) return false;
  entry.holds_drain_up_ = holds_drain_up;
  entry.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &entry;
  first_ = &entry;
  if (holds_drain_up) running_.store(running() + 1, std::memory_order_relaxed);
  return true;
}

void RpcCalls::Leave(Entry& entry) {
  if (entry.previous_ != nullptr) {
    entry.previous_->next_ = entry.next_;
  } else {
    first_ = entry.next_;
  }
  if (entry.next_ != nullptr) entry.next_->previous_ = entry.previous_;
  entry.previous_ = entry.next_ = nullptr;
  if (entry.holds_drain_up_) {
    running_.store(running() - 1, std::memory_order_relaxed);
  }
  CallWaiters();
}

void RpcCalls::OnNew(EventLoop& loop) {
  if (new_ == kNewCallsMax) OnTurnEnd();
  ++new_;
  loop.RunAtTurnEnd(*this);
}

void RpcCalls::OnTurnEnd() {
  new_ = 0;
  Entry* oldest = nullptr;  // The oldest of those that were not told.
  for (Entry* entry = first_; entry != nullptr && !entry->turn_ended_;
       entry = entry->next_) {
    oldest = entry;
  }
  while (oldest != nullptr) {
    Entry* const newer = oldest->previous_;
    oldest->turn_ended_ = true;
    oldest->OnTurnEnded();
    oldest = newer;
  }
}

void RpcCalls::CancelAll(const absl::Status& why) {
  for (Entry* entry = first_; entry != nullptr;) {
    Entry* const next = entry->next_;
    entry->Cancel(why);
    entry = next;
  }
}

void RpcCalls::WhenIdle(std::function<void()> then) {
  when_idle_ = std::move(then);
  CallWaiters();
}

void RpcCalls::WhenGone(std::function<void()> then) {
  when_gone_ = std::move(then);
  CallWaiters();
}

void RpcCalls::CallWaiters() {
  if (running() == 0 && when_idle_) std::exchange(when_idle_, nullptr)();
  if (first_ == nullptr && when_gone_) std::exchange(when_gone_, nullptr)();
}

}  // namespace gateway
