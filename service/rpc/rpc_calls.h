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
    // Ends the call soon; that may destroy it, but no other.
    virtual void Cancel(const absl::Status& why) = 0;

    // The turn in which the call came has ended, or too many have come in it.
    // Once, if OnNew was called; may destroy the call, but no other.
    virtual void OnStay() {}

   protected:
    virtual ~Entry() = default;

   private:
    friend class RpcCalls;
    Entry* previous_ = nullptr;
    Entry* next_ = nullptr;
    bool holds_drain_up_ = false;
    bool stays_ = false;  // It has been told.
  };

  RpcCalls() = default;
  RpcCalls(const RpcCalls&) = delete;
  RpcCalls& operator=(const RpcCalls&) = delete;

  // False if the call must be refused because the server drains.
  bool Enter(Entry& entry, bool holds_drain_up);
  void Leave(Entry& entry);

  // A call is about to enter, which is to be told if it stays. Those of a turn
  // may be many more than should be kept until its end: then the others, which
  // came before, are told now.
  void OnNew(EventLoop& loop);

  // From now on Enter refuses calls that would hold the drain up.
  void StartDraining() { draining_ = true; }

  void CancelAll(const absl::Status& why);

  // Calls `then` once, when no call holds the drain up; at once if none does.
  void WhenIdle(std::function<void()> then);
  // The same, for calls of both kinds.
  void WhenGone(std::function<void()> then);

  // Calls that hold the drain up.
  size_t running() const { return running_.load(std::memory_order_relaxed); }

 private:
  void OnTurnEnd() override;
  void CallWaiters();

  Entry* first_ = nullptr;  // The newest.
  int new_ = 0;             // Have come since calls were last told.
  std::atomic<size_t> running_ = 0;
  bool draining_ = false;
  std::function<void()> when_idle_;
  std::function<void()> when_gone_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_RPC_CALLS_H_
