#include "service/api/watcher.h"

#include <memory>

#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/os/thread.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

Task<void> AwaitAndStop(std::shared_ptr<Watcher> watcher, EventLoop& loop) {
  co_await watcher->wake_up().Wait();
  loop.Stop();
}

TEST(WatcherTest, WakesItsCoroutineFromAnotherThread) {
  const std::unique_ptr<EventLoop> loop = *EventLoop::Create();
  auto watcher = std::make_shared<Watcher>(*loop);
  loop->Post([&] { Spawn(AwaitAndStop(watcher, *loop)); });
  Thread teller("teller", [&] { watcher->Tell(); });
  loop->Run();
}

TEST(WatcherTest, MayBeGoneForItsCallWhenItIsTold) {
  const std::unique_ptr<EventLoop> loop = *EventLoop::Create();
  auto watcher = std::make_shared<Watcher>(*loop);
  const std::weak_ptr<Watcher> seen = watcher;
  watcher->Tell();
  watcher.reset();
  EXPECT_FALSE(seen.expired()) << "until it has been woken";
  loop->Post([&] { loop->Stop(); });
  loop->Run();
  EXPECT_TRUE(seen.expired());
}

}  // namespace
}  // namespace gateway
