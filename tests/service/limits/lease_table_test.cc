#include "service/limits/lease_table.h"

#include <cstdint>

#include "gtest/gtest.h"
#include "tests/service/limits/limit_config.h"

namespace gateway {
namespace {

class LeaseTableTest : public testing::Test {
 protected:
  // All of one shard.
  static CounterKey Key(uint64_t number) { return {number, 0}; }

  static Lease Make() {
    return {.name = {}, .gcra = Gcra(1, absl::Seconds(1), 1), .counters = {}};
  }
  bool Use(uint64_t number, int64_t touched, int64_t units = 0) {
    return table_.Use(Key(number), &Make, [&](Lease& lease) {
      lease.touched = touched;
      lease.units = units;
    });
  }
  bool Has(uint64_t number) {
    return table_.Find(Key(number), [](Lease&) {});
  }

  LeaseTable table_{2 * LeaseTable::kShards};
};

TEST_F(LeaseTableTest, ALeaseIsMadeOnceAndFoundAgain) {
  EXPECT_FALSE(Has(1));
  EXPECT_TRUE(Use(1, 5, 9));
  int64_t units = 0;
  EXPECT_TRUE(
      table_.Use(Key(1), &Make, [&](Lease& lease) { units = lease.units; }));
  EXPECT_EQ(units, 9);
  EXPECT_EQ(table_.size(), 1u);
}

TEST_F(LeaseTableTest, TheOneThatWasAskedForLongestAgoGivesWay) {
  EXPECT_TRUE(Use(1, 5) && Use(2, 4) && Use(3, 6));
  EXPECT_TRUE(Has(1));
  EXPECT_FALSE(Has(2));
  EXPECT_TRUE(Has(3));
}

TEST_F(LeaseTableTest, OneThatOwesSomethingStays) {
  EXPECT_TRUE(Use(1, 1, /*units=*/-1));
  EXPECT_TRUE(Use(2, 2, /*units=*/-1));
  EXPECT_FALSE(Use(3, 3));
  table_.Find(Key(1), [](Lease& lease) { lease.units = 0; });
  table_.Find(Key(2), [](Lease& lease) {
    lease.units = 5;
    lease.away = true;
  });
  EXPECT_TRUE(Use(3, 3));
  EXPECT_FALSE(Has(1));
  EXPECT_TRUE(Has(2));
}

TEST_F(LeaseTableTest, AVisitMayForget) {
  EXPECT_TRUE(Use(1, 1) && Use(2, 2));
  table_.ForEach([](const CounterKey& key, Lease&) { return key.low == 2; });
  EXPECT_FALSE(Has(1));
  EXPECT_TRUE(Has(2));
}

}  // namespace
}  // namespace gateway
