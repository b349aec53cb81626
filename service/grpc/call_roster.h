// CallRoster knows every call that a server has, so that the server can drain:
// refuse new calls, wait for those under way, cancel what outlasts the grace,
// and go only when the last has gone.
//
//   if (!roster.Enter(*this, holds_drain_up)) Refuse();
//   ...
//   roster.Leave(*this);   // The handler has ended.
//   ...
//   roster.Forget();       // The last of the call has gone.
//
// Calls that do not hold the drain up, such as watchers of the server's
// health, are taken while draining too.
//
// Thread-safe.

#ifndef SERVICE_GRPC_CALL_ROSTER_H_
#define SERVICE_GRPC_CALL_ROSTER_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/mutex.h"

namespace gateway {

class CallRoster {
 public:
  class Entry {
   public:
    // Ends the call soon. May be called from any thread while the call is in
    // the roster.
    virtual void RequestCancel(const absl::Status& why) = 0;

   protected:
    virtual ~Entry() = default;

   private:
    friend class CallRoster;
    Entry* previous_ = nullptr;
    Entry* next_ = nullptr;
    bool holds_drain_up_ = false;
  };

  CallRoster() = default;
  CallRoster(const CallRoster&) = delete;
  CallRoster& operator=(const CallRoster&) = delete;

  // Adds a call. Returns false if it must be refused because the server drains.
  bool Enter(Entry& entry, bool holds_drain_up) LOCKS_EXCLUDED(mu_);

  // Called when the call has ended: it is no longer waited for or cancelled.
  void Leave(Entry& entry) LOCKS_EXCLUDED(mu_);

  // Called when a call that has left was also destroyed.
  void Forget() LOCKS_EXCLUDED(mu_);

  // Makes Enter refuse calls that would hold the drain up.
  void StartDraining() LOCKS_EXCLUDED(mu_);

  // Waits until no call holds the drain up. Returns false if the time ran out.
  bool AwaitIdle(absl::Duration timeout) LOCKS_EXCLUDED(mu_);

  // Cancels all calls, also those that do not hold the drain up.
  void CancelAll(const absl::Status& why) LOCKS_EXCLUDED(mu_);

  // Waits until every call has been destroyed.
  void AwaitGone() LOCKS_EXCLUDED(mu_);

  // Counts the calls that hold the drain up.
  size_t running() LOCKS_EXCLUDED(mu_);

 private:
  Mutex mu_;
  CondVar changed_;
  Entry* first_ GUARDED_BY(mu_) = nullptr;
  size_t holding_up_ GUARDED_BY(mu_) = 0;
  size_t alive_ GUARDED_BY(mu_) = 0;
  bool draining_ GUARDED_BY(mu_) = false;
};

}  // namespace gateway

#endif  // SERVICE_GRPC_CALL_ROSTER_H_
