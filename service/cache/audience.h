// An Audience is those for whom something is being made: an answer that several
// callers wait for, or a stream that can be gone back to. Who makes it belongs
// to none of them. When nobody is left, and nobody has come for a grace, it is
// told to stop.
//
//   auto audience = std::make_shared<Audience>();
//   std::optional<Audience::Seat> seat = audience->Join();  // Any thread.
//
//   CancelSignal& cancel = audience->Begin(loop, grace);  // Who makes it.
//   ... co_await Make(cancel) ...
//   audience->End();
//
// Thread-safe, but for what is said of Begin and End. Never calls out while
// holding its lock, but to post to a loop.

#ifndef SERVICE_CACHE_AUDIENCE_H_
#define SERVICE_CACHE_AUDIENCE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/timer_wheel.h"
#include "base/os/mutex.h"

namespace gateway {

class Audience : public std::enable_shared_from_this<Audience> {
 public:
  // One who is there while it lives. May be destroyed on any thread.
  class Seat {
   public:
    Seat(Seat&& other) noexcept = default;
    Seat& operator=(Seat&& other) noexcept;
    ~Seat() { Leave(); }

   private:
    friend class Audience;
    explicit Seat(std::shared_ptr<Audience> audience)
        : audience_(std::move(audience)) {}
    void Leave();

    std::shared_ptr<Audience> audience_;  // Null once moved from.
  };

  Audience();
  Audience(const Audience&) = delete;
  Audience& operator=(const Audience&) = delete;

  // Nothing if all have been waited for in vain: what was made for them has
  // been told to stop. After End everybody may join. REQUIRES: a shared_ptr
  // owns this.
  std::optional<Seat> Join() LOCKS_EXCLUDED(mu_);

  // Returns the signal of whoever makes it, on `loop`: fires there once nobody
  // has been here for `grace`, never if that is infinite. The signal may be
  // fired by others on that loop, too, and is valid as long as this, which must
  // outlive all that listens to it. To be called once, on `loop`, with somebody
  // there; and End after it, on the same loop.
  CancelSignal& Begin(EventLoop& loop, absl::Duration grace)
      LOCKS_EXCLUDED(mu_);

  // Nobody comes back any more, as when the process ends: whoever makes it, now
  // or later, is told to stop as soon as nobody is here.
  void Close() LOCKS_EXCLUDED(mu_);

  // It is made, or will not be: nobody is told to stop any more.
  void End() LOCKS_EXCLUDED(mu_);

  size_t size() const LOCKS_EXCLUDED(mu_);

 private:
  void Leave() LOCKS_EXCLUDED(mu_);
  // On the loop of Begin.
  void OnEmpty() LOCKS_EXCLUDED(mu_);
  void OnGraceOver() LOCKS_EXCLUDED(mu_);

  // On the loop of Begin only.
  CancelSignal cancel_;
  Timer grace_over_;

  mutable Mutex mu_;
  size_t seats_ GUARDED_BY(mu_) = 0;
  EventLoop* loop_ GUARDED_BY(mu_) = nullptr;  // From Begin to End.
  absl::Duration grace_ GUARDED_BY(mu_);
  bool closed_ GUARDED_BY(mu_) = false;
  bool given_up_ GUARDED_BY(mu_) = false;
};

}  // namespace gateway

#endif  // SERVICE_CACHE_AUDIENCE_H_
