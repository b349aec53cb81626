#include "service/limits/sharing_state.h"

#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "base/os/logging.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kStart = absl::Hours(1);
constexpr absl::Duration kMoment = absl::Milliseconds(1);

class SharingStateTest : public testing::Test {
 protected:
  SharingStateTest()
      : path_(testing::TempDir() + "/" +
              testing::UnitTest::GetInstance()->current_test_info()->name() +
              ".log") {
    unlink(path_.c_str());
    EXPECT_TRUE(StartLogging({.file = path_}).ok());
  }
  ~SharingStateTest() override { StopLogging(); }

  std::vector<std::string> Lines() {
    StopLogging();
    std::stringstream contents;
    contents << std::ifstream(path_).rdbuf();
    EXPECT_TRUE(StartLogging({.file = path_}).ok());
    return absl::StrSplit(contents.str(), '\n', absl::SkipEmpty());
  }
  void Fail(absl::Duration now) {
    state_.SetAway(now, absl::UnavailableError("down"));
  }
  bool IsSettled(absl::Duration now) {
    return state_.IsSettled(absl::ToInt64Nanoseconds(now));
  }
  // Redis is away for that long, and has then answered for that long, by a
  // message each tenth of a second.
  void GoAway(absl::Duration away, absl::Duration back) {
    Fail(now_);
    now_ += away;
    for (const absl::Duration end = now_ + back; now_ <= end;
         now_ += absl::Milliseconds(100)) {
      state_.SetShared(now_);
    }
  }

  const std::string path_;
  SharingState state_;
  absl::Duration now_ = kStart;
};

TEST_F(SharingStateTest, AMomentWithoutRedisIsTwoLinesOfTheLog) {
  EXPECT_FALSE(state_.away());
  Fail(kStart);
  EXPECT_TRUE(state_.away());
  Fail(kStart + kMoment);
  state_.SetShared(kStart + 2 * kMoment);
  EXPECT_TRUE(state_.away());
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("by this one's share")));
  state_.SetShared(kStart + 2 * kMoment + SharingState::kPatience);
  EXPECT_FALSE(state_.away());
  EXPECT_THAT(Lines(), ElementsAre(HasSubstr("by this one's share"),
                                   HasSubstr("shared by all replicas again")));
}

TEST_F(SharingStateTest, ItIsSharedAgainWhenNothingHasFailedForAWhile) {
  Fail(kStart);
  const absl::Duration answers = kStart + absl::Seconds(9);
  state_.SetShared(answers);
  state_.SetShared(answers + SharingState::kPatience - kMoment);
  EXPECT_TRUE(state_.away());
  Fail(answers + SharingState::kPatience);
  state_.SetShared(answers + SharingState::kPatience + kMoment);
  state_.SetShared(answers + 2 * SharingState::kPatience);
  EXPECT_TRUE(state_.away());
  state_.SetShared(answers + 2 * SharingState::kPatience + kMoment);
  EXPECT_FALSE(state_.away());
  EXPECT_EQ(Lines().size(), 2);
}

TEST_F(SharingStateTest, ARedisThatComesAndGoesIsToldOfOnceAMinuteAtMost) {
  // For an hour it is away each two seconds.
  while (now_ < kStart + absl::Hours(1)) {
    GoAway(absl::Milliseconds(500), absl::Milliseconds(1500));
  }
  EXPECT_LE(Lines().size(), 2 * 2);
  // And each twenty.
  while (now_ < kStart + absl::Hours(2)) {
    GoAway(absl::Milliseconds(500), absl::Milliseconds(19'500));
  }
  EXPECT_LE(Lines().size(), 2 * 2 + 2 * 5);
  // The metric says how it is.
  EXPECT_FALSE(state_.away());
  GoAway(absl::Seconds(1), SharingState::kPatienceMax);
  EXPECT_THAT(Lines().back(), HasSubstr("shared by all replicas again"));
  EXPECT_THAT(Lines().back(), HasSubstr("\"times_away\":"));
  // What has been well for long is told of at once again.
  now_ += SharingState::kFlapping;
  const size_t before = Lines().size();
  GoAway(absl::Seconds(1), SharingState::kPatience);
  EXPECT_EQ(Lines().size(), before + 2);
}

TEST_F(SharingStateTest, ItIsSettledAsLongAfterwardsAsItWasAway) {
  EXPECT_TRUE(IsSettled(kStart));
  Fail(kStart);
  EXPECT_FALSE(IsSettled(kStart + absl::Hours(1)));
  absl::Duration answers = kStart + absl::Milliseconds(300);
  state_.SetShared(answers);
  EXPECT_FALSE(IsSettled(answers + absl::Milliseconds(299)));
  EXPECT_TRUE(IsSettled(answers + absl::Milliseconds(300)));
  Fail(answers + absl::Seconds(1));
  answers += absl::Hours(1);
  state_.SetShared(answers);
  EXPECT_FALSE(IsSettled(answers + SharingState::kSettled - kMoment));
  EXPECT_TRUE(IsSettled(answers + SharingState::kSettled));
}

TEST_F(SharingStateTest, AMomentAwayDoesNotMakeItSettledSooner) {
  Fail(kStart);
  const absl::Duration answers = kStart + absl::Seconds(2);
  state_.SetShared(answers);
  Fail(answers + kMoment);
  state_.SetShared(answers + 2 * kMoment);
  EXPECT_FALSE(IsSettled(answers + absl::Seconds(2) - kMoment));
  EXPECT_TRUE(IsSettled(answers + absl::Seconds(2)));
}

TEST_F(SharingStateTest, WhoWasAwayForLongEnoughMayHaveForgotten) {
  EXPECT_FALSE(state_.SetShared(kStart));
  Fail(kStart);
  EXPECT_FALSE(state_.SetShared(kStart + SharingState::kMayForget - kMoment));
  EXPECT_EQ(state_.may_have_lost_until(), 0);
  Fail(kStart + absl::Seconds(1));
  const absl::Duration answers =
      kStart + absl::Seconds(1) + SharingState::kMayForget;
  EXPECT_TRUE(state_.SetShared(answers));
  EXPECT_EQ(state_.may_have_lost_until(), absl::ToInt64Nanoseconds(answers));
  EXPECT_FALSE(state_.SetShared(answers + kMoment));
}

}  // namespace
}  // namespace gateway
