#include "base/async/timer_wheel.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using absl::Milliseconds;

constexpr absl::Duration kStart = absl::Seconds(12345);

class TimerWheelTest : public testing::Test {
 protected:
  void Pass(absl::Duration time) {
    now_ += time;
    wheel_.Advance(now_);
  }

  absl::Duration now_ = kStart;
  TimerWheel wheel_{kStart};
};

TEST_F(TimerWheelTest, FiresWhenDueAndNeverEarly) {
  for (const int64_t ms : {1, 2, 63, 64, 65, 4095, 4096, 4097, 262'144,
                           16'777'216, 1'073'741'824}) {
    int fired = 0;
    Timer timer([&] { ++fired; });
    wheel_.Arm(timer, now_ + Milliseconds(ms));
    Pass(Milliseconds(ms) - absl::Nanoseconds(1));
    EXPECT_EQ(fired, 0) << ms;
    EXPECT_TRUE(timer.armed());
    Pass(absl::Nanoseconds(1));
    EXPECT_EQ(fired, 1) << ms;
    EXPECT_FALSE(timer.armed());
    Pass(absl::Hours(1));
    EXPECT_EQ(fired, 1) << ms;
  }
}

TEST_F(TimerWheelTest, RoundsUpToAMillisecond) {
  int fired = 0;
  Timer timer([&] { ++fired; });
  wheel_.Arm(timer, now_ + absl::Microseconds(1500));
  Pass(absl::Microseconds(1999));
  EXPECT_EQ(fired, 0);
  Pass(absl::Microseconds(1));
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerWheelTest, APastTimeFiresAMillisecondLater) {
  int fired = 0;
  Timer timer([&] { ++fired; });
  wheel_.Arm(timer, now_ - absl::Hours(1));
  Pass(Milliseconds(1));
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerWheelTest, TimersBeyondItsReachFireInTime) {
  for (const absl::Duration far :
       {absl::Hours(24 * 365), absl::Hours(24 * 365 * 5)}) {
    int fired = 0;
    Timer timer([&] { ++fired; });
    wheel_.Arm(timer, now_ + far);
    Pass(far - Milliseconds(1));
    EXPECT_EQ(fired, 0);
    Pass(Milliseconds(1));
    EXPECT_EQ(fired, 1);
  }
}

TEST_F(TimerWheelTest, ATimerForEverDoesNotHoldItUp) {
  Timer timer([] { ADD_FAILURE(); });
  wheel_.Arm(timer, absl::InfiniteDuration());
  for (int i = 0; i < 100; ++i) Pass(absl::Hours(24 * 30));
}

TEST_F(TimerWheelTest, CancelAndDisarmKeepItFromFiring) {
  Timer cancelled([] { ADD_FAILURE(); });
  Timer disarmed([] { ADD_FAILURE(); });
  wheel_.Arm(cancelled, now_ + Milliseconds(5));
  wheel_.Arm(disarmed, now_ + Milliseconds(5));
  EXPECT_EQ(wheel_.size(), 2u);
  cancelled.Cancel();
  disarmed.Disarm();
  EXPECT_FALSE(cancelled.armed());
  EXPECT_FALSE(disarmed.armed());
  EXPECT_EQ(wheel_.size(), 1u);
  Pass(absl::Hours(1));
  EXPECT_EQ(wheel_.size(), 0u);
  cancelled.Cancel();
}

TEST_F(TimerWheelTest, ADisarmedTimerCanBeArmedForAnyTime) {
  for (const int64_t ms : {1, 4, 5, 6, 5000}) {
    int fired = 0;
    Timer timer([&] { ++fired; });
    wheel_.Arm(timer, now_ + Milliseconds(5));
    timer.Disarm();
    wheel_.Arm(timer, now_ + Milliseconds(ms));
    Pass(Milliseconds(ms - 1));
    EXPECT_EQ(fired, 0) << ms;
    Pass(Milliseconds(1));
    EXPECT_EQ(fired, 1) << ms;
  }
}

TEST_F(TimerWheelTest, TheLastTimeGivenCounts) {
  std::vector<absl::Duration> fired;
  Timer timer([&] { fired.push_back(now_ - kStart); });
  wheel_.Arm(timer, now_ + Milliseconds(100));
  wheel_.Arm(timer, now_ + Milliseconds(700));
  wheel_.Arm(timer, now_ + Milliseconds(300));
  for (int i = 0; i < 1000; ++i) Pass(Milliseconds(1));
  EXPECT_EQ(fired, (std::vector<absl::Duration>{Milliseconds(300)}));
}

TEST_F(TimerWheelTest, TellsWhenItHasWork) {
  EXPECT_EQ(wheel_.NextWork(), std::nullopt);
  Timer timer([] {});
  wheel_.Arm(timer, now_ + Milliseconds(40));
  // Work may be to move the timer nearer, but there is some by its time.
  ASSERT_TRUE(wheel_.NextWork().has_value());
  EXPECT_GT(*wheel_.NextWork(), now_);
  EXPECT_LE(*wheel_.NextWork(), now_ + Milliseconds(40));
  timer.Cancel();
  EXPECT_EQ(wheel_.NextWork(), std::nullopt);
}

TEST_F(TimerWheelTest, ACallMayDestroyAnyTimer) {
  std::unique_ptr<Timer> self;
  std::unique_ptr<Timer> other;
  self = std::make_unique<Timer>([&] {
    other.reset();
    self.reset();
  });
  other = std::make_unique<Timer>([&] {
    self.reset();
    other.reset();
  });
  wheel_.Arm(*self, now_ + Milliseconds(5));
  wheel_.Arm(*other, now_ + Milliseconds(5));
  Pass(Milliseconds(5));
  EXPECT_EQ(self, nullptr);
  EXPECT_EQ(other, nullptr);
  EXPECT_EQ(wheel_.size(), 0u);
}

TEST_F(TimerWheelTest, ACallMayArmItsOwnTimer) {
  int fired = 0;
  std::optional<Timer> timer;
  timer.emplace([&] {
    ++fired;
    wheel_.Arm(*timer, now_ + Milliseconds(10));
  });
  wheel_.Arm(*timer, now_ + Milliseconds(10));
  for (int i = 0; i < 100; ++i) Pass(Milliseconds(1));
  EXPECT_EQ(fired, 10);
}

TEST(TimerWheelLifeTest, TimersMayOutliveTheWheel) {
  Timer timer([] {});
  {
    TimerWheel wheel(absl::ZeroDuration());
    wheel.Arm(timer, absl::Seconds(1));
  }
  EXPECT_FALSE(timer.armed());
}

// A wheel beside a plain list, which must agree about each timer at each step.
class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) {
    for (int i = 0; i < kTimers; ++i) {
      timers_.push_back(std::make_unique<Entry>());
      Entry* const entry = timers_.back().get();
      entry->timer.emplace([this, entry] { Fired(*entry); });
    }
  }

  void Step() {
    Entry& entry = *timers_[random_.Bits() % kTimers];
    switch (random_.Bits() % 10) {
      case 0:
        entry.timer->Cancel();
        entry.due.reset();
        break;
      case 1:
        entry.timer->Disarm();
        entry.due.reset();
        break;
      case 2:
      case 3:
        Advance();
        break;
      default:
        Arm(entry);
    }
  }

 private:
  static constexpr int kTimers = 50;

  struct Entry {
    std::optional<Timer> timer;
    std::optional<absl::Duration> due;
  };

  // Of every size from one millisecond to years.
  absl::Duration AnyDelay() {
    const uint64_t bits = random_.Bits() % 38;
    return Milliseconds(1 + random_.Bits() % (uint64_t{1} << bits));
  }

  void Arm(Entry& entry) {
    entry.due = now_ + AnyDelay();
    wheel_.Arm(*entry.timer, *entry.due);
  }

  void Fired(Entry& entry) {
    ASSERT_TRUE(entry.due.has_value());
    EXPECT_LE(*entry.due, now_);
    EXPECT_GT(*entry.due, before_);
    entry.due.reset();
    if (random_.Bits() % 4 == 0) Arm(entry);
  }

  void Advance() {
    before_ = now_;
    now_ += AnyDelay();
    wheel_.Advance(now_);
    absl::Duration first = absl::InfiniteDuration();
    for (const std::unique_ptr<Entry>& entry : timers_) {
      EXPECT_EQ(entry->timer->armed(), entry->due.has_value());
      if (!entry->due.has_value()) continue;
      EXPECT_GT(*entry->due, now_) << "it should have fired";
      first = std::min(first, *entry->due);
    }
    if (first < absl::InfiniteDuration()) {
      ASSERT_TRUE(wheel_.NextWork().has_value());
      EXPECT_LE(*wheel_.NextWork(), first);
      EXPECT_GT(*wheel_.NextWork(), now_);
    }
  }

  FakeRandom random_;
  absl::Duration now_ = kStart;
  absl::Duration before_ = kStart;
  TimerWheel wheel_{kStart};
  std::vector<std::unique_ptr<Entry>> timers_;
};

TEST(TimerWheelModelTest, AgreesWithAPlainList) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Model model(seed);
    for (int i = 0; i < 5000; ++i) model.Step();
    if (testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace gateway
