#include "clients/cli/top.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "base/os/thread.h"
#include "base/status_macros.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/live_requests.h"
#include "llmgateway/v1/metrics.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr std::string_view kTopFlags[] = {"--provider", "--model", "--count"};
constexpr std::string_view kTopSwitches[] = {"--failures"};
// It does one thing only.
constexpr OperatorVerb kTopVerbs[] = {{"", kTopFlags, kTopSwitches}};

// Up and to the left, and nothing behind it.
constexpr std::string_view kClearScreen = "\x1b[H\x1b[J";
constexpr absl::Duration kRedrawInterval = absl::Milliseconds(500);
constexpr size_t kLinesOfUnknown = 24;

size_t TerminalLines() {
  winsize size = {};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  return known && size.ws_row > 3 ? size.ws_row - 1U : kLinesOfUnknown;
}

// A screen that is drawn every now and then by a thread of its own, since what
// goes on takes longer also while the gateway tells nothing.
class Screen {
 public:
  explicit Screen(const Console& console)
      : console_(console), thread_("screen", [this] { Run(); }) {}
  ~Screen() {
    {
      const MutexLock lock(mu_);
      ended_ = true;
      changed_.NotifyAll();
    }
    thread_.Join();
  }

  void Add(const v1::RequestEvent& event) LOCKS_EXCLUDED(mu_) {
    const MutexLock lock(mu_);
    requests_.Add(event);
  }

 private:
  void Run() LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    while (true) {
      const std::string text =
          requests_.Text(SystemClock().WallTime(), TerminalLines());
      console_.out << kClearScreen << WithoutControls(text) << std::flush;
      if (ended_) return;
      changed_.WaitFor(lock, kRedrawInterval);
    }
  }

  const Console& console_;
  Mutex mu_;
  CondVar changed_;
  LiveRequests requests_ GUARDED_BY(mu_);
  bool ended_ GUARDED_BY(mu_) = false;
  Thread thread_;  // The last field.
};

absl::StatusOr<int64_t> EndedMaxOf(const OperatorWords& words) {
  const std::string text = LastOf(words, "--count");
  if (text.empty()) return std::numeric_limits<int64_t>::max();
  int64_t count = 0;
  if (!absl::SimpleAtoi(text, &count) || count < 1) {
    return FlagMistake("--count", absl::StrCat("must be a number from 1 on, "
                                               "not '",
                                               text, "'"));
  }
  return count;
}

}  // namespace

const OperatorCommand kTopCommand = {"top", kTopVerbs};

absl::StatusOr<v1::WatchRequestsRequest> WatchRequestsRequestOf(
    const OperatorWords& words) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kTopCommand, words));
  GATEWAY_RETURN_IF_ERROR(CheckNoName(kTopCommand, words));
  v1::WatchRequestsRequest request;
  request.set_provider(LastOf(words, "--provider"));
  request.set_model(LastOf(words, "--model"));
  request.set_failures_only(HasSwitch(words, "--failures"));
  request.set_include_progress(true);
  return request;
}

absl::Status Top(const RpcPlace& place, const OperatorWords& words,
                 const Console& console) {
  GATEWAY_ASSIGN_OR_RETURN(const v1::WatchRequestsRequest request,
                           WatchRequestsRequestOf(words));
  GATEWAY_ASSIGN_OR_RETURN(int64_t ended_left, EndedMaxOf(words));
  GATEWAY_ASSIGN_OR_RETURN(const auto metrics,
                           RpcConnection<v1::MetricsService>::Open(place));
  const bool draws = console.out_is_terminal && !words.as_json;
  std::optional<Screen> screen;
  if (draws) screen.emplace(console);
  const auto show = [&](const v1::RequestEvent& event) {
    if (draws) {
      screen->Add(event);
    } else if (words.as_json) {
      console.out << AsJsonLine(event) << std::flush;
    } else if (event.has_ended()) {
      console.out << EndedRequestText(event.ended()) << std::flush;
    }
    if (event.has_ended()) --ended_left;
    return ended_left > 0;
  };
  return metrics.StreamWhile<v1::WatchRequestsRequest, v1::RequestEvent>(
      &v1::MetricsService::Stub::WatchRequests, request, show);
}

}  // namespace gateway
