#include "service/overload/gradient_limit.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

// A target that answers, and time.
class GradientLimitTest : public testing::Test {
 protected:
  static constexpr absl::Duration kUsual = absl::Milliseconds(400);

  // So many windows in which first tokens take `ttft`, and as many calls are
  // under way as may, or `in_flight` if that is given.
  void Answer(int windows, absl::Duration ttft, int in_flight = -1) {
    for (int i = 0; i < windows * 10; ++i) {
      while (places_.size() <
             static_cast<size_t>(in_flight < 0 ? limit_.limit() : in_flight)) {
        std::optional<GradientLimit::Place> place = limit_.TryTake();
        if (!place.has_value()) break;
        places_.push_back(*std::move(place));
      }
      now_ += absl::Milliseconds(112);
      limit_.RecordFirstToken(now_, ttft);
    }
    places_.clear();
  }

  absl::Duration now_ = absl::Hours(1);
  GradientLimit limit_{{.initial = 20, .min = 2, .max = 100}};
  std::vector<GradientLimit::Place> places_;
};

TEST_F(GradientLimitTest, AsManyAreUnderWayAsMay) {
  std::optional<GradientLimit::Place> last;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE((last = limit_.TryTake()).has_value());
    places_.push_back(*std::move(last));
  }
  EXPECT_EQ(limit_.in_flight(), 20);
  EXPECT_FALSE(limit_.TryTake().has_value());
  places_.pop_back();
  EXPECT_TRUE(limit_.TryTake().has_value());
}

TEST_F(GradientLimitTest, ItGrowsWhileAllIsWellAndStopsAtTheMost) {
  Answer(3, kUsual);
  EXPECT_GT(limit_.limit(), 20);
  Answer(100, kUsual);
  EXPECT_EQ(limit_.limit(), 100);
}

TEST_F(GradientLimitTest, WhatNobodyNeedsDoesNotGrow) {
  Answer(100, kUsual, 9);
  EXPECT_EQ(limit_.limit(), 20);
  Answer(3, kUsual, 12);
  EXPECT_GT(limit_.limit(), 20);
}

TEST_F(GradientLimitTest, PushBackTakesATenthOffOnceAWindow) {
  limit_.RecordPushBack(now_);
  EXPECT_EQ(limit_.limit(), 18);
  limit_.RecordPushBack(now_ + absl::Milliseconds(999));
  EXPECT_EQ(limit_.limit(), 18);
  limit_.RecordPushBack(now_ + absl::Seconds(1));
  EXPECT_EQ(limit_.limit(), 16);
}

TEST_F(GradientLimitTest, ItNeverFallsBelowTheLeast) {
  for (int i = 0; i < 100; ++i) {
    limit_.RecordPushBack(now_);
    now_ += absl::Seconds(1);
  }
  EXPECT_EQ(limit_.limit(), 2);
}

TEST_F(GradientLimitTest, SlowFirstTokensTakeItBack) {
  Answer(20, kUsual);
  const int before = limit_.limit();
  Answer(5, kUsual * 4);
  EXPECT_LT(limit_.limit(), before * 3 / 4);
}

TEST_F(GradientLimitTest, WithinTheToleranceNothingIsTakenBack) {
  Answer(20, kUsual);
  const int before = limit_.limit();
  Answer(5, kUsual * 1.4);
  EXPECT_GE(limit_.limit(), before);
}

TEST_F(GradientLimitTest, OneSlowWindowChangesLittle) {
  Answer(20, kUsual);
  const int before = limit_.limit();
  Answer(1, kUsual * 100);
  EXPECT_LT(limit_.limit(), before);
  // By half of a fifth at most.
  EXPECT_GE(limit_.limit(), before * 9 / 10 - 1);
}

TEST_F(GradientLimitTest, WhatIsSlowForLongBecomesUsual) {
  Answer(20, kUsual);
  Answer(600, kUsual * 2);
  const int low = limit_.limit();
  Answer(20, kUsual * 2);
  EXPECT_GT(limit_.limit(), low - 1);
}

TEST_F(GradientLimitTest, FewFirstTokensSayNothing) {
  for (int i = 0; i < 9; ++i) {
    now_ += absl::Seconds(10);
    limit_.RecordFirstToken(now_, kUsual * i);
  }
  EXPECT_EQ(limit_.limit(), 20);
}

// A provider that refuses what is above its own limit: it is found, and asked
// little more.
TEST_F(GradientLimitTest, FindsTheLimitOfAProviderThatRefuses) {
  constexpr int kProvidersLimit = 37;
  FakeRandom random{1};
  int refused = 0;
  int answered = 0;
  int low = 0;
  for (int i = 0; i < 5000; ++i) {
    now_ += absl::Milliseconds(100);
    while (std::optional<GradientLimit::Place> place = limit_.TryTake()) {
      if (limit_.in_flight() > kProvidersLimit) {
        limit_.RecordPushBack(now_);
        ++refused;
        break;
      }
      places_.push_back(*std::move(place));
    }
    while (!places_.empty() && random.Below(4) != 0) {
      limit_.RecordFirstToken(now_, kUsual);
      places_.pop_back();
      ++answered;
    }
    if (i > 500) {
      EXPECT_LE(limit_.limit(), 45) << i;
      low += limit_.limit() < 30;
    }
  }
  // But for trials.
  EXPECT_LT(low, 4500 / 10);
  EXPECT_LT(refused * 20, answered);
}

// Whole answers say nothing of first tokens, and still that so many go well.
// A provider that serves so many at once and has the others wait, from before
// anything was known of it.
TEST_F(GradientLimitTest, AQueueThatWasThereFromTheBeginningIsNotUsual) {
  constexpr int kServed = 5;
  constexpr absl::Duration kService = absl::Milliseconds(250);
  GradientLimit limit({.initial = 20, .min = 1, .max = 200});
  int windows_above = 0;
  for (int i = 0; i < 600; ++i) {
    std::vector<GradientLimit::Place> places;
    while (std::optional<GradientLimit::Place> place = limit.TryTake()) {
      places.push_back(*std::move(place));
    }
    const absl::Duration ttft =
        kService * std::max(1.0, limit.limit() / double{kServed});
    for (int k = 0; k < 20; ++k) {
      now_ += absl::Milliseconds(51);
      limit.RecordFirstToken(now_, ttft);
    }
    windows_above += i >= 300 && limit.limit() > 2 * kServed + 2;
  }
  EXPECT_LE(limit.limit(), 2 * kServed + 2);
  EXPECT_GE(limit.limit(), kServed);
  EXPECT_LT(windows_above, 10);
}

// Where nobody waits at the provider, nothing is lost but what a trial takes.
TEST_F(GradientLimitTest, ATrialIsShort) {
  Answer(200, kUsual);
  int windows_below = 0;
  for (int i = 0; i < 10 * GradientLimit::kTrialInterval; ++i) {
    Answer(1, kUsual);
    windows_below += limit_.limit() < 100;
  }
  EXPECT_GT(windows_below, 0);
  EXPECT_LE(windows_below, 10 * 3);
}

TEST_F(GradientLimitTest, WholeAnswersLetItGrow) {
  limit_.RecordPushBack(now_);
  ASSERT_EQ(limit_.limit(), 18);
  while (std::optional<GradientLimit::Place> place = limit_.TryTake()) {
    places_.push_back(*std::move(place));
  }
  for (int i = 0; i < 200; ++i) {
    now_ += absl::Milliseconds(112);
    limit_.RecordAnswer(now_);
  }
  EXPECT_GT(limit_.limit(), 20);
}

TEST_F(GradientLimitTest, FewFirstTokensAmongWholeAnswersWaitForMore) {
  Answer(50, kUsual, 9);
  const auto record = [this](int windows) {
    for (int i = 0; i < windows * 10; ++i) {
      now_ += absl::Milliseconds(112);
      if (i % 10 == 0) {
        limit_.RecordFirstToken(now_, kUsual * 10);
      } else {
        limit_.RecordAnswer(now_);
      }
    }
  };
  record(9);
  EXPECT_EQ(limit_.limit(), 20);
  record(2);
  EXPECT_LT(limit_.limit(), 20);
}

}  // namespace
}  // namespace gateway
