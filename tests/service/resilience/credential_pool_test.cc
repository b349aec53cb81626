#include "service/resilience/credential_pool.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/thread.h"
#include "errors/fault.h"
#include "errors/verdict.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using Change = CredentialPool::Change;

constexpr absl::Duration kPoolStart = absl::Hours(1);

absl::Status RateLimited(std::optional<absl::Duration> retry_after) {
  absl::Status status =
      MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, "slow down");
  if (retry_after.has_value()) SetRetryDelay(status, *retry_after);
  return status;
}

absl::Status Refused() {
  return MakeFault(v1::ERROR_REASON_PROVIDER_AUTH_FAILED, "no such key");
}

std::vector<size_t> Picks(const CredentialPool& pool, absl::Duration now,
                          int calls) {
  std::vector<size_t> picks;
  for (int i = 0; i < calls; ++i) picks.push_back(*pool.Pick(now).index);
  return picks;
}

const std::vector<CredentialPool::Credential> kThreeKeys = {
    {"a"}, {"b"}, {"c"}};

TEST(CredentialPoolTest, EachTakesItsTurn) {
  const CredentialPool pool(kThreeKeys, {});
  EXPECT_EQ(Picks(pool, kPoolStart, 7),
            (std::vector<size_t>{0, 1, 2, 0, 1, 2, 0}));
}

TEST(CredentialPoolTest, ACallerWhoKnowsWhoseTurnItIsSaysSo) {
  const CredentialPool pool(kThreeKeys, {});
  EXPECT_EQ(pool.Pick(kPoolStart, 2).index, 2);
  EXPECT_EQ(pool.Pick(kPoolStart, 2).index, 2);
  EXPECT_EQ(pool.Pick(kPoolStart, 0).index, 0);
}

TEST(CredentialPoolTest, A429CoolsForAsLongAsItAsksToTheNanosecond) {
  CredentialPool pool({{"a"}}, {});
  EXPECT_EQ(pool.Record(0, kPoolStart, RateLimited(absl::Seconds(7))),
            Change::kCools);
  const absl::Duration end = kPoolStart + absl::Seconds(7);
  EXPECT_EQ(pool.Pick(kPoolStart).index, std::nullopt);
  EXPECT_EQ(pool.Pick(kPoolStart).wait, absl::Seconds(7));
  EXPECT_EQ(pool.Pick(end - absl::Nanoseconds(1)).wait, absl::Nanoseconds(1));
  EXPECT_EQ(pool.Pick(end).index, 0);
}

TEST(CredentialPoolTest, A429ThatNamesNoTimeCoolsForTheDefault) {
  CredentialPool pool({{"a"}}, {});
  pool.Record(0, kPoolStart, RateLimited(std::nullopt));
  EXPECT_EQ(pool.Pick(kPoolStart).wait, absl::Seconds(5));
}

TEST(CredentialPoolTest, OneThatMayNotHaveWhatIsAskedForStaysIn) {
  CredentialPool pool({{"a"}}, {});
  absl::Status refused = Refused();
  AddFaultMetadata(refused, kRefusedKey, kAccess);
  EXPECT_EQ(pool.Record(0, kPoolStart, refused), Change::kNone);
  EXPECT_EQ(pool.Pick(kPoolStart).index, 0);
}

TEST(CredentialPoolTest, NobodyCoolsForLongerThanTheLimit) {
  CredentialPool pool({{"a"}}, {});
  pool.Record(0, kPoolStart, RateLimited(absl::Seconds(300)));
  EXPECT_EQ(pool.Pick(kPoolStart).wait, absl::Seconds(300));
  pool.Record(0, kPoolStart, RateLimited(absl::Seconds(1'000'000'000)));
  EXPECT_EQ(pool.Pick(kPoolStart).wait, absl::Seconds(300));
  pool.Record(0, kPoolStart, absl::OkStatus(), absl::InfiniteDuration());
  EXPECT_EQ(pool.Pick(kPoolStart).wait, absl::Seconds(300));
}

TEST(CredentialPoolTest, ARetryAfterOfNothingCoolsNothing) {
  CredentialPool pool({{"a"}}, {});
  EXPECT_EQ(pool.Record(0, kPoolStart, RateLimited(absl::ZeroDuration())),
            Change::kNone);
  EXPECT_EQ(pool.Record(0, kPoolStart, RateLimited(-absl::Seconds(1))),
            Change::kNone);
  EXPECT_EQ(pool.Pick(kPoolStart).index, 0);
}

TEST(CredentialPoolTest, ACoolingNeverEndsSooner) {
  CredentialPool pool({{"a"}}, {});
  pool.Record(0, kPoolStart, RateLimited(absl::Seconds(60)));
  EXPECT_EQ(pool.Record(0, kPoolStart, RateLimited(absl::Seconds(10))),
            Change::kNone);
  EXPECT_EQ(pool.Pick(kPoolStart).wait, absl::Seconds(60));
  EXPECT_EQ(pool.Record(0, kPoolStart, RateLimited(absl::Seconds(70))),
            Change::kNone)
      << "it is longer, but nothing new";
  EXPECT_EQ(pool.Pick(kPoolStart).wait, absl::Seconds(70));
  EXPECT_EQ(pool.Read(kPoolStart)[0].coolings, 1);
}

TEST(CredentialPoolTest, ARefusalTakesOutUntilAReset) {
  CredentialPool pool({{"a"}, {"b"}}, {});
  EXPECT_EQ(pool.Record(0, kPoolStart, Refused()), Change::kIsOut);
  EXPECT_EQ(pool.Record(0, kPoolStart, Refused()), Change::kNone);
  EXPECT_EQ(pool.Record(0, kPoolStart, RateLimited(absl::Seconds(1))),
            Change::kNone)
      << "a later 429 does not take it back";
  const absl::Duration later = kPoolStart + absl::Hours(1000);
  EXPECT_EQ(Picks(pool, later, 3), (std::vector<size_t>{1, 1, 1}));
  EXPECT_TRUE(pool.Read(later)[0].is_out);
  EXPECT_EQ(pool.Read(later)[0].refusals, 1);
  EXPECT_TRUE(pool.Reset(0));
  EXPECT_FALSE(pool.Reset(0)) << "it is not out";
  EXPECT_EQ(pool.Pick(later, 0).index, 0);
  EXPECT_EQ(pool.Record(0, later, Refused()), Change::kIsOut);
}

TEST(CredentialPoolTest, OneThatHasComeBackAndCoolsIsNotTakenBackAgain) {
  CredentialPool pool({{"a"}}, {});
  EXPECT_FALSE(pool.TakeBack(0)) << "it is not out";
  EXPECT_EQ(pool.Record(0, kPoolStart, Refused()), Change::kIsOut);
  EXPECT_TRUE(pool.TakeBack(0));
  EXPECT_EQ(pool.Record(0, kPoolStart, RateLimited(absl::Seconds(9))),
            Change::kCools);
  EXPECT_FALSE(pool.TakeBack(0));
  EXPECT_EQ(pool.Read(kPoolStart)[0].cools_for, absl::Seconds(9));
}

TEST(CredentialPoolTest, AProviderWithoutACredentialCoolsAndIsNeverOut) {
  CredentialPool pool({{}}, {});
  EXPECT_TRUE(pool.is_keyless());
  EXPECT_EQ(pool.Record(0, kPoolStart, Refused()), Change::kNone);
  EXPECT_TRUE(pool.HasUsable(kPoolStart));
  EXPECT_EQ(pool.Record(0, kPoolStart, RateLimited(absl::Seconds(3))),
            Change::kCools);
  EXPECT_EQ(pool.WaitFrom(kPoolStart), absl::Seconds(3));
  EXPECT_FALSE(CredentialPool(kThreeKeys, {}).is_keyless());
}

TEST(CredentialPoolTest, AnEmptyAccountTakesOut) {
  CredentialPool pool({{"a"}}, {});
  EXPECT_EQ(
      pool.Record(0, kPoolStart,
                  MakeFault(v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED, "402")),
      Change::kIsOut);
}

TEST(CredentialPoolTest, OnlyWhatIsSaidOfTheCredentialCounts) {
  CredentialPool pool({{"a"}}, {});
  EXPECT_EQ(pool.Record(0, kPoolStart, absl::OkStatus()), Change::kNone);
  for (const v1::ErrorReason reason :
       {v1::ERROR_REASON_PROVIDER_UNAVAILABLE, v1::ERROR_REASON_CANCELLED,
        v1::ERROR_REASON_PROVIDER_TIMEOUT, v1::ERROR_REASON_INVALID_REQUEST}) {
    EXPECT_EQ(pool.Record(0, kPoolStart, MakeFault(reason, "")), Change::kNone);
  }
  absl::Status callers = Refused();
  AddFaultMetadata(callers, kCredentialKey, kCallersCredential);
  EXPECT_EQ(pool.Record(0, kPoolStart, callers), Change::kNone);
  EXPECT_EQ(pool.Pick(kPoolStart).index, 0);
}

TEST(CredentialPoolTest, RateHeadersCoolBeforeTheRefusalComes) {
  CredentialPool pool({{"a"}, {"b"}}, {});
  EXPECT_EQ(pool.Record(0, kPoolStart, absl::OkStatus()), Change::kNone);
  EXPECT_EQ(pool.Pick(kPoolStart, 0).index, 0);
  EXPECT_EQ(pool.Record(0, kPoolStart, absl::OkStatus(), absl::Seconds(9)),
            Change::kCools);
  EXPECT_FALSE(pool.IsUsable(0, kPoolStart));
  EXPECT_TRUE(pool.HasUsable(kPoolStart));
  EXPECT_EQ(pool.Pick(kPoolStart, 0).index, 1);
  EXPECT_EQ(pool.Pick(kPoolStart + absl::Seconds(9), 0).index, 0);
}

TEST(CredentialPoolTest, RateHeadersSayWhatA429DoesNot) {
  CredentialPool pool({{"a"}, {"b"}}, {});
  pool.Record(0, kPoolStart, RateLimited(std::nullopt), absl::Seconds(2));
  EXPECT_EQ(pool.Read(kPoolStart)[0].cools_for, absl::Seconds(2));
  pool.Record(1, kPoolStart, RateLimited(absl::Seconds(3)), absl::Seconds(60));
  EXPECT_EQ(pool.Read(kPoolStart)[1].cools_for, absl::Seconds(3));
  EXPECT_FALSE(pool.HasUsable(kPoolStart + absl::Milliseconds(1999)));
  EXPECT_TRUE(pool.HasUsable(kPoolStart + absl::Seconds(2)));
}

TEST(CredentialPoolTest, WhereNoneIsUsableOneMayBeALastResort) {
  CredentialPool pool({{"a"}, {"b"}}, {});
  pool.Record(0, kPoolStart, RateLimited(absl::Seconds(7)));
  pool.Record(1, kPoolStart, absl::OkStatus(), absl::Seconds(9));
  // What is only predicted may be tried; what was said is kept to.
  EXPECT_EQ(pool.Pick(kPoolStart).index, std::nullopt);
  EXPECT_EQ(pool.Pick(kPoolStart).wait, absl::Seconds(7));
  EXPECT_EQ(pool.Pick(kPoolStart).last_resort, 1);
  EXPECT_TRUE(pool.Read(kPoolStart)[1].is_predicted);
  pool.Record(1, kPoolStart, RateLimited(absl::Seconds(2)));
  EXPECT_EQ(pool.Pick(kPoolStart).last_resort, std::nullopt);
  EXPECT_EQ(pool.Pick(kPoolStart).wait, absl::Seconds(2))
      << "the provider knows better than its headers";
  pool.Record(1, kPoolStart, absl::OkStatus(), absl::Seconds(60));
  EXPECT_EQ(pool.Pick(kPoolStart).wait, absl::Seconds(2))
      << "a prediction adds nothing to what was said";
  pool.Record(0, kPoolStart, Refused());
  EXPECT_EQ(pool.Pick(kPoolStart).last_resort, std::nullopt);
  pool.Record(1, kPoolStart, Refused());
  EXPECT_TRUE(pool.Pick(kPoolStart).last_resort.has_value());
}

TEST(CredentialPoolTest, TurnsGoByWeight) {
  const CredentialPool pool({{"a", 0, 3}, {"b", 0, 1}}, {});
  const std::vector<size_t> picks = Picks(pool, kPoolStart, 400);
  EXPECT_EQ(std::count(picks.begin(), picks.end(), 0), 300);
}

TEST(CredentialPoolTest, StandInsTakeTurns) {
  CredentialPool pool(kThreeKeys, {});
  pool.Record(1, kPoolStart, RateLimited(absl::Seconds(60)));
  const std::vector<size_t> picks = Picks(pool, kPoolStart, 600);
  EXPECT_EQ(std::count(picks.begin(), picks.end(), 0), 300);
  EXPECT_EQ(std::count(picks.begin(), picks.end(), 1), 0);
  EXPECT_EQ(std::count(picks.begin(), picks.end(), 2), 300);
}

TEST(CredentialPoolTest, AStandInMayBeOneThatHasJustCooled) {
  CredentialPool pool({{"a"}, {"b"}}, {});
  pool.Record(0, kPoolStart, RateLimited(absl::Seconds(60)));
  pool.Record(1, kPoolStart, RateLimited(absl::Seconds(20)));
  const absl::Duration end = kPoolStart + absl::Seconds(20);
  EXPECT_EQ(pool.Pick(end - absl::Nanoseconds(1), 0).index, std::nullopt);
  EXPECT_EQ(pool.Pick(end, 0).index, 1);
}

TEST(CredentialPoolTest, IfNoneIsUsableTheEarliestIsTold) {
  CredentialPool pool(kThreeKeys, {});
  pool.Record(0, kPoolStart, RateLimited(absl::Seconds(60)));
  pool.Record(1, kPoolStart, RateLimited(absl::Seconds(20)));
  pool.Record(2, kPoolStart, Refused());
  for (size_t turn = 0; turn < 3; ++turn) {
    const CredentialPool::Choice choice = pool.Pick(kPoolStart, turn);
    EXPECT_EQ(choice.index, std::nullopt);
    EXPECT_EQ(choice.wait, absl::Seconds(20));
  }
  EXPECT_EQ(pool.WaitFrom(kPoolStart), absl::Seconds(20));
  EXPECT_EQ(pool.WaitFrom(kPoolStart + absl::Seconds(21)),
            absl::ZeroDuration());
  pool.Record(0, kPoolStart, Refused());
  pool.Record(1, kPoolStart, Refused());
  EXPECT_EQ(pool.Pick(kPoolStart).wait, std::nullopt);
  EXPECT_EQ(pool.WaitFrom(kPoolStart), std::nullopt);
}

TEST(CredentialPoolTest, ANewConfigurationKeepsWhatIsKnownByName) {
  CredentialPool before(kThreeKeys, {});
  before.Record(0, kPoolStart, Refused());
  before.Record(2, kPoolStart, RateLimited(absl::Seconds(60)));
  CredentialPool after({{"c"}, {"a"}, {"new"}}, {}, &before);
  EXPECT_TRUE(before.Read(kPoolStart)[0].is_out) << "it is only tried";
  after.Begin();
  EXPECT_EQ(after.Read(kPoolStart)[0].cools_for, absl::Seconds(60));
  EXPECT_FALSE(after.Read(kPoolStart)[1].is_out) << "gets another chance";
  EXPECT_EQ(after.Read(kPoolStart)[1].refusals, 1);
  EXPECT_EQ(after.Pick(kPoolStart, 2).index, 2);
  // A call that still runs with the old one tells both.
  before.Record(0, kPoolStart, Refused());
  EXPECT_TRUE(after.Read(kPoolStart)[1].is_out);
}

TEST(CredentialPoolTest, AnotherSecretOfTheSameNameBeginsAnew) {
  CredentialPool before({{"a", 1}}, {});
  before.Record(0, kPoolStart, RateLimited(absl::Seconds(60)));
  const CredentialPool after({{"a", 2}}, {}, &before);
  EXPECT_EQ(after.Pick(kPoolStart).index, 0);
  before.Record(0, kPoolStart, Refused());
  EXPECT_EQ(after.Pick(kPoolStart).index, 0);
}

TEST(CredentialPoolTest, AnIndexIsFoundByName) {
  const CredentialPool pool(kThreeKeys, {});
  EXPECT_EQ(pool.IndexOf("c"), 2);
  EXPECT_EQ(pool.IndexOf("d"), std::nullopt);
}

TEST(CredentialPoolTest, DoesAsAListOfTimesDoes) {
  constexpr int64_t kOut = -1;
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    FakeRandom random{seed};
    const size_t size = 1 + random.Below(5);
    std::vector<CredentialPool::Credential> names;
    for (size_t i = 0; i < size; ++i)
      names.push_back({std::string(1, 'a' + i)});
    CredentialPool pool(names, {});
    std::vector<int64_t> free_ms(size, 0);
    int64_t now_ms = 1'000'000;
    for (int step = 0; step < 400; ++step) {
      now_ms += static_cast<int64_t>(random.Below(2) * random.Below(2000));
      const absl::Duration now = absl::Milliseconds(now_ms);
      const size_t i = random.Below(size);
      const uint64_t what = random.Below(20);
      if (what < 6) {
        const auto wait = static_cast<int64_t>(random.Below(5000));
        pool.Record(i, now, RateLimited(absl::Milliseconds(wait)));
        if (free_ms[i] != kOut && wait > 0) {
          free_ms[i] = std::max(free_ms[i], now_ms + wait);
        }
      } else if (what == 6) {
        pool.Record(i, now, Refused());
        free_ms[i] = kOut;
      } else if (what < 9) {
        pool.Reset(i);
        free_ms[i] = 0;
      }
      const CredentialPool::Choice choice = pool.Pick(now, i);
      int64_t earliest = kOut;
      for (int64_t each : free_ms) {
        if (each != kOut && (earliest == kOut || each < earliest)) {
          earliest = each;
        }
      }
      const bool any = earliest != kOut && earliest <= now_ms;
      ASSERT_EQ(choice.index.has_value(), any) << seed << ", " << step;
      if (any) {
        ASSERT_NE(free_ms[*choice.index], kOut) << seed << ", " << step;
        ASSERT_LE(free_ms[*choice.index], now_ms) << seed << ", " << step;
        const bool in_turn = free_ms[i] != kOut && free_ms[i] <= now_ms;
        ASSERT_TRUE(!in_turn || *choice.index == i) << seed << ", " << step;
      } else if (earliest == kOut) {
        ASSERT_EQ(choice.wait, std::nullopt) << seed << ", " << step;
      } else {
        ASSERT_EQ(choice.wait, absl::Milliseconds(earliest - now_ms))
            << seed << ", " << step;
      }
    }
  }
}

TEST(CredentialPoolTest, OfManyThreadsOneIsToldThatItIsOut) {
  CredentialPool pool({{"a"}, {"b"}}, {});
  std::atomic<int> told = 0;
  {
    std::vector<Thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back("caller", [&pool, &told] {
        for (int i = 0; i < 2'000; ++i) {
          if (pool.Record(0, kPoolStart, Refused()) == Change::kIsOut) ++told;
          EXPECT_NE(pool.Pick(kPoolStart).index, std::nullopt);
        }
      });
    }
  }
  EXPECT_EQ(told, 1);
  EXPECT_EQ(pool.Read(kPoolStart)[0].refusals, 1);
}

// Says yes to those of `free`, and keeps whom it was asked of.
class Taking {
 public:
  explicit Taking(std::vector<size_t> free) : free_(std::move(free)) {}

  CredentialPool::Choice From(const CredentialPool& pool) {
    asked.clear();
    return pool.PickWhere(kPoolStart, [this](size_t index) {
      asked.push_back(index);
      return std::find(free_.begin(), free_.end(), index) != free_.end();
    });
  }

  std::vector<size_t> asked;

 private:
  const std::vector<size_t> free_;
};

TEST(CredentialPoolTest, WhereAllMayBeTakenEachTakesItsTurn) {
  const CredentialPool pool(kThreeKeys, {});
  Taking taking({0, 1, 2});
  for (const size_t turn : {0, 1, 2, 0}) {
    EXPECT_EQ(taking.From(pool).index, turn);
    EXPECT_EQ(taking.asked, std::vector<size_t>{turn});
  }
}

TEST(CredentialPoolTest, AnotherIsTakenForOneThatMayNotBe) {
  CredentialPool pool(kThreeKeys, {});
  Taking taking({1, 2});
  EXPECT_EQ(taking.From(pool).index, 1);
  EXPECT_EQ(taking.asked, (std::vector<size_t>{0, 1}));
  pool.Record(1, kPoolStart, RateLimited(absl::Seconds(9)));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(taking.From(pool).index, 2);
}

TEST(CredentialPoolTest, WhereNoneMayBeTakenEachWasAskedOnce) {
  CredentialPool pool(kThreeKeys, {});
  Taking none({});
  const CredentialPool::Choice choice = none.From(pool);
  EXPECT_TRUE(choice.declined);
  EXPECT_FALSE(choice.index.has_value());
  EXPECT_FALSE(choice.last_resort.has_value());
  std::sort(none.asked.begin(), none.asked.end());
  EXPECT_EQ(none.asked, (std::vector<size_t>{0, 1, 2}));
  // One alone, too.
  const CredentialPool lone({{"a"}}, {});
  EXPECT_TRUE(none.From(lone).declined);
  EXPECT_EQ(none.asked, std::vector<size_t>{0});
}

TEST(CredentialPoolTest, WhereNoneIsUsableNobodyIsAskedWhetherItMayBeTaken) {
  CredentialPool pool(kThreeKeys, {});
  for (const size_t i : {0, 1, 2}) {
    pool.Record(i, kPoolStart, RateLimited(absl::Seconds(9 - i)));
  }
  Taking all({0, 1, 2});
  const CredentialPool::Choice choice = all.From(pool);
  EXPECT_FALSE(choice.declined);
  EXPECT_FALSE(choice.index.has_value());
  EXPECT_EQ(choice.wait, absl::Seconds(7));
  EXPECT_TRUE(all.asked.empty());
}

}  // namespace
}  // namespace gateway
