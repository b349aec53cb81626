// RpcCalls are the calls of one loop's listener, so that it can drain: refuse
// new calls, wait for those under way, cancel what outlasts the grace.
//
// Calls that do not hold the drain up, such as watchers of the server's
// health, are taken while draining too.
//
// Thread contract: one event loop; running() from any thread.

#ifndef SERVICE_RPC_RPC_CALLS_H_
#define SERVICE_RPC_RPC_CALLS_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <utility>

#include "absl/status/status.h"

namespace gateway {

class RpcCalls {
 public:
  class Entry {
   public:
    // Ends the call soon; that may destroy it, but no other.
    virtual void Cancel(const absl::Status& why) = 0;

   protected:
    virtual ~Entry() = default;

   private:
    friend class RpcCalls;
    Entry* previous_ = nullptr;
    Entry* next_ = nullptr;
    bool holds_drain_up_ = false;
  };

  RpcCalls() = default;
  RpcCalls(const RpcCalls&) = delete;
  RpcCalls& operator=(const RpcCalls&) = delete;

  // False if the call must be refused because the server drains.
  bool Enter(Entry& entry, bool holds_drain_up);
  void Leave(Entry& entry);

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
  void CallWaiters();

  Entry* first_ = nullptr;
  std::atomic<size_t> running_ = 0;
  bool draining_ = false;
  std::function<void()> when_idle_;
  std::function<void()> when_gone_;
};

}  // namespace gateway

#endif  // SERVICE_RPC_RPC_CALLS_H_
