#include "service/overload/memory_gate.h"

#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/file.h"
#include "errors/fault.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr MemoryPressure kNormal = MemoryPressure::kNormal;
constexpr MemoryPressure kElevated = MemoryPressure::kElevated;
constexpr MemoryPressure kCritical = MemoryPressure::kCritical;
constexpr int64_t kMebibyte = 1 << 20;

TEST(NextPressureTest, TheSoftLimitElevatesAndTheHardOneIsCritical) {
  EXPECT_EQ(NextPressure(kNormal, 0, 0.8), kNormal);
  EXPECT_EQ(NextPressure(kNormal, 0.799, 0.8), kNormal);
  EXPECT_EQ(NextPressure(kNormal, 0.8, 0.8), kElevated);
  EXPECT_EQ(NextPressure(kNormal, 0.999, 0.8), kElevated);
  EXPECT_EQ(NextPressure(kNormal, 1, 0.8), kCritical);
  EXPECT_EQ(NextPressure(kElevated, 0.999, 0.8), kElevated);
  EXPECT_EQ(NextPressure(kElevated, 1, 0.8), kCritical);
}

TEST(NextPressureTest, AStateIsLeftFivePercentBelow) {
  EXPECT_EQ(NextPressure(kElevated, 0.761, 0.8), kElevated);
  EXPECT_EQ(NextPressure(kElevated, 0.759, 0.8), kNormal);
  EXPECT_EQ(NextPressure(kCritical, 0.951, 0.8), kCritical);
  EXPECT_EQ(NextPressure(kCritical, 0.949, 0.8), kElevated);
  EXPECT_EQ(NextPressure(kCritical, 0.761, 0.8), kElevated);
  EXPECT_EQ(NextPressure(kCritical, 0.759, 0.8), kNormal);
}

TEST(NextPressureTest, TheTwoLimitsMayBeTheSame) {
  EXPECT_EQ(NextPressure(kNormal, 0.999, 1), kNormal);
  EXPECT_EQ(NextPressure(kNormal, 1, 1), kCritical);
}

class MemoryGateTest : public testing::Test {
 protected:
  MemoryGate::Options Options() {
    return {.size_bytes_limit = 1024 * kMebibyte,
            .read_resident_bytes = [this] { return resident_; }};
  }

  int64_t resident_ = 100 * kMebibyte;
};

TEST_F(MemoryGateTest, ResidentMemoryIsHeldAgainstTheLimit) {
  MemoryGate gate(Options());
  EXPECT_TRUE(gate.has_limit());
  EXPECT_EQ(gate.pressure(), kNormal);
  EXPECT_EQ(gate.resident_bytes(), 100 * kMebibyte);
  EXPECT_FALSE(gate.Sample());
  resident_ = 820 * kMebibyte;
  EXPECT_TRUE(gate.Sample());
  EXPECT_EQ(gate.pressure(), kElevated);
  EXPECT_FALSE(gate.Sample());
  resident_ = 1024 * kMebibyte;
  EXPECT_TRUE(gate.Sample());
  EXPECT_EQ(gate.pressure(), kCritical);
  EXPECT_EQ(gate.fill(), 1);
  resident_ = 100 * kMebibyte;
  EXPECT_TRUE(gate.Sample());
  EXPECT_EQ(gate.pressure(), kNormal);
}

TEST_F(MemoryGateTest, TheFirstSampleIsTakenAtOnce) {
  resident_ = 2048 * kMebibyte;
  const MemoryGate gate(Options());
  EXPECT_EQ(gate.pressure(), kCritical);
}

TEST_F(MemoryGateTest, BatchesShrinkAboveTheSoftLimit) {
  MemoryGate gate(Options());
  EXPECT_EQ(gate.BatchSize(100), 100);
  resident_ = 900 * kMebibyte;
  gate.Sample();
  EXPECT_EQ(gate.BatchSize(100), 25);
  EXPECT_EQ(gate.BatchSize(3), 1);
  resident_ = 1100 * kMebibyte;
  gate.Sample();
  EXPECT_EQ(gate.BatchSize(100), 25);
}

TEST_F(MemoryGateTest, ARefusalSaysWhenToAskAgain) {
  const MemoryGate gate(Options());
  EXPECT_EQ(FaultReason(gate.Refusal()), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(RetryDelay(gate.Refusal()), absl::Seconds(5));
  EXPECT_EQ(FaultMetadata(gate.Refusal(), "limit"),
            "overload.memory.size_bytes_limit");
}

TEST_F(MemoryGateTest, WithoutALimitTheControlGroupsIsTaken) {
  std::string folder = absl::StrCat(testing::TempDir(), "gate.XXXXXX");
  const std::string root = mkdtemp(folder.data());
  const auto write = [&](const char* name, int64_t bytes) {
    ASSERT_TRUE(
        ReplaceFile(absl::StrCat(root, "/", name), absl::StrCat(bytes)).ok());
  };
  write("memory.max", 1000);
  write("memory.current", 759);
  MemoryGate gate({.cgroup_root = root,
                   .own_groups = "/nowhere",
                   .read_resident_bytes = [this] { return resident_; }});
  EXPECT_TRUE(gate.has_limit());
  EXPECT_EQ(gate.pressure(), kNormal);
  // 80 % of 95 % of what the group may have.
  write("memory.current", 760);
  EXPECT_TRUE(gate.Sample());
  EXPECT_EQ(gate.pressure(), kElevated);
  write("memory.current", 950);
  EXPECT_TRUE(gate.Sample());
  EXPECT_EQ(gate.pressure(), kCritical);
  EXPECT_EQ(gate.resident_bytes(), resident_);
}

TEST_F(MemoryGateTest, WithoutAnyLimitMemoryIsOnlyTold) {
  resident_ = 1 << 30;
  const MemoryGate gate({.cgroup_root = "/nowhere",
                         .read_resident_bytes = [this] { return resident_; }});
  EXPECT_FALSE(gate.has_limit());
  EXPECT_EQ(gate.pressure(), kNormal);
  EXPECT_EQ(gate.resident_bytes(), 1 << 30);
}

TEST_F(MemoryGateTest, TheProcessIsReadWhereNobodySaysOtherwise) {
  const MemoryGate gate({.size_bytes_limit = 1});
  EXPECT_GT(gate.resident_bytes(), kMebibyte);
  EXPECT_EQ(gate.pressure(), kCritical);
}

TEST_F(MemoryGateTest, OtherLimitsHoldFromTheNextSampleOn) {
  resident_ = 1100 * kMebibyte;
  MemoryGate gate(Options());
  EXPECT_EQ(gate.pressure(), kCritical);
  MemoryGate::Options more = Options();
  more.size_bytes_limit *= 2;
  gate.SetOptions(more);
  EXPECT_TRUE(gate.Sample());
  EXPECT_EQ(gate.pressure(), kNormal);
  more.size_bytes_limit = kMebibyte;
  gate.SetOptions(more);
  EXPECT_TRUE(gate.Sample());
  more.is_watched = false;
  gate.SetOptions(more);
  EXPECT_TRUE(gate.Sample());
  EXPECT_EQ(gate.pressure(), kNormal);
  EXPECT_FALSE(gate.has_limit());
  EXPECT_EQ(gate.resident_bytes(), resident_);
}

}  // namespace
}  // namespace gateway
