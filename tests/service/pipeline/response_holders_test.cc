#include "service/pipeline/response_holders.h"

#include <cstdint>

#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr int64_t kNoneIsNew = 0;

class ResponseHoldersTest : public testing::Test {
 protected:
  int64_t ToGo(Holding what, int64_t limit = 100, int64_t newest = kNoneIsNew) {
    return holders_.OldestOfMost(what, limit, newest);
  }

  ResponseHolders holders_;
};

TEST_F(ResponseHoldersTest, TheOldestOfWhoHasMostGoes) {
  holders_.Add("alice", 1, 50);
  holders_.Add("bob", 2, 10);
  holders_.Add("bob", 3, 10);
  EXPECT_EQ(ToGo(Holding::kEntries), 2);
  EXPECT_EQ(ToGo(Holding::kBytes), 1);
  holders_.Add("bob", 4, 31);
  EXPECT_EQ(ToGo(Holding::kBytes), 2);
  holders_.Remove("bob", 2, 10);
  EXPECT_EQ(ToGo(Holding::kEntries), 3);
  EXPECT_EQ(ToGo(Holding::kBytes), 1);
}

TEST_F(ResponseHoldersTest, OfThoseWhoHaveAsMuchTheOldestGoes) {
  holders_.Add("zoe", 1, 10);
  holders_.Add("alice", 2, 10);
  holders_.Add("bob", 3, 10);
  EXPECT_EQ(ToGo(Holding::kEntries, 2, 3), 1);
  holders_.Remove("zoe", 1, 10);
  EXPECT_EQ(ToGo(Holding::kBytes), 2);
}

TEST_F(ResponseHoldersTest, TheNewestGoesOnlyIfItIsMoreThanAQuarter) {
  holders_.Add("alice", 1, 10);
  holders_.Add("bob", 2, 25);
  EXPECT_EQ(ToGo(Holding::kBytes, 100, /*newest=*/2), 1);
  EXPECT_EQ(ToGo(Holding::kBytes, 99, /*newest=*/2), 2);
  // Of what else he has, the oldest goes before it.
  holders_.Add("bob", 3, 90);
  EXPECT_EQ(ToGo(Holding::kBytes, 100, /*newest=*/3), 2);
  holders_.Remove("bob", 2, 25);
  holders_.Remove("alice", 1, 10);
  EXPECT_EQ(ToGo(Holding::kBytes, 50, /*newest=*/3), 3);
}

TEST_F(ResponseHoldersTest, OfFewEntriesOneIsNoMoreThanItsPart) {
  holders_.Add("alice", 1, 10);
  holders_.Add("bob", 2, 10);
  EXPECT_EQ(ToGo(Holding::kEntries, 1, /*newest=*/2), 1);
}

}  // namespace
}  // namespace gateway
