#include "clients/cli/top.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
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
#include "base/text/shown_text.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/live_requests.h"
#include "clients/cli/terminal_keys.h"
#include "llmgateway/v1/metrics.grpc.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

constexpr std::string_view kTopFlags[] = {"--provider", "--model", "--count"};
constexpr std::string_view kTopSwitches[] = {"--failures"};
// It does one thing only.
constexpr OperatorVerb kTopVerbs[] = {{"", kTopFlags, kTopSwitches}};

// Up and to the left, and nothing behind it.
constexpr TerminalControl kClearScreen = {"\x1b[H\x1b[J"};
constexpr absl::Duration kRedrawInterval = absl::Milliseconds(500);
constexpr winsize kUnknownSize = {.ws_row = 24, .ws_col = 80};

// As it is now: windows change.
winsize TerminalSize() {
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) size = kUnknownSize;
  if (size.ws_row <= 3) size.ws_row = kUnknownSize.ws_row;
  if (size.ws_col == 0) size.ws_col = kUnknownSize.ws_col;
  return size;
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
      const winsize size = TerminalSize();
      const std::string text =
          requests_.Text(SystemClock().WallTime(), size.ws_row - 1U);
      console_.out << kClearScreen
                   << CutToColumns(ShownText(text), size.ws_col)
                   << std::flush;
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

std::string CutToColumns(std::string_view text, size_t columns) {
  std::string cut;
  size_t column = 0;
  for (const char c : text) {
    if (c == '\n') {
      column = 0;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      ++column;  // The first byte of a character.
    }
    if (column <= columns) cut += c;
  }
  return cut;
}

namespace {

// What of one event is not drawn.
absl::Status PrintEvent(const v1::RequestEvent& event, bool as_json,
                        const Console& console) {
  if (as_json) {
    const absl::Status written = WriteAnswer(AsJsonLine(event), console.out);
    console.out << std::flush;
    return written;
  }
  if (event.dropped_events() > 0) {
    console.err << event.dropped_events()
                << " events are lost: they came faster than they were read\n"
                << std::flush;
  }
  if (event.has_ended()) {
    console.out << EndedRequestText(event.ended()) << std::flush;
  }
  return absl::OkStatus();
}

// Shows events on a screen if that is there, else as lines.
absl::Status Watch(const RpcPlace& place,
                   const v1::WatchRequestsRequest& request, int64_t ended_left,
                   RunningCall* running, Screen* screen, bool as_json,
                   const Console& console) {
  GATEWAY_ASSIGN_OR_RETURN(const auto metrics,
                           RpcConnection<v1::MetricsService>::Open(place));
  absl::Status printed;
  const auto show = [&](const v1::RequestEvent& event) {
    if (screen != nullptr) {
      screen->Add(event);
    } else {
      printed = PrintEvent(event, as_json, console);
    }
    if (event.has_ended()) --ended_left;
    return printed.ok() && ended_left > 0;
  };
  GATEWAY_RETURN_IF_ERROR(
      (metrics.StreamWhile<v1::WatchRequestsRequest, v1::RequestEvent>(
          &v1::MetricsService::Stub::WatchRequests, request, show, running)));
  GATEWAY_RETURN_IF_ERROR(printed);
  if (ended_left <= 0) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("the gateway at ", place.address, " tells no more"));
}

}  // namespace

absl::Status Top(const RpcPlace& place, const OperatorWords& words,
                 const Console& console) {
  GATEWAY_ASSIGN_OR_RETURN(const v1::WatchRequestsRequest request,
                           WatchRequestsRequestOf(words));
  GATEWAY_ASSIGN_OR_RETURN(const int64_t ended_max, EndedMaxOf(words));
  const bool has_screen = console.out_is_terminal && console.obeys_controls;
  if (!has_screen || words.as_json) {
    return Watch(place, request, ended_max, /*running=*/nullptr,
                 /*screen=*/nullptr, words.as_json, console);
  }
  RunningCall running;
  absl::Status watched;
  int signal = 0;
  {
    const TerminalKeys keys(STDIN_FILENO,
                            [&running] { running.CancelForGood(); });
    {
      Screen screen(console);
      watched = Watch(place, request, ended_max, &running, &screen,
                      /*as_json=*/false, console);
    }
    if (keys.ended()) watched = absl::OkStatus();
    signal = keys.signal();
  }
  // As if nobody had waited for it: whoever started this program learns why it
  // ended.
  if (signal != 0) raise(signal);
  return watched;
}

}  // namespace gateway
