#include "base/async/await_all.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

Task<std::unique_ptr<int>> After(WakeUp& event, WakeUp& next, int number) {
  co_await event.Wait();
  next.Set();
  co_return std::make_unique<int>(number);
}

// The second to end is the first, so they must run side by side.
Task<std::vector<std::unique_ptr<int>>> RunThree(std::vector<WakeUp>& events) {
  std::vector<Task<std::unique_ptr<int>>> tasks;
  tasks.push_back(After(events[1], events[2], 1));
  tasks.push_back(After(events[0], events[1], 2));
  tasks.push_back(After(events[2], events[3], 3));
  events[0].Set();
  co_return co_await AwaitAll(std::move(tasks));
}

TEST(AwaitAllTest, TasksRunSideBySideAndResultsStandInTheirOrder) {
  LoopRunner runner;
  std::vector<WakeUp> events(4);
  const std::vector<std::unique_ptr<int>> results =
      runner.Run(RunThree(events));
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(*results[0], 1);
  EXPECT_EQ(*results[1], 2);
  EXPECT_EQ(*results[2], 3);
}

TEST(AwaitAllTest, NoTaskIsNoWait) {
  LoopRunner runner;
  EXPECT_TRUE(
      runner.Run(AwaitAll(std::vector<Task<std::unique_ptr<int>>>())).empty());
}

}  // namespace
}  // namespace gateway
