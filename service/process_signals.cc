#include "service/process_signals.h"

#include <time.h>

#include <cstring>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/log_file.h"
#include "base/os/logging.h"

namespace gateway {
namespace {

// Signals that would end the process if they were not taken.
constexpr int kTaken[] = {SIGTERM,   SIGINT,  SIGHUP,  SIGUSR1,   SIGUSR2,
                          SIGQUIT,   SIGALRM, SIGPROF, SIGVTALRM, SIGPOLL,
                          SIGSTKFLT, SIGPWR,  SIGXCPU, SIGXFSZ,   SIGTRAP,
                          SIGSYS};

std::string_view SignalName(int number) {
  const char* const name = sigabbrev_np(number);  // Without "SIG".
  return name == nullptr ? "a real-time signal" : name;
}

void ReopenLogs(int number) {
  const absl::Status reopened = ReopenLogFiles();
  if (reopened.ok()) {
    Log(LogLevel::kInfo, "main", "log files reopened",
        {{"signal", SignalName(number)}});
  } else {
    Log(LogLevel::kError, "main",
        "log files not reopened; those that were open stay in use",
        {{"signal", SignalName(number)}, {"error", reopened}});
  }
}

}  // namespace

ProcessSignals::ProcessSignals() {
  sigemptyset(&taken_);
  for (const int number : kTaken) sigaddset(&taken_, number);
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) {
    sigaddset(&taken_, number);
  }
  pthread_sigmask(SIG_BLOCK, &taken_, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

int ProcessSignals::AwaitEnd(const std::function<void()>& on_hang_up) const {
  return *AwaitEndFor(absl::InfiniteDuration(), on_hang_up);
}

std::optional<int> ProcessSignals::AwaitEndFor(
    absl::Duration timeout, const std::function<void()>& on_hang_up) const {
  const absl::Duration until = SystemClock().SteadyTime() + timeout;
  while (true) {
    const std::optional<int> number = Next(until);
    if (!number.has_value()) return std::nullopt;
    switch (*number) {
      case SIGTERM:
      case SIGINT:
        return number;
      case SIGHUP:
      case SIGUSR1:
        ReopenLogs(*number);
        if (*number == SIGHUP && on_hang_up) on_hang_up();
        break;
      default:
        Log(LogLevel::kWarn, "main", "a signal is ignored",
            {{"signal", SignalName(*number)}, {"number", *number}});
    }
  }
}

std::optional<int> ProcessSignals::Next(absl::Duration until) const {
  int number = 0;
  if (until == absl::InfiniteDuration()) {
    sigwait(&taken_, &number);
    return number;
  }
  while (number <= 0) {
    const absl::Duration left = until - SystemClock().SteadyTime();
    if (left <= absl::ZeroDuration()) return std::nullopt;
    const timespec wait = absl::ToTimespec(left);
    number = sigtimedwait(&taken_, nullptr, &wait);
  }
  return number;
}

}  // namespace gateway
