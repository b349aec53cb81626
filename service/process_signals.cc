#include "service/process_signals.h"

#include <cstring>
#include <string_view>

#include "absl/status/status.h"
#include "base/os/log_file.h"
#include "base/os/logging.h"

namespace gateway {
namespace {

// Each would end the process if nobody took it.
constexpr int kTaken[] = {SIGTERM,   SIGINT,  SIGHUP,  SIGUSR1,   SIGUSR2,
                          SIGQUIT,   SIGALRM, SIGPROF, SIGVTALRM, SIGPOLL,
                          SIGSTKFLT, SIGPWR,  SIGXCPU, SIGXFSZ};

std::string_view SignalName(int number) {
  const char* const name = sigabbrev_np(number);  // Without its "SIG".
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

int ProcessSignals::AwaitEnd() const {
  while (true) {
    int number = 0;
    sigwait(&taken_, &number);
    switch (number) {
      case SIGTERM:
      case SIGINT:
        return number;
      case SIGHUP:
      case SIGUSR1:
        ReopenLogs(number);
        break;
      default:
        Log(LogLevel::kWarn, "main", "a signal is ignored",
            {{"signal", SignalName(number)}, {"number", number}});
    }
  }
}

}  // namespace gateway
