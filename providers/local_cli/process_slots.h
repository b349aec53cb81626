// ProcessSlots bounds how many programs run at once, over all loops. Whoever
// comes when all slots are taken waits for its turn.
//
//   auto slots = std::make_shared<ProcessSlots>(4);
//   GATEWAY_CO_ASSIGN_OR_RETURN(std::shared_ptr<ProcessSlots::Slot> slot,
//                               co_await ProcessSlots::Take(slots, cancel));
//   options.on_gone = [slot]() mutable { slot.reset(); };
//
// Thread contract: Take on any loop; a slot may die on any thread, and outlive
// whoever took it.

#ifndef PROVIDERS_LOCAL_CLI_PROCESS_SLOTS_H_
#define PROVIDERS_LOCAL_CLI_PROCESS_SLOTS_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/os/mutex.h"

namespace gateway {

class ProcessSlots {
 public:
  // How many calls may wait; further ones are refused.
  static constexpr size_t kWaitingMax = 1000;

  // The right to run one program, given back at the end of its life.
  class Slot {
   public:
    explicit Slot(std::shared_ptr<ProcessSlots> slots)
        : slots_(std::move(slots)) {}
    ~Slot() { slots_->GiveBack(); }

    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

   private:
    const std::shared_ptr<ProcessSlots> slots_;
  };

  // REQUIRES: count >= 1.
  explicit ProcessSlots(int count) : free_(count) {}

  ProcessSlots(const ProcessSlots&) = delete;
  ProcessSlots& operator=(const ProcessSlots&) = delete;

  // Waits for a slot; calls get one in the order of arrival. Returns what
  // `cancel` fired with, or RESOURCE_EXHAUSTED if kWaitingMax wait already.
  static Task<absl::StatusOr<std::shared_ptr<Slot>>> Take(
      std::shared_ptr<ProcessSlots> slots, CancelSignal& cancel);

 private:
  struct Waiter {
    EventLoop* loop = nullptr;
    // Used on the loop's thread only.
    bool granted = false;
    WakeUp wake_up;
  };

  // Takes a slot, or else a place in the queue.
  enum class Entry { kTaken, kQueued, kFull };
  Entry Enter(const std::shared_ptr<Waiter>& waiter) LOCKS_EXCLUDED(mu_);
  // Takes a waiter out of the queue. Returns false if it is not there: a slot
  // is on its way to it.
  bool Leave(const std::shared_ptr<Waiter>& waiter) LOCKS_EXCLUDED(mu_);
  void GiveBack() LOCKS_EXCLUDED(mu_);

  Mutex mu_;
  int free_ GUARDED_BY(mu_);
  std::deque<std::shared_ptr<Waiter>> waiting_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // PROVIDERS_LOCAL_CLI_PROCESS_SLOTS_H_
