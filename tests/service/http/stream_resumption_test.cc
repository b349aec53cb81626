#include "service/http/stream_resumption.h"

#include <string_view>

#include "absl/status/statusor.h"
#include "errors/fault.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

// What is sent is shown over sockets, in
// tests/integration/resumable_streams_test.py.
TEST(EventIdTest, SaysWhichCallAndHowFar) {
  const absl::StatusOr<EventId> id = ReadEventId("req:with:colons:17");
  ASSERT_TRUE(id.ok()) << id.status();
  EXPECT_EQ(id->request_id, "req:with:colons");
  EXPECT_EQ(id->seq, 17);
  EXPECT_EQ(ReadEventId("r:0")->seq, 0);
}

TEST(EventIdTest, WhatIsNoneIsRefusedByName) {
  for (const std::string_view text :
       {"", "17", ":17", "req:", "req:x", "req:-1",
        "req:99999999999999999999999"}) {
    const absl::Status refused = ReadEventId(text).status();
    EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_INVALID_REQUEST) << text;
    EXPECT_EQ(FieldViolations(refused).front().first, kLastEventId);
  }
}

}  // namespace
}  // namespace gateway
