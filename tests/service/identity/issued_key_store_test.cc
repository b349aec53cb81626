#include "service/identity/issued_key_store.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "proto/proto_time.h"
#include "service/store/memory_record_store.h"
#include "tests/service/identity/issued_records.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/simulated_time.h"

namespace gateway {
namespace {

using Key = ::llmgateway::v1::Key;

// Two gateways with one store, on one loop whose time is simulated.
class IssuedKeyStoreTest : public testing::Test {
 protected:
  struct Gateway {
    explicit Gateway(RecordStore& records, Clock& clock)
        : registry(clock), keys(records, registry) {}
    KeyRegistry registry;
    IssuedKeyStore keys;
  };

  void TearDown() override {
    runner_.loop().Post([this] { there_.keys.StopOnLoop(); });
    Pass(absl::Milliseconds(1));
  }

  absl::StatusOr<StoredKey> Put(Gateway& gateway, const IssuedForTest& key,
                                int64_t expected) {
    IssuedForTest now = key;
    *now.record.mutable_key()->mutable_update_time() =
        ToProto(time_.WallTime());
    return runner_.Run(gateway.keys.Put(now.record, expected, never_));
  }
  static bool Opens(const Gateway& gateway, const IssuedForTest& key) {
    return gateway.registry.Find(key.shown()).ok();
  }
  void Pass(absl::Duration duration) {
    ASSERT_TRUE(runner_.Run(Sleep(runner_.loop(), duration, never_)).ok());
  }
  void FollowThere() {
    runner_.loop().Post([this] { Spawn(there_.keys.Follow(runner_.loop())); });
  }
  absl::Status Load(Gateway& gateway) {
    return runner_.Run(gateway.keys.Load(never_));
  }

  SimulatedTime time_;
  LoopRunner runner_{time_};
  CancelSignal never_;
  MemoryRecordStore records_{{}, time_};
  FakeRandom random_{7};
  Gateway here_{records_, time_};
  Gateway there_{records_, time_};
  IssuedForTest key_ = IssueForTest(random_);
};

TEST_F(IssuedKeyStoreTest, AChangeIsInForceWhenItIsKept) {
  ASSERT_TRUE(Put(here_, key_, 0).ok());
  EXPECT_TRUE(Opens(here_, key_));
  key_.record.mutable_key()->set_state(Key::STATE_DISABLED);
  EXPECT_EQ(Put(here_, key_, 1)->version, 2);
  EXPECT_FALSE(Opens(here_, key_));
  const auto kept = runner_.Run(here_.keys.Get(key_.id(), never_));
  ASSERT_TRUE(kept.ok());
  ASSERT_TRUE(kept->has_value());
  EXPECT_EQ((*kept)->record.key().state(), Key::STATE_DISABLED);
  EXPECT_EQ((*kept)->version, 2);
  EXPECT_FALSE(runner_.Run(here_.keys.Get("none", never_))->has_value());
}

TEST_F(IssuedKeyStoreTest, OfTwoWhoChangeAKeyOneIsRefused) {
  ASSERT_TRUE(Put(here_, key_, 0).ok());
  EXPECT_TRUE(absl::IsAborted(Put(there_, key_, 0).status()));
  ASSERT_TRUE(Put(there_, key_, 1).ok());
  EXPECT_TRUE(absl::IsAborted(Put(here_, key_, 1).status()));
}

TEST_F(IssuedKeyStoreTest, WhatIsKeptIsKnownAtTheStart) {
  std::vector<IssuedForTest> keys;
  for (int i = 0; i < kRecordPageMax + 10; ++i) {
    keys.push_back(IssueForTest(random_));
    ASSERT_TRUE(Put(here_, keys.back(), 0).ok());
  }
  ASSERT_TRUE(Load(there_).ok());
  EXPECT_EQ(there_.registry.size(), keys.size());
  for (const IssuedForTest& each : keys) EXPECT_TRUE(Opens(there_, each));
}

TEST_F(IssuedKeyStoreTest, OthersKnowOfAChangeWithinASecond) {
  ASSERT_TRUE(Load(there_).ok());
  FollowThere();
  ASSERT_TRUE(Put(here_, key_, 0).ok());
  EXPECT_FALSE(Opens(there_, key_));
  Pass(IssuedKeyStore::kFollowInterval + absl::Milliseconds(10));
  EXPECT_TRUE(Opens(there_, key_));
  key_.record.mutable_key()->set_state(Key::STATE_REVOKED);
  ASSERT_TRUE(Put(here_, key_, 1).ok());
  Pass(IssuedKeyStore::kFollowInterval + absl::Milliseconds(10));
  EXPECT_EQ(FaultReason(there_.registry.Find(key_.shown()).status()),
            v1::ERROR_REASON_API_KEY_DISABLED);
  // A record that is gone, as by hand, opens nothing.
  ASSERT_TRUE(*runner_.Run(
      records_.Delete(IssuedKeyStore::kCollection, key_.id(), {}, never_)));
  Pass(IssuedKeyStore::kFollowInterval + absl::Milliseconds(10));
  EXPECT_EQ(FaultReason(there_.registry.Find(key_.shown()).status()),
            v1::ERROR_REASON_API_KEY_INVALID);
}

TEST_F(IssuedKeyStoreTest, WhoHasMissedTooMuchBeginsAnew) {
  ASSERT_TRUE(Put(here_, key_, 0).ok());
  const IssuedForTest gone = IssueForTest(random_);
  ASSERT_TRUE(Put(here_, gone, 0).ok());
  ASSERT_TRUE(Load(there_).ok());
  ASSERT_TRUE(*runner_.Run(
      records_.Delete(IssuedKeyStore::kCollection, gone.id(), {}, never_)));
  key_.record.mutable_key()->set_state(Key::STATE_DISABLED);
  int64_t version = 1;
  for (int64_t i = 0; i < kRecordChangesKept + 10; ++i) {
    version = Put(here_, key_, version)->version;
  }
  FollowThere();
  Pass(IssuedKeyStore::kFollowInterval + absl::Milliseconds(10));
  EXPECT_EQ(FaultReason(there_.registry.Find(key_.shown()).status()),
            v1::ERROR_REASON_API_KEY_DISABLED);
  EXPECT_EQ(there_.registry.CallerOf(gone.id()), nullptr);
}

TEST_F(IssuedKeyStoreTest, ARevokedKeyIsKeptForAWhileAndThenGone) {
  ASSERT_TRUE(Put(here_, key_, 0).ok());
  key_.record.mutable_key()->set_state(Key::STATE_REVOKED);
  ASSERT_TRUE(Put(here_, key_, 1).ok());
  Pass(IssuedKeyStore::kRevokedKeptFor - absl::Seconds(1));
  EXPECT_TRUE(runner_.Run(here_.keys.Get(key_.id(), never_))->has_value());
  Pass(absl::Seconds(2));
  EXPECT_FALSE(runner_.Run(here_.keys.Get(key_.id(), never_))->has_value());
}

TEST_F(IssuedKeyStoreTest, AKeyThatCannotBeReadOpensNothingAndHidesNoOther) {
  const IssuedForTest other = IssueForTest(random_);
  ASSERT_TRUE(Put(here_, key_, 0).ok());
  ASSERT_TRUE(Put(here_, other, 0).ok());
  ASSERT_TRUE(Load(there_).ok());
  FollowThere();
  ASSERT_TRUE(runner_
                  .Run(records_.Put(IssuedKeyStore::kCollection, key_.id(),
                                    "\xff\xff", {}, never_))
                  .ok());
  Pass(IssuedKeyStore::kFollowInterval + absl::Milliseconds(10));
  EXPECT_FALSE(Opens(there_, key_));
  EXPECT_TRUE(Opens(there_, other));
  EXPECT_TRUE(absl::IsDataLoss(
      runner_.Run(here_.keys.Get(key_.id(), never_)).status()));
  const auto page = runner_.Run(here_.keys.List("", 10, never_));
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->keys.size(), 1u);
  EXPECT_EQ(page->keys[0].record.key().id(), other.id());
}

TEST_F(IssuedKeyStoreTest, ListsPageByPage) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    const IssuedForTest each = IssueForTest(random_);
    ids.push_back(each.id());
    ASSERT_TRUE(Put(here_, each, 0).ok());
  }
  std::sort(ids.begin(), ids.end());
  std::vector<std::string> listed;
  std::string after;
  bool more = true;
  while (more) {
    const auto page = runner_.Run(here_.keys.List(after, 2, never_));
    ASSERT_TRUE(page.ok());
    for (const StoredKey& key : page->keys) {
      listed.push_back(key.record.key().id());
    }
    after = page->last;
    more = page->more;
  }
  EXPECT_EQ(listed, ids);
}

TEST(IssuedKeyStoreEndTest, StopEndsWhoFollows) {
  MemoryRecordStore records({}, SystemClock());
  KeyRegistry registry(SystemClock());
  IssuedKeyStore keys(records, registry);
  LoopThread thread;
  thread.loop().Post([&] { Spawn(keys.Follow(thread.loop())); });
  keys.Stop(thread.loop());
}

}  // namespace
}  // namespace gateway
