#include "service/pipeline/abandoned_calls.h"

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr absl::Duration kNow = absl::Hours(1);
constexpr uint64_t kMallory = 1;
constexpr uint64_t kAlice = 2;
constexpr int kAtOnce = 10 * AbandonedCalls::kPerSecond;

class AbandonedCallsTest : public testing::Test {
 protected:
  void Leave(int times, uint64_t caller = kMallory) {
    for (int i = 0; i < times; ++i) abandoned_.Left(caller, kNow);
  }
  bool IsRefused(uint64_t caller, absl::Duration now = kNow) {
    return abandoned_.refuses_any() && !abandoned_.Check(caller, now).ok();
  }

  AbandonedCalls abandoned_;
};

TEST_F(AbandonedCallsTest, ABurstIsNobodysBusiness) {
  Leave(kAtOnce);
  EXPECT_FALSE(abandoned_.refuses_any());
}

TEST_F(AbandonedCallsTest, WhoLeavesMoreIsRefusedForASecondAndNobodyElse) {
  Leave(kAtOnce + 1);
  EXPECT_TRUE(IsRefused(kMallory));
  EXPECT_FALSE(IsRefused(kAlice));
  EXPECT_TRUE(IsRefused(kMallory, kNow + absl::Milliseconds(999)));
  EXPECT_FALSE(IsRefused(kMallory, kNow + absl::Seconds(1)));
  EXPECT_FALSE(abandoned_.refuses_any());
}

TEST_F(AbandonedCallsTest, TheRefusalSaysWhyAndWhenToComeBack) {
  Leave(kAtOnce + 1);
  const absl::Status refusal =
      abandoned_.Check(kMallory, kNow + absl::Milliseconds(400));
  EXPECT_EQ(FaultReason(refusal), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_EQ(FaultMetadata(refusal, "limit"), "abandoned_calls");
  EXPECT_EQ(RetryDelay(refusal), absl::Milliseconds(600));
}

TEST_F(AbandonedCallsTest, WhoHasMuchSentMayLeaveSomeOfIt) {
  for (int i = 0; i < 20; ++i) abandoned_.Sent();
  Leave(kAtOnce + 10);
  EXPECT_FALSE(abandoned_.refuses_any());
  Leave(1);
  EXPECT_TRUE(IsRefused(kMallory));
}

TEST_F(AbandonedCallsTest, OfWhatWasSentSoMuchIsRemembered) {
  for (int i = 0; i < 10 * AbandonedCalls::kSentMax; ++i) abandoned_.Sent();
  Leave(kAtOnce + AbandonedCalls::kSentMax / AbandonedCalls::kSentForOne);
  EXPECT_FALSE(abandoned_.refuses_any());
  Leave(1);
  EXPECT_TRUE(IsRefused(kMallory));
}

TEST_F(AbandonedCallsTest, SoManyAreRefusedAtATime) {
  constexpr auto kCallers = static_cast<uint64_t>(AbandonedCalls::kCallersMax);
  for (uint64_t caller = 0; caller < kCallers; ++caller) {
    Leave(kAtOnce + 1, caller);
  }
  Leave(kAtOnce + 1, kCallers);
  EXPECT_TRUE(IsRefused(0));
  EXPECT_FALSE(IsRefused(kCallers));
}

}  // namespace
}  // namespace gateway
