#include "service/cache/response_cache.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/os/thread.h"
#include "gtest/gtest.h"
#include "service/cache/cache_shard.h"
#include "service/cache/kept_answer.h"
#include "service/cache/request_key.h"
#include "tests/service/cache/kept_answers.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

class ResponseCacheTest : public testing::Test {
 public:
  static constexpr ResponseCache::Limits kLimits = {.ttl = absl::Hours(1),
                                                    .entries = 100,
                                                    .size_bytes = 1 << 20,
                                                    .answer_bytes = 1 << 16};

  FakeClock clock_;
};

TEST_F(ResponseCacheTest, WhatWasPutIsFoundWithItsAgeAndIsNotCopied) {
  ResponseCache cache(kLimits, clock_);
  EXPECT_FALSE(cache.Find(KeyNumber(1)));
  const KeptAnswerPtr answer = AnswerOf(100);
  ASSERT_TRUE(cache.Put(KeyNumber(1), answer));
  clock_.Advance(absl::Seconds(7));
  const std::optional<ResponseCache::Hit> hit = cache.Find(KeyNumber(1));
  ASSERT_TRUE(hit);
  EXPECT_EQ(hit->answer.get(), answer.get());
  EXPECT_EQ(hit->age, absl::Seconds(7));
  EXPECT_FALSE(cache.Find(KeyNumber(2)));
  const ResponseCache::Stats stats = cache.stats();
  EXPECT_EQ(stats.hits, 1);
  EXPECT_EQ(stats.misses, 2);
  EXPECT_EQ(stats.stored, 1);
  EXPECT_EQ(stats.entries, 1);
}

TEST_F(ResponseCacheTest, AnAnswerIsGoneWithItsTime) {
  ResponseCache cache(kLimits, clock_);
  cache.Put(KeyNumber(1), AnswerOf(100));
  cache.Put(KeyNumber(2), AnswerOf(100), absl::Minutes(1));
  clock_.Advance(absl::Minutes(1) - absl::Nanoseconds(1));
  EXPECT_TRUE(cache.Find(KeyNumber(2)));
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_FALSE(cache.Find(KeyNumber(2)));
  clock_.Advance(absl::Minutes(59) - absl::Nanoseconds(1));
  EXPECT_TRUE(cache.Find(KeyNumber(1)));
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_FALSE(cache.Find(KeyNumber(1)));
  EXPECT_EQ(cache.stats().expired, 2);
  EXPECT_EQ(cache.stats().entries, 0);
  EXPECT_EQ(cache.stats().size_bytes, 0);
}

TEST_F(ResponseCacheTest, WhatWasKeptElsewhereIsAsOldAsThere) {
  ResponseCache cache(kLimits, clock_);
  cache.Put(KeyNumber(1), AnswerOf(100), absl::InfiniteDuration(),
            absl::Minutes(20));
  EXPECT_EQ(cache.Find(KeyNumber(1))->age, absl::Minutes(20));
  EXPECT_FALSE(cache.Find(KeyNumber(1), absl::Minutes(19)));
  clock_.Advance(absl::Minutes(40) - absl::Nanoseconds(1));
  EXPECT_TRUE(cache.Find(KeyNumber(1)));
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_FALSE(cache.Find(KeyNumber(1)));
}

TEST_F(ResponseCacheTest, WhatIsTooOldForOneCallerStaysForOthers) {
  ResponseCache cache(kLimits, clock_);
  cache.Put(KeyNumber(1), AnswerOf(100));
  clock_.Advance(absl::Seconds(10));
  EXPECT_FALSE(cache.Find(KeyNumber(1), absl::Seconds(9)));
  EXPECT_TRUE(cache.Find(KeyNumber(1), absl::Seconds(10)));
}

TEST_F(ResponseCacheTest, ANewAnswerTakesThePlaceOfTheOld) {
  ResponseCache cache(kLimits, clock_);
  cache.Put(KeyNumber(1), AnswerOf(100, "call_1"));
  const size_t bytes = cache.stats().size_bytes;
  clock_.Advance(absl::Minutes(30));
  cache.Put(KeyNumber(1), AnswerOf(1100, "call_2"));
  EXPECT_EQ(cache.Find(KeyNumber(1))->answer->request_id, "call_2");
  EXPECT_EQ(cache.Find(KeyNumber(1))->age, absl::ZeroDuration());
  EXPECT_EQ(cache.stats().entries, 1);
  EXPECT_EQ(cache.stats().size_bytes, bytes + 1000);
}

TEST_F(ResponseCacheTest, WhatIsTooLargeIsNotKept) {
  ResponseCache cache(kLimits, clock_);
  const size_t head = CacheShard::EntryBytes(*AnswerOf(100)) - 100;
  EXPECT_TRUE(cache.Put(KeyNumber(1), AnswerOf((1 << 16) - head)));
  EXPECT_FALSE(cache.Put(KeyNumber(2), AnswerOf((1 << 16) - head + 1)));
  EXPECT_TRUE(cache.Find(KeyNumber(1)));
  EXPECT_FALSE(cache.Find(KeyNumber(2)));
  EXPECT_EQ(cache.stats().too_large, 1);
}

TEST_F(ResponseCacheTest, AnAnswerLargerThanTheCacheIsNotKept) {
  ResponseCache cache({.ttl = absl::Hours(1),
                       .entries = 100,
                       .size_bytes = 1 << 16,
                       .answer_bytes = 1 << 20},
                      clock_);
  EXPECT_FALSE(cache.Put(KeyNumber(1), AnswerOf(1 << 16)));
  EXPECT_TRUE(cache.Put(KeyNumber(1), AnswerOf(1 << 15)));
}

TEST_F(ResponseCacheTest, RemovedAndClearedAnswersAreGone) {
  ResponseCache cache(kLimits, clock_);
  for (int i = 0; i < 10; ++i) cache.Put(KeyNumber(i), AnswerOf(10));
  const KeptAnswerPtr held = cache.Find(KeyNumber(3))->answer;
  cache.Remove(KeyNumber(3));
  cache.Remove(KeyNumber(33));
  EXPECT_FALSE(cache.Find(KeyNumber(3)));
  EXPECT_EQ(held->body.size(), 10);
  EXPECT_EQ(cache.stats().entries, 9);
  cache.Clear();
  EXPECT_EQ(cache.stats().entries, 0);
  EXPECT_EQ(cache.stats().size_bytes, 0);
}

TEST_F(ResponseCacheTest, NoOrderOfCallsTakesItOverItsLimits) {
  FakeRandom random{11};
  for (const size_t entries : {1, 3, 50, 2000}) {
    ResponseCache cache({.ttl = absl::Minutes(1),
                         .entries = entries,
                         .size_bytes = 200'000,
                         .answer_bytes = 10'000},
                        clock_);
    for (int i = 0; i < 5000; ++i) {
      const RequestKey key = KeyNumber(random.Below(300));
      switch (random.Below(8)) {
        case 0:
          cache.Remove(key);
          break;
        case 1:
          clock_.Advance(absl::Seconds(random.Below(5)));
          break;
        case 2:
        case 3:
        case 4:
          cache.Find(key);
          break;
        default:
          cache.Put(key, AnswerOf(random.Below(11'000)));
      }
      const ResponseCache::Stats stats = cache.stats();
      ASSERT_LE(stats.entries, entries);
      ASSERT_LE(stats.size_bytes, 200'000);
      ASSERT_EQ(stats.entries == 0, stats.size_bytes == 0);
    }
    EXPECT_GT(cache.stats().hits, 0);
    EXPECT_GT(cache.stats().evicted, 0);
  }
}

TEST_F(ResponseCacheTest, ManyThreadsSeeWholeAnswersOfTheirKeys) {
  constexpr int kThreads = 4;
  constexpr int kKeys = 600;
  // In several parts.
  ResponseCache cache({.ttl = absl::Hours(1),
                       .entries = 512,
                       .size_bytes = 1 << 20,
                       .answer_bytes = 1 << 12},
                      clock_);
  {
    std::vector<std::unique_ptr<Thread>> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.push_back(std::make_unique<Thread>("cache", [&cache, thread] {
        FakeRandom random{static_cast<uint64_t>(thread)};
        for (int i = 0; i < 4000; ++i) {
          const uint64_t number = random.Below(kKeys);
          const RequestKey key = KeyNumber(number);
          if (random.Below(20) == 0) {
            cache.Remove(key);
          } else if (random.Below(2) == 0) {
            cache.Put(key, AnswerOf(number, std::to_string(number)));
          } else if (const auto hit = cache.Find(key)) {
            ASSERT_EQ(hit->answer->request_id, std::to_string(number));
            ASSERT_EQ(hit->answer->body.size(), number);
          }
        }
      }));
    }
    for (const auto& thread : threads) thread->Join();
  }
  const ResponseCache::Stats stats = cache.stats();
  EXPECT_LE(stats.entries, 512);
  EXPECT_GT(stats.hits, 0);
}

TEST_F(ResponseCacheTest, WhatHasExpiredIsFreedThoughNobodyCalls) {
  ResponseCache cache({.ttl = absl::Minutes(1),
                       .entries = 1000,
                       .size_bytes = 1 << 24,
                       .answer_bytes = 1 << 16},
                      clock_);
  for (int i = 0; i < 100; ++i) cache.Put(KeyNumber(i), AnswerOf(1000));
  clock_.Advance(absl::Seconds(59));
  cache.DropExpired();
  EXPECT_EQ(cache.stats().entries, 100u);
  clock_.Advance(absl::Seconds(1));
  cache.DropExpired();
  const ResponseCache::Stats stats = cache.stats();
  EXPECT_EQ(stats.entries, 0u);
  EXPECT_EQ(stats.size_bytes, 0u);
  EXPECT_EQ(stats.expired, 100u);
}

TEST_F(ResponseCacheTest, ForWantOfMemoryItGivesBackPartAfterPart) {
  ResponseCache cache(kLimits, clock_);
  for (int i = 0; i < 80; ++i) cache.Put(KeyNumber(i), AnswerOf(1000));
  const size_t bytes = cache.stats().size_bytes;
  cache.DropOldest(0.25);
  EXPECT_EQ(cache.stats().size_bytes, bytes / 4 * 3);
  EXPECT_EQ(cache.stats().for_memory, 20u);
  EXPECT_FALSE(cache.Find(KeyNumber(19)));
  EXPECT_TRUE(cache.Find(KeyNumber(20)));
  for (int i = 0; i < 30; ++i) cache.DropOldest(0.25);
  EXPECT_EQ(cache.stats().entries, 0u);
  EXPECT_EQ(cache.stats().for_memory, 80u);
}

TEST_F(ResponseCacheTest, WhatIsRefusedIsCounted) {
  ResponseCache cache(kLimits, clock_);
  cache.Put(KeyNumber(1), AnswerOf(100));
  cache.Refuse(KeyNumber(1), ResponseCache::Refusal::kTooLarge);
  EXPECT_TRUE(cache.Find(KeyNumber(1)));
  // There is a newer answer.
  cache.Refuse(KeyNumber(1), ResponseCache::Refusal::kMemory);
  EXPECT_FALSE(cache.Find(KeyNumber(1)));
  EXPECT_EQ(cache.stats().too_large, 1u);
  EXPECT_EQ(cache.stats().for_memory, 1u);
}

}  // namespace
}  // namespace gateway
