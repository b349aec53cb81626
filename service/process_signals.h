// ProcessSignals is what the process does when it is sent a signal.
//
//   const ProcessSignals signals;  // First of all, before there are threads.
//   ...
//   const int number = signals.AwaitEnd();
//   ... drain ...
//
// | signal | what happens |
// | --- | --- |
// | SIGTERM, SIGINT | AwaitEnd() returns |
// | SIGHUP | the log files are opened again; `on_hang_up` is called |
// | SIGUSR1 | the log files are opened again, for log rotation |
// | SIGPIPE | nothing |
// | SIGQUIT, SIGUSR2, SIGALRM, others without a use here | a line in the log |
// | SIGKILL, SIGABRT, those of broken code and job control | the system's |
//
// Thread contract: made by the main thread. One thread at a time awaits.

#ifndef SERVICE_PROCESS_SIGNALS_H_
#define SERVICE_PROCESS_SIGNALS_H_

#include <csignal>
#include <functional>
#include <optional>

#include "absl/time/time.h"

namespace gateway {

class ProcessSignals {
 public:
  // Blocks the signals that AwaitEnd() takes, for this thread and those that it
  // will start: none is lost, and no thread is interrupted.
  ProcessSignals();

  ProcessSignals(const ProcessSignals&) = delete;
  ProcessSignals& operator=(const ProcessSignals&) = delete;

  // Waits for SIGTERM or SIGINT and returns it; handles all others meanwhile.
  // `on_hang_up` may be null.
  int AwaitEnd(const std::function<void()>& on_hang_up = nullptr) const;

  // As above; returns nothing if neither comes within `timeout`.
  std::optional<int> AwaitEndFor(
      absl::Duration timeout,
      const std::function<void()>& on_hang_up = nullptr) const;

 private:
  // Returns the next signal; nothing if `until`, a steady time, comes first.
  std::optional<int> Next(absl::Duration until) const;

  sigset_t taken_;
};

}  // namespace gateway

#endif  // SERVICE_PROCESS_SIGNALS_H_
