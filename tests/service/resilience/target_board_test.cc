#include "service/resilience/target_board.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/os/thread.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::SizeIs;

TEST(TargetBoardTest, ATargetIsTheSameForAll) {
  TargetBoard board({});
  TargetState& target = board.Find("openai", "gpt");
  EXPECT_EQ(target.provider, "openai");
  EXPECT_EQ(target.model, "gpt");
  EXPECT_EQ(&board.Find("openai", "gpt"), &target);
  EXPECT_NE(&board.Find("openai", "gpt-5"), &target);
  EXPECT_NE(&board.Find("azure", "gpt"), &target);
  // Not only what both texts together say.
  EXPECT_NE(&board.Find("openaig", "pt"), &target);
  EXPECT_THAT(board.All(), SizeIs(4));
}

TEST(TargetBoardTest, AfterTheLimitAProvidersModelsShareOneState) {
  TargetBoard board({});
  for (size_t i = 0; i < TargetBoard::kTargetsMax; ++i) {
    EXPECT_EQ(board.Find("p", std::to_string(i)).model, std::to_string(i));
  }
  TargetState& shared = board.Find("p", "one more");
  EXPECT_EQ(shared.model, "");
  EXPECT_EQ(&board.Find("p", "another"), &shared);
  EXPECT_NE(&board.Find("q", "another"), &shared);
  // Those that were there before keep their own.
  EXPECT_EQ(board.Find("p", "17").model, "17");
}

TEST(TargetBoardTest, ManyProvidersDoNotFillIt) {
  TargetBoard board({});
  for (size_t i = 0; i < 3 * TargetBoard::kTargetsMax; ++i) {
    board.Find(std::to_string(i), "m");
  }
  EXPECT_THAT(board.All(), SizeIs(TargetBoard::kTargetsMax +
                                  TargetBoard::kTargetsMax / 2 + 1));
}

TEST(TargetBoardTest, UsesAreCountedWhileTheyLive) {
  TargetBoard board({});
  TargetState& target = board.Find("p", "m");
  {
    TargetUse use(target);
    EXPECT_EQ(target.in_flight, 1u);
    TargetUse other(target);
    TargetUse moved = std::move(use);
    EXPECT_EQ(target.in_flight, 2u);
  }
  EXPECT_EQ(target.in_flight, 0u);
}

TEST(TargetBoardTest, OptionsAreForThoseThereAndThoseToCome) {
  TargetBoard board({.common = {.consecutive_failures = 5}});
  TargetState& old = board.Find("p", "old");
  board.SetOptions({.common = {.consecutive_failures = 1}},
                   absl::ZeroDuration());
  TargetState& fresh = board.Find("p", "fresh");
  for (TargetState* target : {&old, &fresh}) {
    target->breaker.TryAcquire(absl::ZeroDuration())
        ->Fail(absl::ZeroDuration());
    EXPECT_FALSE(target->breaker.TryAcquire(absl::ZeroDuration()).has_value());
  }
}

TEST(TargetBoardTest, ThreadsThatMeetGetTheSame) {
  TargetBoard board({});
  constexpr int kThreads = 4;
  std::vector<std::vector<TargetState*>> found(kThreads);
  {
    std::vector<Thread> threads;
    threads.reserve(kThreads);
    for (std::vector<TargetState*>& mine : found) {
      threads.emplace_back("finder", [&board, &mine] {
        for (int i = 0; i < 1000; ++i) {
          mine.push_back(&board.Find("p", std::to_string(i)));
        }
      });
    }
  }
  for (int t = 1; t < kThreads; ++t) EXPECT_EQ(found[t], found[0]);
}

}  // namespace
}  // namespace gateway
