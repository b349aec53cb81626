#include "service/limits/shared_counter_store.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/service/limits/shared_replicas.h"
#include "tests/service/limits/taken.h"
#include "tests/service/limits/test_times.h"
#include "tests/testing/redis_server.h"

namespace gateway {
namespace {

using LimitedCall = SharedReplicas::LimitedCall;

constexpr char kExact[] =
    "name: 'rpm' unit: LIMIT_UNIT_REQUESTS limit: 20 sharing: SHARING_EXACT "
    "window { seconds: 3600 } per: LIMIT_DIMENSION_USER";
constexpr char kLeased[] =
    "name: 'leased' unit: LIMIT_UNIT_REQUESTS limit: 200 window { seconds: "
    "3600 } sharing: SHARING_LEASED per: LIMIT_DIMENSION_USER";
constexpr char kTokens[] =
    "name: 'tpm' unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000 window { seconds: "
    "3600 } sharing: SHARING_EXACT";
constexpr char kCalls[] =
    "name: 'calls' unit: LIMIT_UNIT_CONCURRENT_CALLS limit: 3 sharing: "
    "SHARING_EXACT";
constexpr char kLeasedCalls[] =
    "name: 'many' unit: LIMIT_UNIT_CONCURRENT_CALLS limit: 40 sharing: "
    "SHARING_LEASED";
constexpr char kEight[] =
    "name: 'eight' unit: LIMIT_UNIT_CONCURRENT_CALLS limit: 8 sharing: "
    "SHARING_EXACT";
constexpr char kEightLeased[] =
    "name: 'eight leased' unit: LIMIT_UNIT_CONCURRENT_CALLS limit: 8 sharing: "
    "SHARING_LEASED";

class SharedCounterStoreTest : public testing::Test {
 protected:
  SharedCounterStoreTest() : two_(server_.port()) { two_.test = &server_; }

  RedisServer server_;
  SharedReplicas two_;
};

Task<LimitedCall> CallOf(SharedReplicas& two, int replica, std::string limit,
                         int64_t input_tokens = 0) {
  std::vector<std::string> limits;
  limits.push_back(std::move(limit));
  LimitAmounts amounts;
  amounts.input_tokens = input_tokens;
  co_return co_await two.Call(replica, std::move(limits), amounts);
}

// Has so many calls begin at the replica, as far as they are let in.
Task<int> Begin(SharedReplicas& two, int replica, std::string limit, int calls,
                std::vector<LimitedCall>* under_way) {
  int taken = 0;
  for (int i = 0; i < calls; ++i) {
    LimitedCall call = co_await CallOf(two, replica, limit);
    if (!call.taken) continue;
    ++taken;
    under_way->push_back(std::move(call));
  }
  co_return taken;
}

// Until a call is let in at the replica, which may take as long as Redis was
// away, and if the other has leased the place, until it gives that back.
Task<void> AwaitBegun(SharedReplicas& two, int replica, std::string limit,
                      std::vector<LimitedCall>* under_way) {
  int taken = 0;
  for (int i = 0; i < 1000 && taken == 0; ++i) {
    taken = co_await Begin(two, replica, limit, 1, under_way);
    two.Sweep();
    co_await two.Pass(absl::Milliseconds(5));
  }
  EXPECT_EQ(taken, 1);
}

TEST_F(SharedCounterStoreTest, AnExactLimitIsOneForAllReplicas) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    const int taken = co_await two.TakeMany(40, kExact);
    EXPECT_EQ(taken, 20);
    const LimitedCall refused = co_await CallOf(two, 0, kExact);
    EXPECT_FALSE(refused.taken);
    // One comes back in three minutes.
    const auto status = refused.charges->Fullest().requests;
    EXPECT_TRUE(status.has_value());
    EXPECT_EQ(status->remaining, 0);
    EXPECT_GT(status->reset, absl::Minutes(59));
    EXPECT_LE(status->reset, absl::Minutes(60));
  });
}

TEST_F(SharedCounterStoreTest, ALeasedLimitIsKeptButForAPartOfEachReplica) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    const int64_t part =
        two.stores[0]->keeper().PartMax(two.Rule(0, kLeased).gcra());
    EXPECT_EQ(part, 10);
    const int taken = co_await two.TakeMany(400, kLeased);
    EXPECT_GE(taken, 200 - 2 * part);
    EXPECT_LE(taken, 200 + 2 * part);
  });
}

TEST_F(SharedCounterStoreTest, AFirstCallIsToldWhatTheOthersHaveTaken) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    for (int i = 0; i < 100; ++i) {
      const bool taken = co_await two.Takes(0, kLeased);
      EXPECT_TRUE(taken);
      co_await two.Pass(absl::Microseconds(300));
    }
    const LimitedCall first = co_await CallOf(two, 1, kLeased);
    EXPECT_TRUE(first.taken);
    // Redis has not answered yet.
    EXPECT_EQ(first.charges->Fullest().requests->remaining, 199);
    co_await two.Pass(absl::Milliseconds(500));
    EXPECT_GE(first.charges->Fullest().requests->remaining, 79);
    EXPECT_LE(first.charges->Fullest().requests->remaining, 99);
  });
}

TEST_F(SharedCounterStoreTest, ALeaseSparesMostCallsTheWay) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    const int taken = co_await two.TakeMany(150, kLeased);
    EXPECT_EQ(taken, 150);
    const int64_t asked = two.stores[0]->keeper().state().asked() +
                          two.stores[1]->keeper().state().asked();
    EXPECT_LT(asked, 75);
  });
}

TEST_F(SharedCounterStoreTest, ARuleThatBecomesExactGivesUpWhatItHadLeased) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    int taken = co_await two.TakeMany(60, kLeased);
    EXPECT_EQ(taken, 60);
    std::string exact = kLeased;
    exact.replace(exact.find("SHARING_LEASED"), 14, "SHARING_EXACT");
    taken = co_await two.TakeMany(2, exact);
    EXPECT_EQ(taken, 2);
    co_await two.Pass(absl::Milliseconds(500));
    taken = co_await two.TakeMany(300, exact);
    EXPECT_EQ(taken, 200 - 62);
  });
}

TEST_F(SharedCounterStoreTest, WhatIsLeasedAndNotUsedIsGivenBack) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    const int taken = co_await two.TakeMany(60, kLeased);
    EXPECT_EQ(taken, 60);
    co_await two.Pass(absl::Milliseconds(500));
    for (const int replica : {0, 1}) {
      two.Age(replica, kLeased, 2 * LeaseKeeper::kIdle);
    }
    co_await two.Pass(absl::Milliseconds(500));
    // Whoever asks now sees what was used alone.
    const LimitedCall call = co_await CallOf(two, 0, kLeased);
    EXPECT_TRUE(call.taken);
    const auto status = call.charges->Fullest().requests;
    // But for what is lost by rounding down.
    EXPECT_GE(status->remaining, 200 - 65);
  });
}

TEST_F(SharedCounterStoreTest, WhereOneRefusesNothingIsTakenOfTheOthers) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    std::vector<std::string> both(1, kTokens);
    both.push_back(kExact);
    LimitAmounts most;
    most.input_tokens = 900;
    const LimitedCall first = co_await two.Call(0, both, most);
    EXPECT_TRUE(first.taken);
    for (int i = 0; i < 5; ++i) {
      const LimitedCall refused = co_await two.Call(1, both, most);
      EXPECT_FALSE(refused.taken);
    }
    const int taken = co_await two.TakeMany(40, kExact);
    EXPECT_EQ(taken, 19);
  });
}

TEST_F(SharedCounterStoreTest, WhatWasEstimatedIsCorrectedForAll) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    const LimitedCall first = co_await CallOf(two, 0, kTokens, 900);
    EXPECT_TRUE(first.taken);
    LimitedCall refused = co_await CallOf(two, 1, kTokens, 500);
    EXPECT_FALSE(refused.taken);
    LimitAmounts real;
    real.input_tokens = 100;
    first.charges->Settle(real, two.runner.loop().Now());
    co_await two.Pass(absl::Milliseconds(500));
    LimitedCall second = co_await CallOf(two, 1, kTokens, 500);
    EXPECT_TRUE(second.taken);
    // It was far more: a debt, for whoever comes.
    real.input_tokens = 2000;
    second.charges->Settle(real, two.runner.loop().Now());
    co_await two.Pass(absl::Milliseconds(500));
    const LimitedCall third = co_await CallOf(two, 0, kTokens, 1);
    EXPECT_FALSE(third.taken);
  });
}

TEST_F(SharedCounterStoreTest, CallsAtOnceAreCountedOverAllReplicas) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    const LimitedCall one = co_await CallOf(two, 0, kCalls);
    const LimitedCall other = co_await CallOf(two, 0, kCalls);
    const LimitedCall third = co_await CallOf(two, 1, kCalls);
    EXPECT_TRUE(one.taken && other.taken && third.taken);
    const LimitedCall fourth = co_await CallOf(two, 1, kCalls);
    EXPECT_FALSE(fourth.taken);
    one.charges->Leave();
    co_await two.Pass(absl::Milliseconds(500));
    const LimitedCall again = co_await CallOf(two, 1, kCalls);
    EXPECT_TRUE(again.taken);
  });
}

TEST_F(SharedCounterStoreTest, PlacesInAdvanceAreNeverTooMany) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    std::vector<LimitedCall> calls;
    int taken = 0;
    for (int i = 0; i < 60; ++i) {
      LimitedCall call = co_await CallOf(two, i % 2, kLeasedCalls);
      taken += call.taken ? 1 : 0;
      calls.push_back(std::move(call));
    }
    EXPECT_LE(taken, 40);
    EXPECT_GE(taken, 40 - 2 * 2);
    calls.clear();
    for (const int replica : {0, 1}) {
      two.Age(replica, kLeasedCalls, 2 * LeaseKeeper::kIdle);
    }
    co_await two.Pass(absl::Milliseconds(500));
    for (int i = 0; i < 40; ++i) {
      LimitedCall call = co_await CallOf(two, 0, kLeasedCalls);
      EXPECT_TRUE(call.taken) << i;
      calls.push_back(std::move(call));
    }
  });
}

TEST_F(SharedCounterStoreTest, PlacesInAdvanceThatNobodyNeedsAreForTheOthers) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    std::vector<LimitedCall> first;
    std::vector<LimitedCall> second;
    int taken = co_await Begin(two, 0, kEightLeased, 8, &first);
    EXPECT_EQ(taken, 8);
    while (first.size() > 3) first.pop_back();
    co_await two.Pass(absl::Milliseconds(500));
    taken = co_await Begin(two, 1, kEightLeased, 8, &second);
    EXPECT_EQ(taken, 4) << "one is in advance";
    two.Age(0, kEightLeased, 2 * LeaseKeeper::kIdle);
    two.Sweep();
    co_await two.Pass(absl::Milliseconds(500));
    taken = co_await Begin(two, 1, kEightLeased, 8, &second);
    EXPECT_EQ(taken, 1);
  });
}

TEST_F(SharedCounterStoreTest, CallsOfAReplicaThatHasGoneCountNoMore) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    RedisServer& server = *static_cast<RedisServer*>(two.test);
    const LimitedCall one = co_await CallOf(two, 0, kCalls);
    EXPECT_TRUE(one.taken);
    const std::string key = server.Ask({"KEYS", "llmgw:limit:*"});
    // Two that have been gone since long, and one that is there.
    server.Ask({"HSET", key, "gone-1", "7:2:1000", "gone-2", "9:3:2000"});
    server.Ask({"HSET", key, "here", "7:1:99999999999999"});
    const LimitedCall two_of = co_await CallOf(two, 1, kCalls);
    EXPECT_TRUE(two_of.taken);
    const LimitedCall three = co_await CallOf(two, 1, kCalls);
    EXPECT_FALSE(three.taken);
    EXPECT_EQ(server.Ask({"HEXISTS", key, "gone-1"}), "0");
  });
}

TEST_F(SharedCounterStoreTest, WithoutRedisEachReplicaHasItsShare) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    RedisServer& server = *static_cast<RedisServer*>(two.test);
    server.Kill();
    co_await two.AwaitDown();
    int first = 0;
    int second = 0;
    for (int i = 0; i < 20; ++i) {
      const bool one = co_await two.Takes(0, kExact);
      const bool other = co_await two.Takes(1, kExact);
      first += one ? 1 : 0;
      second += other ? 1 : 0;
    }
    EXPECT_EQ(first, 10);
    EXPECT_EQ(second, 10);
  });
}

TEST_F(SharedCounterStoreTest, TheShareGoesOnFromWhatAllHadTaken) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    RedisServer& server = *static_cast<RedisServer*>(two.test);
    const int before = co_await two.TakeMany(10, kExact);
    EXPECT_EQ(before, 10);
    server.Kill();
    co_await two.AwaitDown();
    // Half is left, and half of that for each.
    const int away = co_await two.TakeMany(40, kExact);
    EXPECT_GE(away, 8);
    EXPECT_LE(away, 10);
    // It comes back without what it had, and there is no burst.
    server.Restart();
    co_await two.AwaitUp();
    two.Sweep();
    co_await two.Pass(absl::Milliseconds(500));
    const int again = co_await two.TakeMany(40, kExact);
    EXPECT_LE(again, 20 - before - away + 1);
  });
}

TEST_F(SharedCounterStoreTest, ACounterThatRedisHasLostBeginsFromWhatIsKnown) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    RedisServer& server = *static_cast<RedisServer*>(two.test);
    for (const char* limit : {kExact, kLeased}) {
      const int taken = co_await two.TakeMany(1000, limit);
      EXPECT_GE(taken, 20);
      server.Ask({"FLUSHALL"});
      const int again = co_await two.TakeMany(40, limit);
      EXPECT_EQ(again, 0) << limit;
    }
  });
}

TEST_F(SharedCounterStoreTest, OneReplicaMayHaveAllCallsAtOnce) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    for (const char* limit : {kEight, kEightLeased}) {
      std::vector<LimitedCall> calls;
      int taken = co_await Begin(two, 0, limit, 10, &calls);
      EXPECT_EQ(taken, 8);
      taken = co_await Begin(two, 1, limit, 2, &calls);
      EXPECT_EQ(taken, 0);
      EXPECT_EQ(two.stores[0]->keeper().state().shares(), 0);
    }
  });
}

TEST_F(SharedCounterStoreTest, CallsUnderWayCountAgainstTheShare) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    RedisServer& server = *static_cast<RedisServer*>(two.test);
    for (const char* limit : {kEight, kEightLeased}) {
      std::vector<LimitedCall> first;
      std::vector<LimitedCall> second;
      int taken = co_await Begin(two, 0, limit, 6, &first);
      EXPECT_EQ(taken, 6);
      taken = co_await Begin(two, 1, limit, 2, &second);
      EXPECT_EQ(taken, 2);
      server.Kill();
      co_await two.AwaitDown();
      taken = co_await Begin(two, 0, limit, 3, &first);
      EXPECT_EQ(taken, 0) << limit;
      // Also of the places that it had.
      first.pop_back();
      taken = co_await Begin(two, 0, limit, 3, &first);
      EXPECT_EQ(taken, 0) << limit;
      taken = co_await Begin(two, 1, limit, 5, &second);
      EXPECT_EQ(taken, 2) << limit;
      // Nine are under way when it comes back, without what it knew.
      server.Restart();
      co_await two.AwaitUp();
      for (const int replica : {0, 1}) {
        taken = co_await Begin(two, replica, limit, 4, &first);
        EXPECT_EQ(taken, 0) << limit;
      }
      // One takes the place of two, and none the place of one.
      first.pop_back();
      taken = co_await Begin(two, 0, limit, 1, &first);
      EXPECT_EQ(taken, 0) << limit;
      first.pop_back();
      co_await AwaitBegun(two, 1, limit, &second);
      EXPECT_EQ(first.size() + second.size(), 8) << limit;
      for (const int replica : {0, 1}) {
        taken = co_await Begin(two, replica, limit, 4, &first);
        EXPECT_EQ(taken, 0) << limit;
      }
      first.clear();
      second.clear();
      co_await two.Pass(absl::Milliseconds(500));
    }
  });
}

// Until all replicas have had the time to tell what they have.
Task<void> AwaitSettled(SharedReplicas& two) {
  for (const auto& store : two.stores) {
    const SharingState& state = store->keeper().state();
    while (
        !state.IsSettled(absl::ToInt64Nanoseconds(two.runner.loop().Now()))) {
      co_await two.Pass(absl::Milliseconds(5));
    }
  }
}

TEST_F(SharedCounterStoreTest, PlacesToldBeforeTheOthersHadToldTheirsAreAsked) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    RedisServer& server = *static_cast<RedisServer*>(two.test);
    std::vector<LimitedCall> first;
    std::vector<LimitedCall> second;
    int taken = co_await Begin(two, 0, kEightLeased, 6, &first);
    EXPECT_EQ(taken, 6);
    taken = co_await Begin(two, 1, kEightLeased, 2, &second);
    EXPECT_EQ(taken, 2);
    server.Kill();
    co_await two.AwaitDown();
    two.Sweep();
    taken = co_await Begin(two, 1, kEightLeased, 2, &second);
    EXPECT_EQ(taken, 2);
    co_await two.Pass(SharingState::kMayForget);
    server.Restart();
    co_await two.AwaitUp();
    // The first has told its six, and knows nothing of the other's four.
    const int64_t now = absl::ToInt64Nanoseconds(two.runner.loop().Now());
    two.stores[0]->keeper().Sweep(now);
    co_await two.Pass(absl::Milliseconds(50));
    two.stores[1]->keeper().Sweep(now);
    co_await AwaitSettled(two);
    // Of which two end: eight are under way.
    first.pop_back();
    first.pop_back();
    taken = co_await Begin(two, 0, kEightLeased, 4, &first);
    EXPECT_EQ(taken, 0);
  });
}

TEST_F(SharedCounterStoreTest, ARedisThatHasForgottenIsToldOfCallsUnderWay) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    RedisServer& server = *static_cast<RedisServer*>(two.test);
    std::vector<LimitedCall> first;
    std::vector<LimitedCall> second;
    int taken = co_await Begin(two, 0, kEight, 6, &first);
    EXPECT_EQ(taken, 6);
    server.Kill();
    co_await two.AwaitDown();
    two.Sweep();
    co_await two.Pass(SharingState::kMayForget);
    server.Restart();
    co_await two.AwaitUp();
    // No call has come to the first meanwhile.
    two.Sweep();
    co_await two.Pass(absl::Milliseconds(500));
    taken = co_await Begin(two, 1, kEight, 8, &second);
    EXPECT_EQ(taken, 2);
  });
}

// As Spawn has it.
Task<void> Keep(SharedReplicas& two, std::string limit, LimitedCall* call) {
  *call = co_await CallOf(two, 0, std::move(limit));
}

TEST_F(SharedCounterStoreTest, WhatIsRepeatedHasTheCallThatIsBeingAskedFor) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    const LimitedCall one = co_await CallOf(two, 0, kCalls);
    EXPECT_TRUE(one.taken);
    LimitedCall other;
    Spawn(Keep(two, kCalls, &other));
    EXPECT_FALSE(other.taken) << "Redis has not answered yet";
    LimitSubject subject({0, 7});
    two.stores[0]->keeper().Find(
        two.Rule(0, kCalls).KeyOf(subject),
        absl::ToInt64Nanoseconds(two.runner.loop().Now()),
        [](Lease& lease) { lease.claim_time -= 60 * kSecond; });
    co_await two.Pass(absl::Milliseconds(500));
    EXPECT_TRUE(other.taken);
    std::vector<LimitedCall> more;
    const int taken = co_await Begin(two, 1, kCalls, 3, &more);
    EXPECT_EQ(taken, 1);
  });
}

TEST_F(SharedCounterStoreTest, SubjectsAreToldApartByTheSameNames) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    std::vector<std::string> limits(1, kExact);
    for (int i = 0; i < 40; ++i) {
      const LimitedCall call = co_await two.Call(i % 2, limits, {}, "bob");
      EXPECT_EQ(call.taken, i < 20) << i;
    }
    const bool ann = co_await two.Takes(0, kExact);
    EXPECT_TRUE(ann);
  });
}

TEST(SharedCounterStoreInAClusterTest, SlotsAreAskedSideBySideAndAllOrNone) {
  RedisServer::Options cluster;
  cluster.cluster = true;
  RedisServer server(cluster);
  server.Ask({"CLUSTER", "ADDSLOTSRANGE", "0", "16383"});
  server.AskUntil({"CLUSTER", "INFO"}, "cluster_state:ok");
  SharedReplicas two(server.port(), RedisOptions::Topology::kCluster);
  two.Run([](SharedReplicas& two) -> Task<void> {
    std::vector<std::string> both(1, kTokens);
    both.push_back(kExact);
    LimitAmounts most;
    most.input_tokens = 900;
    const LimitedCall first = co_await two.Call(0, both, most);
    EXPECT_TRUE(first.taken);
    for (int i = 0; i < 5; ++i) {
      const LimitedCall refused = co_await two.Call(i % 2, both, most);
      EXPECT_FALSE(refused.taken);
    }
    // What was taken of the one that had room has been given back.
    co_await two.Pass(absl::Milliseconds(500));
    const int taken = co_await two.TakeMany(40, kExact);
    EXPECT_GE(taken, 18);
    EXPECT_LE(taken, 19);
    EXPECT_EQ(two.stores[0]->keeper().state().shares(), 0);
  });
}

TEST(SharedCounterStoreWithoutRedisTest, AProcessHasItsShare) {
  SharedCounterStore store({.replicas = 4}, nullptr);
  LocalCounterStore local;
  const LimitRule rule(Limit("name: 'rpm' unit: LIMIT_UNIT_REQUESTS limit: 20"),
                       kTestSecret);
  int taken = 0;
  for (int i = 0; i < 20; ++i) {
    LimitSubject subject(kTestSecret);
    LimitCharges charges(CounterStores{.local = &local, .shared = &store});
    charges.Ask(rule, subject, {});
    taken += TakenAtOnce(charges, kNow) ? 1 : 0;
  }
  EXPECT_EQ(taken, 5);
  EXPECT_EQ(rule.counters().refused.load(), 15);
}

}  // namespace
}  // namespace gateway
