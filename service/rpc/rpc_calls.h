// RpcCalls are the calls of one loop's listener, so that it can drain: refuse
// new calls, wait for those under way, cancel what outlasts the grace.
//
// Calls that do not hold the drain up, such as watchers of the server's
// health, are taken while draining too.
//
// They also tell each call whose turn of the loop has ended without it: most
// come whole and are answered, or on their way, before that, and need none of
// what is done for those that stay.
//
// Thread contract: one event loop; running() from any thread.

#ifndef SERVICE_RPC_RPC_CALLS_H_
#define SERVICE_RPC_RPC_CALLS_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "base/async/event_loop.h"

namespace gateway {

class RpcCalls final : private TurnEndTask {
 public:
  class Entry {
   public:
    // Ends the call soon; may destroy it, but no other.
    virtual void Cancel(const absl::Status& why) = 0;

    // Called once, if OnNew was, when the turn in which the call came has
    // ended, or too many have come in it. May destroy the call, but no other.
    virtual void OnTurnEnded() {}

   protected:
    virtual ~Entry() = default;

   private:
    friend class RpcCalls;
    Entry* previous_ = nullptr;
    Entry* next_ = nullptr;
    bool holds_drain_up_ = false;
    bool turn_ended_ = false;  // OnTurnEnded was called.
  };

  RpcCalls() = default;
  RpcCalls(const RpcCalls&) = delete;
  RpcCalls& operator=(const RpcCalls&) = delete;

  // Adds a call. Returns false if it must be refused because the server drains.
  bool Enter(Entry& entry, bool holds_drain_up);
  void Leave(Entry& entry);

  // Called before a call enters that wants OnTurnEnded. If many more come in
  // one turn than should be kept until its end, the earlier ones are told at
  // once.
  void OnNew(EventLoop& loop);

  // Makes Enter refuse calls that would hold the drain up.
  void StartDraining() { draining_ = true; }

  void CancelAll(const absl::Status& why);

  // Calls `then` once no call holds the drain up; at once if none does.
  void WhenIdle(std::function<void()> then);
  // Calls `then` once there are no calls of either kind.
  void WhenGone(std::function<void()> then);

  // Counts the calls that hold the drain up.
  size_t running() const { return running_.load(std::memory_order_relaxed); }

 private:
  void OnTurnEnd() override;
  void CallWaiters();

  Entry* first_ = nullptr;  // The newest one.
  // Calls that have come since OnTurnEnded was last called.
  int new_ = 0;
  std::atomic<size_t> running_ = 0;
  bool draining_ = false;
  std::function<void()> when_idle_;
  std::function<void()> when_gone_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_RPC_CALLS_H_
