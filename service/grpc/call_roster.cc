#include "service/grpc/call_roster.h"

#include "base/os/clock.h"

namespace gateway {

bool CallRoster::Enter(Entry& entry, bool holds_drain_up) {
  MutexLock lock(mu_);
  if (draining_ && holds_drain_up) return false;
  entry.holds_drain_up_ = holds_drain_up;
  entry.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &entry;
  first_ = &entry;
  if (holds_drain_up) ++holding_up_;
  ++alive_;
  return true;
}

void CallRoster::Leave(Entry& entry) {
  MutexLock lock(mu_);
  if (entry.previous_ != nullptr) {
    entry.previous_->next_ = entry.next_;
  } else {
    first_ = entry.next_;
  }
  if (entry.next_ != nullptr) entry.next_->previous_ = entry.previous_;
  entry.previous_ = entry.next_ = nullptr;
  if (entry.holds_drain_up_ && --holding_up_ == 0) changed_.NotifyAll();
}

void CallRoster::Forget() {
  MutexLock lock(mu_);
  // Notified under the lock, since a waiting thread may destroy the roster
  // right after.
  if (--alive_ == 0) changed_.NotifyAll();
}

void CallRoster::StartDraining() {
  MutexLock lock(mu_);
  draining_ = true;
}

bool CallRoster::AwaitIdle(absl::Duration timeout) {
  const absl::Duration give_up = SystemClock().SteadyTime() + timeout;
  MutexLock lock(mu_);
  while (holding_up_ > 0) {
    const absl::Duration left = give_up - SystemClock().SteadyTime();
    if (left <= absl::ZeroDuration()) return false;
    changed_.WaitFor(lock, left);
  }
  return true;
}

void CallRoster::CancelAll(const absl::Status& why) {
  MutexLock lock(mu_);
  for (Entry* entry = first_; entry != nullptr; entry = entry->next_) {
    entry->RequestCancel(why);
  }
}

void CallRoster::AwaitGone() {
  MutexLock lock(mu_);
  while (alive_ > 0) changed_.Wait(lock);
}

size_t CallRoster::running() {
  MutexLock lock(mu_);
  return holding_up_;
}

}  // namespace gateway
