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
  void Put(uint64_t number) {
    CacheShard::Dropped dropped;
    const KeptAnswerPtr answer = AnswerOf(10);
    shard_.Put(KeyNumber(number), answer, CacheShard::EntryBytes(*answer),
               absl::ZeroDuration(), absl::InfiniteDuration(), &dropped);
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
