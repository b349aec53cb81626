#include "service/limits/sharing_state.h"

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr absl::Duration kStart = absl::Hours(1);
constexpr absl::Duration kMoment = absl::Milliseconds(1);

class SharingStateTest : public testing::Test {
 protected:
  void Fail(absl::Duration now) {
    state_.SetAway(now, absl::UnavailableError("down"));
  }

  SharingState state_;
};

TEST_F(SharingStateTest, AMomentWithoutRedisIsNotSaid) {
  EXPECT_FALSE(state_.away());
  Fail(kStart);
  Fail(kStart + SharingState::kPatience - kMoment);
  EXPECT_FALSE(state_.away());
  state_.SetShared(kStart + 2 * SharingState::kPatience);
  Fail(kStart + 3 * SharingState::kPatience);
  EXPECT_FALSE(state_.away());
}

TEST_F(SharingStateTest, ItIsSharedAgainWhenNothingHasFailedForAWhile) {
  Fail(kStart);
  const absl::Duration last = kStart + SharingState::kPatience;
  Fail(last);
  EXPECT_TRUE(state_.away());
  state_.SetShared(last + SharingState::kPatience - kMoment);
  EXPECT_TRUE(state_.away());
  state_.SetShared(last + SharingState::kPatience);
  EXPECT_FALSE(state_.away());
}

}  // namespace
}  // namespace gateway
