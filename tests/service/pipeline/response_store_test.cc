#include "service/pipeline/response_store.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/store/memory_record_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

// A store of three answers of a thousand bytes for ten seconds.
class ResponseStoreTest : public testing::Test {
 protected:
  static StoredResponse Answer(const std::string& id, size_t size = 100) {
    v1::GenerateRequest before;
    before.add_messages()->add_parts()->set_text(std::string(size, 'x'));
    v1::GenerateResponse response;
    response.set_id(id);
    return {.before = before.SerializeAsString(),
            .response = response.SerializeAsString()};
  }
  void Put(const std::string& id, size_t size = 100) {
    store_.Put("alice", id, Answer(id, size));
  }
  bool Has(const std::string& id) {
    return store_.Find("alice", id) != nullptr;
  }

  FakeClock clock_;
  ResponseStore store_{
      {.ttl = absl::Seconds(10), .entries = 3, .size_bytes = 1000}, clock_};
};

TEST_F(ResponseStoreTest, RemembersWhatWasPut) {
  Put("a");
  const ResponseStore::Entry kept = store_.Find("alice", "a");
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(kept->Response().id(), "a");
  EXPECT_EQ(kept->Before().size(), 1);
  EXPECT_FALSE(Has("b"));
}

TEST_F(ResponseStoreTest, ACallerSeesOnlyItsOwn) {
  Put("a");
  EXPECT_EQ(store_.Find("bob", "a"), nullptr);
  EXPECT_FALSE(store_.Remove("bob", "a"));
  EXPECT_TRUE(Has("a"));
}

TEST_F(ResponseStoreTest, ForgetsWhenTheTimeIsOver) {
  Put("a");
  clock_.Advance(absl::Seconds(10) - absl::Nanoseconds(1));
  EXPECT_TRUE(Has("a"));
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_FALSE(Has("a"));
  EXPECT_EQ(store_.size_bytes(), 0);
}

TEST_F(ResponseStoreTest, TheOldestMakesRoomForOneMore) {
  for (const char* id : {"a", "b", "c"}) Put(id);
  EXPECT_TRUE(Has("a"));
  Put("d");
  EXPECT_FALSE(Has("a"));
  EXPECT_TRUE(Has("b"));
  EXPECT_TRUE(Has("d"));
}

TEST_F(ResponseStoreTest, TheOldestMakeRoomForALargeOne) {
  Put("a");
  Put("b");
  Put("c", 850);
  EXPECT_FALSE(Has("a"));
  EXPECT_TRUE(Has("c"));
  EXPECT_LE(store_.size_bytes(), 1000);
}

TEST_F(ResponseStoreTest, WhoKeepsMuchDrivesOutHisOwn) {
  store_.Put("bob", "of-bob", Answer("of-bob"));
  for (const char* id : {"a", "b", "c", "d", "e"}) Put(id);
  EXPECT_NE(store_.Find("bob", "of-bob"), nullptr);
  EXPECT_FALSE(Has("c"));
  EXPECT_TRUE(Has("d"));
  EXPECT_TRUE(Has("e"));
  // Bytes are counted as numbers are.
  Put("large", 600);
  Put("larger", 700);
  EXPECT_NE(store_.Find("bob", "of-bob"), nullptr);
  EXPECT_FALSE(Has("large"));
  EXPECT_TRUE(Has("larger"));
}

TEST_F(ResponseStoreTest, OneThatOnlyFitsInPlaceOfOthersIsNotKept) {
  Put("a", 300);
  const auto unkept = store_.Put("bob", "huge", Answer("huge", 900));
  EXPECT_TRUE(unkept.has_value() && unkept->is_too_large);
  EXPECT_EQ(store_.stats().evicted, 0);
  EXPECT_EQ(store_.Find("bob", "huge"), nullptr);
  EXPECT_EQ(store_.unkept(ResponseStore::Unkept::kTooLarge), 1);
  EXPECT_TRUE(Has("a"));
  clock_.Advance(absl::Seconds(10));
  store_.Put("bob", "huge", Answer("huge", 900));
  EXPECT_NE(store_.Find("bob", "huge"), nullptr);
}

TEST_F(ResponseStoreTest, WhatIsTooLargeIsNotKept) {
  Put("a");
  const auto unkept = store_.Put("alice", "huge", Answer("huge", 1001));
  EXPECT_TRUE(unkept.has_value() && unkept->is_too_large);
  EXPECT_FALSE(Has("huge"));
  EXPECT_TRUE(Has("a"));
}

TEST_F(ResponseStoreTest, TheSameIdIsReplaced) {
  Put("a", 100);
  const int64_t once = store_.size_bytes();
  Put("a", 100);
  EXPECT_EQ(store_.size_bytes(), once);
}

TEST_F(ResponseStoreTest, WhatIsRemovedIsGone) {
  Put("a");
  const ResponseStore::Entry held = store_.Find("alice", "a");
  EXPECT_TRUE(store_.Remove("alice", "a"));
  EXPECT_FALSE(store_.Remove("alice", "a"));
  EXPECT_FALSE(Has("a"));
  EXPECT_EQ(store_.size_bytes(), 0);
  EXPECT_EQ(held->Response().id(), "a");  // Who holds it still does.
}

TEST_F(ResponseStoreTest, AStoreWithoutPlacesKeepsNothing) {
  ResponseStore none({.ttl = absl::Hours(1), .entries = 0, .size_bytes = 9999},
                     clock_);
  EXPECT_FALSE(none.enabled());
  EXPECT_TRUE(store_.enabled());
  EXPECT_FALSE(none.Put("alice", "a", Answer("a")).has_value());
  EXPECT_EQ(none.Find("alice", "a"), nullptr);
}

TEST_F(ResponseStoreTest, ItsLimitsAreTheConfigurations) {
  llmgateway::config::v1::ResponseStoreConfig config;
  config.mutable_ttl()->set_seconds(60);
  config.set_entries_limit(7);
  config.set_size_bytes_limit(8);
  const ResponseStore::Limits limits = ResponseStore::LimitsOf(config);
  EXPECT_EQ(limits.ttl, absl::Minutes(1));
  EXPECT_EQ(limits.entries, 7u);
  EXPECT_EQ(limits.size_bytes, 8);
}

// Records that are away when the test says so.
class AwayRecords final : public MemoryRecordStore {
 public:
  using MemoryRecordStore::MemoryRecordStore;

  Task<absl::StatusOr<std::optional<Record>>> Get(
      std::string_view collection, std::string_view key,
      CancelSignal& cancel) override {
    if (away) co_return absl::UnavailableError("away");
    co_return co_await MemoryRecordStore::Get(collection, key, cancel);
  }
  Task<absl::StatusOr<int64_t>> Put(std::string_view collection,
                                    std::string_view key, std::string value,
                                    PutOptions options,
                                    CancelSignal& cancel) override {
    if (away) co_return absl::UnavailableError("away");
    co_return co_await MemoryRecordStore::Put(collection, key, std::move(value),
                                              options, cancel);
  }
  Task<absl::StatusOr<bool>> Delete(std::string_view collection,
                                    std::string_view key, DeleteOptions options,
                                    CancelSignal& cancel) override {
    if (away) co_return absl::UnavailableError("away");
    co_return co_await MemoryRecordStore::Delete(collection, key, options,
                                                 cancel);
  }

  bool away = false;
};

// The same store, whose answers are in records, which another process shares.
class DurableResponsesTest : public testing::Test {
 protected:
  static StoredResponse Answer(const std::string& id, size_t size = 100) {
    return {.before = std::string(size, 'x'), .response = id};
  }
  absl::Status Keep(ResponseStore& store, const std::string& id,
                    size_t size = 100) {
    std::optional<UnkeptResponse> unkept =
        store.Put("alice", id, Answer(id, size));
    if (!unkept.has_value()) return absl::OkStatus();
    return runner_.Run(store.Keep(*std::move(unkept), never_));
  }
  absl::StatusOr<ResponseStore::Entry> Look(ResponseStore& store,
                                            const std::string& id,
                                            std::string_view caller = "alice") {
    return runner_.Run(store.Look(caller, id, never_));
  }
  bool Has(ResponseStore& store, const std::string& id) {
    const absl::StatusOr<ResponseStore::Entry> found = Look(store, id);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() && *found != nullptr;
  }
  absl::StatusOr<bool> Forget(ResponseStore& store, const std::string& id) {
    return runner_.Run(store.Forget("alice", id, never_));
  }

  FakeClock clock_;
  LoopRunner runner_;
  CancelSignal never_;
  AwayRecords records_{{}, clock_};
  ResponseRecords responses_{records_};
  ResponseStore store_{
      {.ttl = absl::Seconds(10), .entries = 3, .size_bytes = int64_t{4} << 20},
      clock_,
      &responses_};
  ResponseStore other_{
      {.ttl = absl::Seconds(10), .entries = 3, .size_bytes = int64_t{4} << 20},
      clock_,
      &responses_};
};

TEST_F(DurableResponsesTest, WhatOneHasKeptTheOtherFindsAndForgets) {
  ASSERT_TRUE(Keep(store_, "a").ok());
  EXPECT_EQ(store_.Find("alice", "a"), nullptr) << "it is in no memory";
  EXPECT_TRUE(Has(store_, "a"));
  const absl::StatusOr<ResponseStore::Entry> found = Look(other_, "a");
  ASSERT_TRUE(found.ok() && *found != nullptr);
  EXPECT_EQ((*found)->response, "a");
  EXPECT_EQ(*Look(other_, "a", "bob"), nullptr);
  EXPECT_EQ(*Forget(other_, "a"), true);
  EXPECT_FALSE(Has(store_, "a"));
  EXPECT_EQ(*Forget(store_, "a"), false);
}

TEST_F(DurableResponsesTest, TheOldestThatAProcessHasKeptGoFirst) {
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(Keep(store_, id).ok());
  ASSERT_TRUE(Keep(other_, "theirs").ok());
  // Again, it is the youngest.
  ASSERT_TRUE(Keep(store_, "a").ok());
  ASSERT_TRUE(Keep(store_, "d").ok());
  EXPECT_FALSE(Has(store_, "b"));
  for (const char* id : {"a", "c", "d", "theirs"}) {
    EXPECT_TRUE(Has(store_, id)) << id;
  }
  clock_.Advance(absl::Seconds(10));
  EXPECT_FALSE(Has(store_, "a"));
}

TEST_F(DurableResponsesTest, WhoKeepsMuchDrivesOutHisOwnRecords) {
  std::optional<UnkeptResponse> of_bob =
      store_.Put("bob", "of-bob", Answer("of-bob"));
  ASSERT_TRUE(of_bob.has_value());
  ASSERT_TRUE(runner_.Run(store_.Keep(*std::move(of_bob), never_)).ok());
  for (const char* id : {"a", "b", "c", "d"})
    ASSERT_TRUE(Keep(store_, id).ok());
  EXPECT_NE(*Look(store_, "of-bob", "bob"), nullptr);
  EXPECT_FALSE(Has(other_, "a"));
  EXPECT_FALSE(Has(other_, "b"));
  EXPECT_TRUE(Has(other_, "c"));
  EXPECT_TRUE(Has(other_, "d"));
}

TEST_F(DurableResponsesTest, WhatIsTooLargeForARecordIsKeptInMemory) {
  ASSERT_TRUE(Keep(store_, "large", size_t{2} << 20).ok());
  EXPECT_TRUE(Has(store_, "large"));
  EXPECT_FALSE(Has(other_, "large"));
  EXPECT_EQ(store_.unkept(ResponseStore::Unkept::kRecordTooLarge), 1);
  // Whether the records are there or not.
  records_.away = true;
  EXPECT_TRUE(Has(store_, "large"));
  EXPECT_EQ(*Forget(store_, "large"), true);
  records_.away = false;
  EXPECT_FALSE(Has(store_, "large"));
  EXPECT_FALSE(Keep(store_, "too large", size_t{5} << 20).ok());
  EXPECT_FALSE(Has(store_, "too large"));
  EXPECT_EQ(store_.unkept(ResponseStore::Unkept::kTooLarge), 1);
}

TEST_F(DurableResponsesTest, WhereTheyAreAwayItIsSaid) {
  ASSERT_TRUE(Keep(store_, "a").ok());
  records_.away = true;
  for (const absl::Status& status :
       {Keep(store_, "b"), Look(store_, "a").status(),
        Forget(store_, "a").status()}) {
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_STORE_UNAVAILABLE);
  }
  EXPECT_EQ(store_.unkept(ResponseStore::Unkept::kStore), 1);
  records_.away = false;
  EXPECT_TRUE(Has(store_, "a"));
  EXPECT_FALSE(Has(store_, "b"));
}

TEST_F(ResponseStoreTest, WhatHasExpiredIsFreedThoughNobodyCalls) {
  Put("a");
  Put("b");
  clock_.Advance(absl::Seconds(9));
  Put("c");
  store_.FreeExpired(100);
  const int64_t bytes = store_.size_bytes();
  clock_.Advance(absl::Seconds(1));
  store_.FreeExpired(1);
  EXPECT_EQ(store_.size_bytes(), bytes / 3 * 2);
  store_.FreeExpired(100);
  EXPECT_EQ(store_.size_bytes(), bytes / 3);
  EXPECT_TRUE(Has("c"));
}

}  // namespace
}  // namespace gateway
