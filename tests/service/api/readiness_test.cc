#include "service/api/readiness.h"

#include <optional>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

TEST(ReadinessTest, GoesFromStartingToServingToDraining) {
  FakeClock clock;
  Readiness readiness(clock);
  EXPECT_EQ(readiness.state(), Readiness::State::kStarting);
  EXPECT_EQ(readiness.serving_since(), std::nullopt);
  clock.Advance(absl::Seconds(3));
  const absl::Time ready = clock.WallTime();
  readiness.SetReady();
  clock.Advance(absl::Seconds(3));
  readiness.SetReady();
  EXPECT_EQ(readiness.state(), Readiness::State::kServing);
  EXPECT_EQ(readiness.serving_since(), ready);
  readiness.SetDraining();
  EXPECT_EQ(readiness.state(), Readiness::State::kDraining);
  EXPECT_EQ(readiness.serving_since(), ready);
}

TEST(ReadinessTest, DrainsForGood) {
  FakeClock clock;
  Readiness readiness(clock);
  readiness.SetDraining();
  readiness.SetReady();
  EXPECT_EQ(readiness.state(), Readiness::State::kDraining);
  EXPECT_EQ(readiness.serving_since(), std::nullopt);
}

}  // namespace
}  // namespace gateway
