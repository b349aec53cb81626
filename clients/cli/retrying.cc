#include "clients/cli/retrying.h"

#include <algorithm>
#include <memory>

#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"

namespace gateway {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(50);

Task<void> Retry(EventLoop& loop, absl::Duration wait,
                 absl::FunctionRef<bool()> attempt, bool* done) {
  CancelSignal never;
  const absl::Duration deadline = loop.Now() + wait;
  while (!*done && loop.Now() < deadline) {
    const absl::Duration left = deadline - loop.Now();
    (co_await Sleep(loop, std::min(kPause, left), never)).IgnoreError();
    *done = attempt();
  }
  loop.Stop();
}

}  // namespace

bool RetryFor(absl::Duration wait, absl::FunctionRef<bool()> attempt) {
  bool done = attempt();
  if (done || wait <= absl::ZeroDuration()) return done;
  absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
  if (!loop.ok()) return false;
  (*loop)->Post([&] { Spawn(Retry(**loop, wait, attempt, &done)); });
  (*loop)->Run();
  return done;
}

}  // namespace gateway
