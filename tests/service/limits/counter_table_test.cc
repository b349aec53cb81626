#include "service/limits/counter_table.h"

#include <cstddef>
#include <cstdint>
#include <set>

#include "gtest/gtest.h"
#include "service/limits/counter_key.h"
#include "tests/service/limits/test_times.h"

namespace gateway {
namespace {

// Gives a place of the key's bucket to it, as rooms above do.
CounterCell& Put(CounterTable& table, const CounterKey& key, size_t place) {
  CounterTable::Claim claim(table, key);
  CounterCell& counter = claim.bucket().counters[place];
  counter.number = CounterCell::kMoving;
  claim.bucket().Assign(counter, key, 7, "subject");
  return counter;
}

TEST(CounterTableTest, ACounterHasALineOfItsOwn) {
  EXPECT_EQ(sizeof(CounterCell), 64);
  EXPECT_EQ(alignof(CounterCell), 64);
  EXPECT_EQ(sizeof(CounterBucket::Head), 64);
}

TEST(CounterTableTest, WhatWasAssignedIsFound) {
  CounterTable table(1000);
  EXPECT_EQ(table.Find(TestKey(1)), nullptr);
  CounterCell& counter = Put(table, TestKey(1), 3);
  EXPECT_EQ(table.Find(TestKey(1)), &counter);
  EXPECT_EQ(counter.number, 7);
  EXPECT_EQ(counter.subject, "subject");
  EXPECT_TRUE(counter.IsOf(TestKey(1)));
  EXPECT_EQ(table.Find(TestKey(2)), nullptr);
}

TEST(CounterTableTest, AKeyThatDiffersInOneHalfIsAnother) {
  CounterTable table(1);
  Put(table, {.low = 1, .high = 2}, 0);
  EXPECT_EQ(table.Find({.low = 1, .high = 3}), nullptr);
  EXPECT_EQ(table.Find({.low = 3, .high = 2}), nullptr);
  EXPECT_NE(table.Find({.low = 1, .high = 2}), nullptr);
}

TEST(CounterTableTest, APlaceThatWasGivenAwayIsFoundByItsNewKeyOnly) {
  CounterTable table(1);
  Put(table, TestKey(1), 0);
  Put(table, TestKey(2), 0);
  EXPECT_EQ(table.Find(TestKey(1)), nullptr);
  EXPECT_NE(table.Find(TestKey(2)), nullptr);
}

TEST(CounterTableTest, MemoryIsTakenAsItIsUsedAndIsBounded) {
  CounterTable table(65536);
  const size_t empty = table.memory_bytes();
  EXPECT_LT(empty, 8192);
  Put(table, TestKey(1), 0);
  EXPECT_LT(table.memory_bytes(), 32 * 1024);
  for (uint64_t i = 0; i < 200'000; ++i) Put(table, TestKey(i), i % 8);
  EXPECT_LE(table.memory_bytes(), 5 * 1024 * 1024);
  EXPECT_GT(table.memory_bytes(), 4 * 1024 * 1024);
  // A limit without dimensions takes what one bucket takes.
  CounterTable one(1);
  Put(one, TestKey(1), 0);
  EXPECT_LT(one.memory_bytes(), 700);
}

TEST(CounterTableTest, KeysAreSpreadOverAllBuckets) {
  CounterTable table(8 * 100);
  std::set<const CounterBucket*> buckets;
  for (uint64_t i = 0; i < 2000; ++i) {
    CounterTable::Claim claim(table, TestKey(i));
    buckets.insert(&claim.bucket());
  }
  EXPECT_EQ(buckets.size(), 100);
  size_t visited = 0;
  table.ForEachBucket([&](CounterBucket& bucket) {
    EXPECT_TRUE(buckets.contains(&bucket));
    ++visited;
  });
  // Whole pages.
  EXPECT_EQ(visited, 100);
}

}  // namespace
}  // namespace gateway
