// SimulatedTime is the time of an event loop, and of all that is given it as
// a Clock. It passes at once where there is nothing else to do: a wait of an
// hour takes no time, and the same call takes the same turns each time.
//
//   SimulatedTime time;
//   LoopRunner runner(time);
//   runner.Run(Sleep(runner.loop(), absl::Hours(1), cancel));
//   time.SteadyTime();  // An hour later.
//
// What comes from outside of the loop - a socket, another thread - is waited
// for only where no timer is left: a simulation has none of them.
//
// Thread contract: one thread.

#ifndef TESTS_TESTING_SIMULATED_TIME_H_
#define TESTS_TESTING_SIMULATED_TIME_H_

#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/os/clock.h"

namespace gateway {

class SimulatedTime final : public Clock, public LoopWaiting {
 public:
  absl::Duration SteadyTime() override { return steady_time_; }
  // Begins at an arbitrary fixed moment: 2026-01-02T03:04:05Z.
  absl::Time WallTime() override {
    return absl::FromUnixSeconds(1767323045) + (steady_time_ - kBegin);
  }

  int Wait(int epoll_fd, epoll_event* events, int events_limit,
           int timeout_ms) override {
    const int found = epoll_wait(epoll_fd, events, events_limit,
                                 timeout_ms < 0 ? timeout_ms : 0);
    if (found == 0) steady_time_ += absl::Milliseconds(timeout_ms);
    return found;
  }

 private:
  // Not zero, as a machine's clock never is.
  static constexpr absl::Duration kBegin = absl::Hours(1);

  absl::Duration steady_time_ = kBegin;
};

}  // namespace gateway

#endif  // TESTS_TESTING_SIMULATED_TIME_H_
