#include "service/pipeline/response_store.h"

#include <string>
#include <utility>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "tests/testing/fake_clock.h"

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

TEST_F(ResponseStoreTest, WhatIsTooLargeIsNotKept) {
  Put("a");
  Put("huge", 1001);
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
  none.Put("alice", "a", Answer("a"));
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

}  // namespace
}  // namespace gateway
