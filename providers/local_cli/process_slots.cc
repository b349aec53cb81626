#include "providers/local_cli/process_slots.h"

#include <algorithm>

#include "absl/status/status.h"

namespace gateway {

Task<absl::StatusOr<std::shared_ptr<ProcessSlots::Slot>>> ProcessSlots::Take(
    std::shared_ptr<ProcessSlots> slots, CancelSignal& cancel) {
  if (cancel.cancelled()) co_return cancel.status();
  const auto waiter = std::make_shared<Waiter>();
  waiter->loop = EventLoop::Current();
  const Entry entry = slots->Enter(waiter);
  if (entry == Entry::kFull) {
    co_return absl::ResourceExhaustedError("too many calls wait already");
  }
  if (entry == Entry::kQueued) {
    CancelListener listener(cancel, [&waiter] { waiter->wake_up.Set(); });
    while (!waiter->granted) {
      co_await waiter->wake_up.Wait();
      if (waiter->granted) break;
      if (slots->Leave(waiter)) co_return cancel.status();
    }
  }
  auto slot = std::make_shared<Slot>(slots);
  // On an early return the destructor of `slot` gives the place to the next
  // waiter.
  if (cancel.cancelled()) co_return cancel.status();
  co_return slot;
}

ProcessSlots::Entry ProcessSlots::Enter(const std::shared_ptr<Waiter>& waiter) {
  MutexLock lock(mu_);
  if (free_ > 0) {
    --free_;
    return Entry::kTaken;
  }
  if (waiting_.size() >= kWaitingMax) return Entry::kFull;
  waiting_.push_back(waiter);
  return Entry::kQueued;
}

bool ProcessSlots::Leave(const std::shared_ptr<Waiter>& waiter) {
  MutexLock lock(mu_);
  const auto found = std::find(waiting_.begin(), waiting_.end(), waiter);
  if (found == waiting_.end()) return false;
  waiting_.erase(found);
  return true;
}

void ProcessSlots::GiveBack() {
  MutexLock lock(mu_);
  if (waiting_.empty()) {
    ++free_;
    return;
  }
  const std::shared_ptr<Waiter> next = std::move(waiting_.front());
  waiting_.pop_front();
  // Posted under the lock, since a waiter that is in the queue has not left its
  // loop.
  next->loop->Post([next] {
    next->granted = true;
    next->wake_up.Set();
  });
}

}  // namespace gateway
