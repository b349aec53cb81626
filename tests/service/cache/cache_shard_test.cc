#include "service/cache/cache_shard.h"

#include <cstdint>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/cache/kept_answer.h"
#include "tests/service/cache/kept_answers.h"

namespace gateway {
namespace {

class CacheShardTest : public testing::Test {
 public:
  void Put(uint64_t number, absl::Duration stored = absl::ZeroDuration(),
           absl::Duration expiry = absl::InfiniteDuration()) {
    CacheShard::Dropped dropped;
    const KeptAnswerPtr answer = AnswerOf(10);
    shard_.Put(KeyNumber(number), answer, CacheShard::EntryBytes(*answer),
               stored, expiry, &dropped);
  }

  bool Finds(uint64_t number) {
    CacheShard::Dropped dropped;
    return shard_
               .Find(KeyNumber(number), absl::ZeroDuration(),
                     -absl::InfiniteDuration(), &dropped)
               .answer != nullptr;
  }

  CacheShard shard_{{.entries = 100, .size_bytes = 1 << 20}};
};

TEST_F(CacheShardTest, WhatIsAskedForAgainOutlastsWhatIsAskedForOnce) {
  for (int i = 0; i < 20; ++i) {
    Put(i);
    Finds(i);
  }
  // Ten times as many as there is room for, each of which is seen once.
  for (int i = 1000; i < 2000; ++i) Put(i);
  int left = 0;
  for (int i = 0; i < 20; ++i) left += Finds(i) ? 1 : 0;
  EXPECT_EQ(left, 20);
}

TEST_F(CacheShardTest, WhatComesBackSoonAfterItLeftStays) {
  Put(1);
  for (int i = 1000; i < 1100; ++i) Put(i);
  ASSERT_FALSE(Finds(1));
  Put(1);
  for (int i = 2000; i < 2095; ++i) Put(i);
  EXPECT_TRUE(Finds(1));
  EXPECT_FALSE(Finds(1000));
}

TEST_F(CacheShardTest, WhatWasHotAndIsNotAnyMoreGoes) {
  for (int i = 0; i < 100; ++i) {
    Put(i);
    Finds(i);
  }
  for (int i = 1000; i < 1300; ++i) {
    Put(i);
    Finds(i);
  }
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(Finds(i)) << i;
}

TEST_F(CacheShardTest, WhatHasExpiredIsFoundBehindWhatHasNotAFewAtATime) {
  // In both queues.
  for (int i = 0; i < 60; ++i) {
    Put(i, absl::ZeroDuration(), absl::Seconds(i % 2 == 0 ? 100 : 1));
    if (i < 30) Finds(i);
  }
  const auto look = [&](size_t looks_max) {
    CacheShard::Dropped dropped;
    shard_.DropExpired(absl::Seconds(1), looks_max, &dropped);
    return dropped.size();
  };
  EXPECT_EQ(look(20), 10u);
  EXPECT_EQ(look(20), 10u);
  // What comes or goes meanwhile does not matter.
  Put(100);
  EXPECT_EQ(look(20), 10u);
  EXPECT_EQ(look(100), 0u);
  EXPECT_EQ(look(100), 0u);
  EXPECT_EQ(shard_.entries(), 31u);
  EXPECT_EQ(shard_.counts().expired, 30u);
  EXPECT_EQ(look(0), 0u);
  CacheShard::Dropped dropped;
  shard_.Remove(KeyNumber(0), &dropped);
  EXPECT_EQ(look(100), 0u);
}

TEST_F(CacheShardTest, ForWantOfMemoryTheOldestGo) {
  for (int i = 0; i < 100; ++i) {
    Put(i, absl::Seconds(i));
    Finds(i);
  }
  // Has some go on to the large queue.
  for (int i = 100; i < 120; ++i) Put(i, absl::Seconds(i));
  const size_t entries = shard_.entries();
  const size_t bytes = shard_.size_bytes();
  CacheShard::Dropped dropped;
  shard_.DropOldest(bytes / 2, 10, &dropped);
  EXPECT_EQ(dropped.size(), 10u);
  shard_.DropOldest(bytes / entries * 15, 1000, &dropped);
  EXPECT_EQ(dropped.size(), 25u);
  EXPECT_EQ(shard_.counts().for_memory, 25u);
  EXPECT_LE(shard_.size_bytes(), bytes - bytes / entries * 25);
  int left = 0;
  for (int i = 60; i < 100; ++i) left += Finds(i) ? 1 : 0;
  EXPECT_EQ(left, 40);
  shard_.DropOldest(bytes, 1000, &dropped);
  EXPECT_EQ(shard_.entries(), 0u);
  shard_.DropOldest(1, 1000, &dropped);
}

TEST(SeenKeysTest, TheLastAreRememberedUntilTheyAreTaken) {
  SeenKeys seen(3);
  for (int i = 0; i < 4; ++i) seen.Add(KeyNumber(i));
  EXPECT_FALSE(seen.Take(KeyNumber(0)));
  EXPECT_TRUE(seen.Take(KeyNumber(1)));
  EXPECT_FALSE(seen.Take(KeyNumber(1)));
  seen.Add(KeyNumber(3));  // Again: it takes no second place.
  seen.Add(KeyNumber(4));
  EXPECT_TRUE(seen.Take(KeyNumber(2)));
  EXPECT_TRUE(seen.Take(KeyNumber(3)));
  seen.Clear();
  EXPECT_FALSE(seen.Take(KeyNumber(4)));
}

}  // namespace
}  // namespace gateway
