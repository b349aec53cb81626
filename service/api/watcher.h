// Watcher wakes the coroutine of a call that watches something, from whatever
// thread there is something new on.
//
//   const auto watcher = std::make_shared<Watcher>(call.loop());
//   auto subscription = feed.Subscribe([watcher] { watcher->Tell(); });
//   CancelListener end(call.cancel(), [&] { watcher->wake_up().Set(); });
//   for (;;) {
//     ... // Writes what is new.
//     co_await watcher->wake_up().Wait();
//   }
//
// Whoever is about to wake it holds a reference: the call may be over by then.

#ifndef SERVICE_API_WATCHER_H_
#define SERVICE_API_WATCHER_H_

#include <memory>

#include "base/async/event_loop.h"

namespace gateway {

class Watcher : public std::enable_shared_from_this<Watcher> {
 public:
  explicit Watcher(EventLoop& loop) : loop_(loop) {}

  // Wakes the coroutine. From any thread.
  void Tell() {
    loop_.Post([self = shared_from_this()] { self->wake_up_.Set(); });
  }

  // Used on the loop's thread only.
  WakeUp& wake_up() { return wake_up_; }

 private:
  EventLoop& loop_;
  WakeUp wake_up_;
};

}  // namespace gateway

#endif  // SERVICE_API_WATCHER_H_
