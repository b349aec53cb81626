#include "service/identity/key_set_schedule.h"

#include <set>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

class KeySetScheduleTest : public testing::Test {
 protected:
  // Reads with success, and returns how long it is to the next reading.
  absl::Duration ReadWell() {
    schedule_.Begin(now_);
    schedule_.Succeeded(now_);
    return schedule_.next() - now_;
  }

  absl::Duration ReadInVain() {
    schedule_.Begin(now_);
    schedule_.Failed(now_);
    return schedule_.next() - now_;
  }

  FakeRandom chance_{1};
  absl::Duration now_ = absl::Hours(1);
  KeySetSchedule schedule_{
      {.interval = absl::Minutes(10), .keep = absl::Hours(2)}, chance_};
};

TEST_F(KeySetScheduleTest, TheSetIsReadAtOnceAndThenAtIntervals) {
  EXPECT_LE(schedule_.next(), absl::ZeroDuration());
  EXPECT_FALSE(schedule_.HasKeys(now_));
  schedule_.Begin(now_);
  EXPECT_EQ(schedule_.next(), absl::InfiniteDuration());
  now_ += absl::Seconds(3);
  schedule_.Succeeded(now_);
  EXPECT_TRUE(schedule_.HasKeys(now_));
  EXPECT_LE(schedule_.next(), now_ + absl::Minutes(10));
  EXPECT_GE(schedule_.next(), now_ + absl::Minutes(9));
}

TEST_F(KeySetScheduleTest, ReplicasDoNotAskTogether) {
  std::set<absl::Duration> waits;
  for (int i = 0; i < 100; ++i) waits.insert(ReadWell());
  EXPECT_GT(waits.size(), 90u);
  EXPECT_LT(*waits.begin(), absl::Seconds(9.2 * 60));
  EXPECT_GT(*waits.rbegin(), absl::Seconds(9.8 * 60));
}

TEST_F(KeySetScheduleTest, AfterFailuresItIsAskedEverMoreSeldom) {
  absl::Duration longest = absl::Seconds(1);
  for (int i = 1; i <= 40; ++i) {
    const absl::Duration wait = ReadInVain();
    EXPECT_LE(wait, longest) << i;
    EXPECT_GE(wait, longest / 2) << i;
    EXPECT_EQ(schedule_.failures(), i);
    longest = std::min(longest * 2, absl::Minutes(5));
  }
  EXPECT_GE(ReadWell(), absl::Minutes(9));
  EXPECT_EQ(schedule_.failures(), 0);
  EXPECT_LE(ReadInVain(), absl::Seconds(1));
}

TEST_F(KeySetScheduleTest, OldKeysAreUsedForATimeWhileNoneCanBeRead) {
  ReadWell();
  const absl::Duration end = now_ + absl::Hours(2);
  for (now_ += absl::Minutes(1); now_ < end; now_ += absl::Minutes(1)) {
    ReadInVain();
    EXPECT_TRUE(schedule_.HasKeys(now_));
  }
  EXPECT_TRUE(schedule_.HasKeys(end - absl::Nanoseconds(1)));
  EXPECT_FALSE(schedule_.HasKeys(end));
  now_ = end;
  ReadWell();
  EXPECT_TRUE(schedule_.HasKeys(now_));
}

TEST_F(KeySetScheduleTest, AMissingKeyHasTheSetReadAtOnceButNotAgain) {
  ReadWell();
  now_ += absl::Seconds(5);
  EXPECT_TRUE(schedule_.MissesKey(now_));
  EXPECT_EQ(schedule_.next(), now_);
  // It is to be read anyway.
  EXPECT_FALSE(schedule_.MissesKey(now_));
  schedule_.Begin(now_);
  EXPECT_FALSE(schedule_.MissesKey(now_));
  schedule_.Succeeded(now_);

  const absl::Duration read = now_;
  now_ += absl::Seconds(1);
  EXPECT_TRUE(schedule_.MissesKey(now_));
  EXPECT_EQ(schedule_.next(), read + absl::Minutes(1));
  now_ += absl::Seconds(1);
  EXPECT_FALSE(schedule_.MissesKey(now_));
  EXPECT_EQ(schedule_.next(), read + absl::Minutes(1));
}

TEST_F(KeySetScheduleTest, WhoWritesTokensAtWillHasItReadOnceAMinute) {
  ReadWell();
  int readings = 0;
  const absl::Duration end = now_ + absl::Hours(1);
  for (; now_ < end; now_ += absl::Milliseconds(100)) {
    schedule_.MissesKey(now_);
    if (schedule_.next() > now_) continue;
    ReadWell();
    ++readings;
  }
  EXPECT_GE(readings, 59);
  EXPECT_LE(readings, 61);
}

TEST_F(KeySetScheduleTest, AMissingKeyDoesNotHurryAnIssuerThatFails) {
  ReadInVain();
  ReadInVain();
  ReadInVain();
  const absl::Duration next = schedule_.next();
  EXPECT_FALSE(schedule_.MissesKey(now_));
  EXPECT_EQ(schedule_.next(), next);
}

}  // namespace
}  // namespace gateway
