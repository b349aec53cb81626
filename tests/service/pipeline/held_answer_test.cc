#include "service/pipeline/held_answer.h"

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/loop_client.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using Kind = HeldAnswer::Kind;

class HeldAnswerTest : public testing::Test {
 protected:
  static constexpr size_t kFree = HeldAnswer::kUncountedBytesMax;

  size_t used_bytes() { return client_.loop().answer_bytes().used_bytes(); }

  LoopClient client_;
  HeldAnswer held_{client_.loop()};
};

TEST_F(HeldAnswerTest, CountsWhatIsMoreThanAStreamCostsAnyway) {
  EXPECT_TRUE(held_.Count(Kind::kEvents, kFree).ok());
  EXPECT_EQ(used_bytes(), 0u);
  EXPECT_TRUE(held_.Count(Kind::kEvents, kFree + 1).ok());
  EXPECT_EQ(used_bytes(), kFree + 1);
  EXPECT_TRUE(held_.Count(Kind::kEvents, kFree).ok());
  EXPECT_EQ(used_bytes(), 0u);
}

TEST_F(HeldAnswerTest, KindsAddUpAndEachIsReleasedAlone) {
  for (const Kind kind :
       {Kind::kEvents, Kind::kWritten, Kind::kRepeated, Kind::kGathered}) {
    EXPECT_TRUE(held_.Count(kind, 3 * kFree).ok());
    EXPECT_TRUE(held_.Count(kind, 2 * kFree).ok());
  }
  EXPECT_EQ(used_bytes(), 8 * kFree);
  held_.Release(Kind::kWritten);
  EXPECT_EQ(used_bytes(), 6 * kFree);
}

TEST_F(HeldAnswerTest, WhatThereIsNoRoomForIsRefused) {
  client_.loop().answer_bytes().SetLimit(8 * kFree);
  // One gets as much as it leaves.
  EXPECT_TRUE(held_.Count(Kind::kEvents, 4 * kFree).ok());
  const absl::Status refused = held_.Count(Kind::kEvents, 4 * kFree + 1);
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_OVERLOADED);
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr("runtime.answer_buffer_bytes_limit"));
  EXPECT_EQ(used_bytes(), 4 * kFree);
}

TEST_F(HeldAnswerTest, NothingStaysCountedOfACallThatIsOver) {
  {
    HeldAnswer over(client_.loop());
    EXPECT_TRUE(over.Count(Kind::kGathered, 2 * kFree).ok());
    EXPECT_EQ(used_bytes(), 2 * kFree);
  }
  EXPECT_EQ(used_bytes(), 0u);
}

}  // namespace
}  // namespace gateway
