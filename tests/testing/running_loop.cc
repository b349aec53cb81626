#include "tests/testing/running_loop.h"

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/latch.h"
#include "base/async/task.h"
#include "base/os/mutex.h"
#include "service/loop_runtime.h"

namespace gateway {
namespace {

// Ample for anything.
constexpr absl::Duration kPatience = absl::Seconds(20);

[[noreturn]] void Die(const char* what) {
  std::fprintf(stderr, "RunningLoop: %s\n", what);
  std::abort();
}

Task<void> RunAndTell(std::function<Task<void>()> task,
                      std::shared_ptr<Latch> done) {
  co_await task();
  done->Open();
}

}  // namespace

RunningLoop::RunningLoop(std::shared_ptr<const RuntimeSnapshot> runtime,
                         MakeHandler handler, const HttpServerLimits& limits)
    : snapshot_(std::move(runtime)) {
  auto watching = feed_.Subscribe({}, [this] {
    MutexLock lock(arrival_.mu);
    arrival_.happened = true;
    arrival_.changed.NotifyAll();
  });
  if (!watching.ok()) Die("the feed cannot be watched");
  watching_ = *std::move(watching);

  std::vector<LoopRuntime::HttpListener> listeners;
  if (handler != nullptr) {
    auto address = BindAddress("127.0.0.1:0");
    if (!address.ok()) Die("no port is free");
    address_.emplace(*std::move(address));
    LoopRuntime::HttpListener& listener = listeners.emplace_back();
    listener.address = &*address_;
    listener.limits = limits;
    listener.handler = std::move(handler);
  }
  runtime_ = std::make_unique<LoopRuntime>(
      LoopRuntime::Shared{resolver_, snapshot_, work_, /*access_log=*/nullptr,
                          metrics_, feed_, health_, registry_, &responses_});
  if (!runtime_->Start(0, std::move(listeners)).ok()) Die("it does not start");
}

RunningLoop::~RunningLoop() {
  Latch drained;
  runtime_->Drain(absl::ZeroDuration(), [&drained] { drained.Open(); });
  drained.Wait();
  runtime_->Stop();
}

void RunningLoop::Run(const std::function<Task<void>()>& task) {
  const auto done = std::make_shared<Latch>();
  loop().Post([task, done] { Spawn(RunAndTell(task, done)); });
  if (!done->WaitFor(kPatience)) Die("the task has not ended in time");
}

std::shared_ptr<const OwnedCallRecord> RunningLoop::TakeRecord() {
  std::optional<FeedEvent> event = watching_->Take();
  return event.has_value() ? event->call : nullptr;
}

std::shared_ptr<const OwnedCallRecord> RunningLoop::NextRecord() {
  for (;;) {
    if (auto record = TakeRecord(); record != nullptr) return record;
    MutexLock lock(arrival_.mu);
    while (!arrival_.happened) {
      if (!arrival_.changed.WaitFor(lock, kPatience)) {
        Die("no call was recorded in time");
      }
    }
    arrival_.happened = false;
  }
}

}  // namespace gateway
