#include "service/limits/lease_keeper.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/service/limits/limit_config.h"
#include "tests/service/limits/shared_replicas.h"
#include "tests/service/limits/test_times.h"
#include "tests/testing/redis_server.h"

namespace gateway {
namespace {

constexpr char kLimit[] =
    "name: 'rpm' unit: LIMIT_UNIT_REQUESTS limit: 3600 window { seconds: 3600 "
    "} sharing: SHARING_LEASED per: LIMIT_DIMENSION_USER";

class LeaseKeeperTest : public testing::Test {
 protected:
  LeaseKeeperTest() : two_(server_.port()) { two_.test = &server_; }

  RedisServer server_;
  SharedReplicas two_;
};

// What the lease of `ann` is at the first replica.
Lease LeaseOf(SharedReplicas& two) {
  LimitSubject subject({0, 7});
  subject.Set(llmgateway::config::v1::LIMIT_DIMENSION_USER, "ann");
  const LimitRule& rule = two.Rule(0, kLimit);
  Lease found = {.name = {}, .gcra = rule.gcra(), .counters = {}};
  two.stores[0]->keeper().Find(
      rule.KeyOf(subject), absl::ToInt64Nanoseconds(two.runner.loop().Now()),
      [&](Lease& lease) { found = lease; });
  return found;
}

TEST_F(LeaseKeeperTest, ThePartGrowsWithHowFastItIsUsed) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    bool taken = co_await two.Takes(0, kLimit);
    EXPECT_TRUE(taken);
    co_await two.Pass(absl::Milliseconds(500));
    const Lease first = LeaseOf(two);
    EXPECT_TRUE(first.known);
    EXPECT_GE(first.units, 1);
    EXPECT_LE(first.part, 3);
    for (int i = 0; i < 400; ++i) {
      taken = co_await two.Takes(0, kLimit);
      EXPECT_TRUE(taken);
      co_await two.Pass(absl::Microseconds(100));
    }
    const Lease later = LeaseOf(two);
    EXPECT_GE(later.part, 20);
    EXPECT_LE(later.part, two.stores[0]->keeper().PartMax(later.gcra));
    EXPECT_EQ(two.stores[0]->keeper().PartMax(later.gcra), 180);
  });
}

TEST_F(LeaseKeeperTest, WhatItHadTakenIsTheSumOfWhatIsUsedAndLeased) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    for (int i = 0; i < 50; ++i) {
      const bool taken = co_await two.Takes(0, kLimit);
      EXPECT_TRUE(taken);
    }
    co_await two.Pass(absl::Milliseconds(500));
    const Lease lease = LeaseOf(two);
    const int64_t now = absl::ToInt64Nanoseconds(two.runner.loop().Now());
    // A second each, of which less than one has passed.
    EXPECT_NEAR(
        static_cast<double>(Gcra::Ahead(LeaseKeeper::TatOf(lease, now), now)),
        50.0 * kSecond, 2.0 * kSecond);
    EXPECT_NEAR(static_cast<double>(LeaseKeeper::KnownAhead(lease, now)),
                static_cast<double>(50 + lease.units) * kSecond, 2.0 * kSecond);
  });
}

TEST(LeaseKeeperPlacesTest, WhatHasNoPlaceIsCounted) {
  LoopRunner runner;
  LeaseKeeper keeper({.leases = 1}, [] { return nullptr; });
  const std::string limit =
      "name: 'calls' unit: LIMIT_UNIT_CONCURRENT_CALLS limit: 9 per: "
      "LIMIT_DIMENSION_USER";
  const LimitRule rule(Limit(limit), kTestSecret);
  int found = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string user = absl::StrCat("user-", i);
    LimitSubject subject(kTestSecret);
    subject.Set(llmgateway::config::v1::LIMIT_DIMENSION_USER, user);
    // One that is owed something stays.
    found += keeper.Use(rule, rule.KeyOf(subject), subject, kNowNanos,
                        [](Lease& lease) { lease.away = true; })
                 ? 1
                 : 0;
  }
  EXPECT_EQ(found, static_cast<int>(LeaseTable::kShards));
  EXPECT_EQ(keeper.state().unleased(), 1000 - found);
}

TEST_F(LeaseKeeperTest, WhatNobodyAsksForIsForgotten) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    const bool taken = co_await two.Takes(0, kLimit);
    EXPECT_TRUE(taken);
    co_await two.Pass(absl::Milliseconds(500));
    two.Age(0, kLimit, 2 * LeaseKeeper::kIdle);
    co_await two.Pass(absl::Milliseconds(500));
    EXPECT_TRUE(LeaseOf(two).known);
    EXPECT_EQ(LeaseOf(two).units, 0);
    two.Age(0, kLimit, 2 * LeaseKeeper::kForgotten);
    two.Sweep();
    EXPECT_FALSE(LeaseOf(two).known);
  });
}

TEST_F(LeaseKeeperTest, WhatIsForgivenIsForgivenToAll) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    const std::string exact =
        "name: 'few' unit: LIMIT_UNIT_REQUESTS limit: 4 window { seconds: "
        "3600 } sharing: SHARING_EXACT per: LIMIT_DIMENSION_USER";
    int taken = co_await two.TakeMany(10, exact);
    EXPECT_EQ(taken, 4);
    const LimitRule& rule = two.Rule(0, exact);
    const int64_t now = absl::ToInt64Nanoseconds(two.runner.loop().Now());
    two.stores[0]->Forgive(rule, now, [](const std::string&) { return false; });
    co_await two.Pass(absl::Milliseconds(500));
    taken = co_await two.TakeMany(10, exact);
    EXPECT_EQ(taken, 0);
    two.stores[0]->Forgive(
        rule, now, [](const std::string& subject) { return subject == "ann"; });
    co_await two.Pass(absl::Milliseconds(500));
    taken = co_await two.TakeMany(10, exact);
    EXPECT_EQ(taken, 4);
  });
}

TEST_F(LeaseKeeperTest, WhatIsTakenAfterAResetWithoutRedisIsNotForgiven) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    const std::string exact =
        "name: 'few' unit: LIMIT_UNIT_REQUESTS limit: 8 window { seconds: "
        "3600 } sharing: SHARING_EXACT per: LIMIT_DIMENSION_USER";
    RedisServer& server = *static_cast<RedisServer*>(two.test);
    int taken = co_await two.TakeMany(12, exact);
    EXPECT_EQ(taken, 8);
    server.Kill();
    co_await two.AwaitDown();
    // As limits of a process are reset.
    const LimitRule& rule = two.Rule(1, exact);
    const int64_t now = absl::ToInt64Nanoseconds(two.runner.loop().Now());
    const auto all = [](const std::string&) { return true; };
    rule.counters().rates->Reset(now, all);
    two.stores[1]->Forgive(rule, now, all);
    taken = 0;
    for (int i = 0; i < 6; ++i) {
      const bool each = co_await two.Takes(1, exact);
      taken += each ? 1 : 0;
    }
    EXPECT_EQ(taken, 4) << "its share";
    server.Restart();
    co_await two.AwaitUp();
    two.Sweep();
    co_await two.Pass(absl::Milliseconds(500));
    taken = 0;
    for (int i = 0; i < 12; ++i) {
      const bool each = co_await two.Takes(1, exact);
      taken += each ? 1 : 0;
    }
    EXPECT_GE(taken, 3);
    EXPECT_LE(taken, 5);
  });
}

TEST_F(LeaseKeeperTest, OneSubjectIsForgivenWhereverItIsKnown) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    const std::string exact =
        "name: 'few' unit: LIMIT_UNIT_REQUESTS limit: 4 window { seconds: "
        "3600 } sharing: SHARING_EXACT per: LIMIT_DIMENSION_USER";
    for (int i = 0; i < 5; ++i) {
      const bool taken = co_await two.Takes(1, exact);
      EXPECT_EQ(taken, i < 4);
    }
    CounterStore& other = *two.stores[0];
    const LimitRule& rule = two.Rule(0, exact);
    const int64_t now = absl::ToInt64Nanoseconds(two.runner.loop().Now());
    const int64_t known =
        other.Forgive(rule, now, [](const std::string&) { return true; });
    EXPECT_EQ(known, 0);
    LimitSubject bob({0, 7});
    bob.Set(llmgateway::config::v1::LIMIT_DIMENSION_USER, "bob");
    EXPECT_TRUE(other.ForgiveOne(rule, now, bob));
    co_await two.Pass(absl::Milliseconds(500));
    bool taken = co_await two.Takes(1, exact);
    EXPECT_FALSE(taken) << "it was another's";
    LimitSubject ann({0, 7});
    ann.Set(llmgateway::config::v1::LIMIT_DIMENSION_USER, "ann");
    EXPECT_TRUE(other.ForgiveOne(rule, now, ann));
    co_await two.Pass(absl::Milliseconds(500));
    for (int i = 0; i < 4; ++i) {
      taken = co_await two.Takes(1, exact);
      EXPECT_TRUE(taken) << i;
    }
    taken = co_await two.Takes(1, exact);
    EXPECT_FALSE(taken);
  });
}

TEST_F(LeaseKeeperTest, WhatReplicasDoNotShareIsNotForgivenToThem) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    const std::string local =
        "name: 'own' unit: LIMIT_UNIT_REQUESTS limit: 4 window { seconds: "
        "3600 } sharing: SHARING_LOCAL";
    const std::string calls =
        "name: 'many' unit: LIMIT_UNIT_CONCURRENT_CALLS limit: 4 sharing: "
        "SHARING_EXACT";
    LimitSubject nobody({0, 7});
    for (const std::string& limit : {local, calls}) {
      EXPECT_FALSE(two.stores[0]->ForgiveOne(two.Rule(0, limit), 0, nobody));
    }
    co_return;
  });
}

TEST_F(LeaseKeeperTest, AtTheEndAllIsGivenBackThatIsLeased) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    const std::string calls =
        "name: 'many' unit: LIMIT_UNIT_CONCURRENT_CALLS limit: 40 sharing: "
        "SHARING_LEASED";
    {
      std::vector<SharedReplicas::LimitedCall> under_way;
      for (int i = 0; i < 50; ++i) {
        std::vector<std::string> both(1, kLimit);
        if (i < 20) both.push_back(calls);
        under_way.push_back(co_await two.Call(0, std::move(both)));
        EXPECT_TRUE(under_way.back().taken);
      }
      co_await two.Pass(absl::Milliseconds(500));
    }
    EXPECT_GT(LeaseOf(two).units, 0);
    co_await two.stores[0]->keeper().GiveBackAll(two.runner.loop());
    EXPECT_EQ(LeaseOf(two).units, 0);
    // The other has the rest, but for what is lost by rounding down.
    std::vector<SharedReplicas::LimitedCall> others;
    for (int i = 0; i < 40; ++i) {
      std::vector<std::string> both(1, calls);
      both.push_back(kLimit);
      others.push_back(co_await two.Call(1, std::move(both)));
      EXPECT_TRUE(others.back().taken) << i;
    }
    const auto status = others.front().charges->Fullest().requests;
    EXPECT_TRUE(status.has_value());
    EXPECT_GE(status->remaining, 3600 - 50 - 40 - 2);
  });
}

TEST_F(LeaseKeeperTest, WithoutRedisTheEndWaitsForNobody) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    RedisServer& server = *static_cast<RedisServer*>(two.test);
    const bool taken = co_await two.Takes(0, kLimit);
    EXPECT_TRUE(taken);
    server.Kill();
    co_await two.AwaitDown();
    const absl::Duration begun = two.runner.loop().Now();
    co_await two.stores[0]->keeper().GiveBackAll(two.runner.loop());
    EXPECT_LT(two.runner.loop().Now() - begun, LeaseKeeper::kEndTimeout / 2);
  });
}

TEST_F(LeaseKeeperTest, ARedisThatIsDownIsSaidWithoutACall) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    RedisServer& server = *static_cast<RedisServer*>(two.test);
    LeaseKeeper& keeper = two.stores[0]->keeper();
    server.Kill();
    co_await two.AwaitDown();
    EXPECT_EQ(keeper.Reachable(), nullptr);
    EXPECT_FALSE(keeper.state().away());
    keeper.Sweep(kNowNanos);
    EXPECT_TRUE(keeper.state().away());
  });
}

}  // namespace
}  // namespace gateway
