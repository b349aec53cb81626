#include "service/pipeline/response_records.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/store/memory_record_store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

class ResponseRecordsTest : public testing::Test {
 protected:
  absl::Status Put(std::string_view owner, std::string_view id,
                   StoredResponse kept) {
    return runner_.Run(responses_.Put(owner, id, std::move(kept),
                                      clock_.WallTime() + absl::Minutes(1),
                                      never_));
  }
  absl::StatusOr<std::shared_ptr<const StoredResponse>> Find(
      std::string_view owner, std::string_view id) {
    return runner_.Run(responses_.Find(owner, id, never_));
  }
  bool Remove(std::string_view owner, std::string_view id) {
    return *runner_.Run(responses_.Remove(owner, id, never_));
  }

  FakeClock clock_;
  LoopRunner runner_;
  CancelSignal never_;
  MemoryRecordStore records_{{}, clock_};
  ResponseRecords responses_{records_};
};

TEST_F(ResponseRecordsTest, WhatIsPutIsFoundAsItWas) {
  ASSERT_TRUE(
      Put("alice", "resp_1",
          {.provider = "p", .credential = "c", .before = "b", .response = "r"})
          .ok());
  const auto kept = Find("alice", "resp_1");
  ASSERT_TRUE(kept.ok() && *kept != nullptr);
  EXPECT_EQ((*kept)->provider, "p");
  EXPECT_EQ((*kept)->credential, "c");
  EXPECT_EQ((*kept)->before, "b");
  EXPECT_EQ((*kept)->response, "r");
  EXPECT_EQ(*Find("alice", "resp_2"), nullptr);
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(*Find("alice", "resp_1"), nullptr);
}

TEST_F(ResponseRecordsTest, TheSameIdOfTwoCallersIsTwoAnswers) {
  ASSERT_TRUE(Put("alice", "resp_1", {.response = "hers"}).ok());
  ASSERT_TRUE(Put("bob", "resp_1", {.response = "his"}).ok());
  EXPECT_EQ((*Find("alice", "resp_1"))->response, "hers");
  EXPECT_EQ((*Find("bob", "resp_1"))->response, "his");
  EXPECT_FALSE(Remove("", "resp_1"));
  EXPECT_TRUE(Remove("bob", "resp_1"));
  EXPECT_FALSE(Remove("bob", "resp_1"));
  EXPECT_NE(*Find("alice", "resp_1"), nullptr);
}

TEST_F(ResponseRecordsTest, WhatFitsIsTakenByTheStore) {
  StoredResponse largest = {.provider = "p", .credential = "c"};
  const std::string id(400, 'i');
  while (ResponseRecords::Fits("alice", id, largest)) {
    largest.response.append(1000, 'x');
  }
  largest.response.resize(largest.response.size() - 1000);
  ASSERT_TRUE(ResponseRecords::Fits("alice", id, largest));
  EXPECT_TRUE(Put("alice", id, largest).ok());
  EXPECT_NE(*Find("alice", id), nullptr);
  // No record has a name as long.
  EXPECT_FALSE(ResponseRecords::Fits("alice", std::string(507, 'i'), {}));
  EXPECT_TRUE(ResponseRecords::Fits("alice", std::string(506, 'i'), {}));
  EXPECT_EQ(*Find("alice", std::string(600, 'i')), nullptr);
}

// A store that cannot be reached.
class AwayStore : public MemoryRecordStore {
 public:
  explicit AwayStore(Clock& clock) : MemoryRecordStore({}, clock) {}

  Task<absl::StatusOr<std::optional<Record>>> Get(std::string_view,
                                                  std::string_view,
                                                  CancelSignal&) override {
    co_return absl::UnavailableError("redis 10.0.0.7:6379: refused");
  }
};

TEST_F(ResponseRecordsTest, WhereTheStoreIsCallersAreNotTold) {
  AwayStore store(clock_);
  ResponseRecords away(store);
  const absl::Status fault =
      runner_.Run(away.Find("alice", "resp_1", never_)).status();
  EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_EQ(fault.message(),
            "the store of answers cannot be read or written at this moment; "
            "try again later");
}

TEST_F(ResponseRecordsTest, ADamagedRecordIsNoAnswer) {
  const std::string key = std::string("alice") + '\0' + "resp_1";
  ASSERT_TRUE(
      runner_.Run(records_.Put("responses", key, "\xff\xff", {}, never_)).ok());
  const absl::Status damaged = Find("alice", "resp_1").status();
  EXPECT_EQ(FaultReason(damaged), v1::ERROR_REASON_STORE_UNAVAILABLE);
}

}  // namespace
}  // namespace gateway
