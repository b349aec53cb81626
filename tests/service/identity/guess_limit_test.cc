#include "service/identity/guess_limit.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/thread.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

constexpr char kPeer[] = "203.0.113.7:1000";
constexpr absl::Duration kNone = absl::ZeroDuration();

class GuessLimitTest : public testing::Test {
 protected:
  // A peer of a network of its own.
  static std::string Peer(int i) {
    return "10." + std::to_string(i >> 16 & 255) + "." +
           std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255) + ":1";
  }

  // Fails so often that the next failure is refused.
  void SpendFree(const std::string& peer) {
    for (int i = 0; i < 5; ++i) EXPECT_EQ(limit_->RecordFailure(peer), kNone);
  }

  FakeClock clock_;
  FakeRandom chance_{1};
  GuessLimit::Options options_ = {.failures_limit = 5,
                                  .window = absl::Seconds(50),
                                  .base_delay = absl::Seconds(1),
                                  .delay_max = absl::Seconds(100),
                                  .networks = 64};
  std::unique_ptr<GuessLimit> limit_ =
      std::make_unique<GuessLimit>(options_, clock_, chance_);
};

TEST_F(GuessLimitTest, SomeFailuresAreFreeAndTheNextAreRefusedEverLonger) {
  SpendFree(kPeer);
  EXPECT_EQ(limit_->RefusedFor(kPeer), kNone);
  for (const int seconds : {1, 2, 4, 8, 16, 32, 64, 100, 100, 100}) {
    EXPECT_EQ(limit_->RecordFailure(kPeer), absl::Seconds(seconds));
    EXPECT_EQ(limit_->RefusedFor(kPeer), absl::Seconds(seconds));
  }
  clock_.Advance(absl::Seconds(30));
  EXPECT_EQ(limit_->RefusedFor(kPeer), absl::Seconds(70));
  clock_.Advance(absl::Seconds(70));
  EXPECT_EQ(limit_->RefusedFor(kPeer), kNone);
}

TEST_F(GuessLimitTest, FailuresAreFreeAgainAtTheRateOfTheLimit) {
  SpendFree(kPeer);
  // Five in fifty seconds: one in ten.
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(absl::Seconds(10));
    EXPECT_EQ(limit_->RecordFailure(kPeer), kNone) << i;
  }
  clock_.Advance(absl::Seconds(10) - absl::Nanoseconds(1));
  EXPECT_EQ(limit_->RecordFailure(kPeer), absl::Seconds(1));
}

TEST_F(GuessLimitTest, WhoGoesOnAfterThePauseIsRefusedForTwiceAsLong) {
  SpendFree(kPeer);
  for (const int seconds : {1, 2, 4, 8, 16, 32, 64, 100, 100}) {
    EXPECT_EQ(limit_->RecordFailure(kPeer), absl::Seconds(seconds));
    clock_.Advance(absl::Seconds(seconds));
  }
}

TEST_F(GuessLimitTest, WhoIsQuietForAsLongAgainIsForgiven) {
  SpendFree(kPeer);
  for (int i = 0; i < 8; ++i) limit_->RecordFailure(kPeer);
  ASSERT_EQ(limit_->RefusedFor(kPeer), absl::Seconds(100));
  clock_.Advance(absl::Seconds(200) - absl::Nanoseconds(1));
  EXPECT_EQ(limit_->RecordFailure(kPeer), absl::Seconds(100));
  clock_.Advance(absl::Seconds(200));
  SpendFree(kPeer);
  EXPECT_EQ(limit_->RecordFailure(kPeer), absl::Seconds(1));
}

TEST_F(GuessLimitTest, OthersAreNotRefused) {
  SpendFree(kPeer);
  EXPECT_NE(limit_->RecordFailure(kPeer), kNone);
  EXPECT_NE(limit_->RecordFailure("203.0.113.7:2000"), kNone);
  EXPECT_EQ(limit_->RecordFailure("203.0.113.8:1000"), kNone);
  EXPECT_EQ(limit_->RefusedFor("203.0.113.8:1000"), kNone);
  EXPECT_EQ(limit_->RefusedFor("[2001:db8::1]:1"), kNone);
}

TEST_F(GuessLimitTest, AFullTableForgetsNobodyAndDoesNotGrow) {
  // More networks than there are places, each at its limit.
  for (int i = 0; i < 64; ++i) {
    for (int j = 0; j < 6; ++j) limit_->RecordFailure(Peer(i));
    EXPECT_NE(limit_->RefusedFor(Peer(i)), kNone) << i;
  }
  for (int i = 64; i < 20000; ++i) limit_->RecordFailure(Peer(i));
  for (int i = 0; i < 64; ++i) {
    EXPECT_NE(limit_->RecordFailure(Peer(i)), kNone) << i;
  }
  // Those without a place are counted together, and so refused by now.
  int refused = 0;
  for (int i = 20000; i < 20100; ++i) {
    refused += limit_->RecordFailure(Peer(i)) > kNone ? 1 : 0;
  }
  EXPECT_EQ(refused, 100);
}

TEST_F(GuessLimitTest, WhoGetsAPlaceOwesWhatTheRestOwes) {
  options_.networks = 8;
  limit_ = std::make_unique<GuessLimit>(options_, clock_, chance_);
  for (int i = 0; i < 8; ++i) SpendFree(Peer(i));
  // Without a place.
  SpendFree(kPeer);
  for (int i = 0; i < 7; ++i) limit_->RecordFailure(kPeer);
  EXPECT_EQ(limit_->RefusedFor(kPeer), absl::Seconds(64));
  // The others are forgiven, so that there are places.
  clock_.Advance(absl::Seconds(51));
  EXPECT_EQ(limit_->RefusedFor(kPeer), absl::Seconds(13));
  EXPECT_EQ(limit_->RecordFailure(kPeer), absl::Seconds(100));
  EXPECT_EQ(limit_->RefusedFor(kPeer), absl::Seconds(100));
}

// A flood of addresses has no more guesses than each would have by itself.
TEST_F(GuessLimitTest, ManyAddressesHaveNoMoreGuessesThanTheirOwn) {
  int looked_at = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 1000; ++i) {
      looked_at += limit_->RecordFailure(Peer(i)) == kNone ? 1 : 0;
    }
  }
  // 64 with a place and eight for the rest of a set each.
  EXPECT_LE(looked_at, (64 + 8) * 5);
  EXPECT_GE(looked_at, 64 * 5);
}

TEST_F(GuessLimitTest, TheFaultSaysHowLongToWait) {
  const absl::Status fault = TooManyGuesses(absl::Seconds(8));
  EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_EQ(RetryDelay(fault), absl::Seconds(8));
  EXPECT_EQ(FaultMetadata(fault, "limit"), "auth.guess_limit");
}

TEST_F(GuessLimitTest, ThreadsLoseNoFailure) {
  options_.failures_limit = 4000;
  limit_ = std::make_unique<GuessLimit>(options_, clock_, chance_);
  std::atomic<int> refused = 0;
  std::atomic<int> seen = 0;
  const auto fail = [&] {
    for (int i = 0; i < 1001; ++i) {
      refused += limit_->RecordFailure(kPeer) > kNone ? 1 : 0;
      seen += limit_->RefusedFor(kPeer) > kNone ? 1 : 0;
    }
  };
  std::vector<Thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back("guesses", fail);
  threads.clear();
  EXPECT_EQ(refused, 4);
  EXPECT_GE(seen, 1);
  EXPECT_LE(seen, 4 * 1001);
}

}  // namespace
}  // namespace gateway
