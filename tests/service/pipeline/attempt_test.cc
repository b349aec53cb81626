#include "service/pipeline/attempt.h"

#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(AttemptListTest, AttemptsStayWhereTheyAre) {
  AttemptList list;
  EXPECT_TRUE(list.empty());
  std::vector<Attempt*> made;
  for (int i = 0; i < 20; ++i) made.push_back(&list.Add());
  ASSERT_EQ(list.size(), 20u);
  size_t i = 0;
  for (Attempt& attempt : list) EXPECT_EQ(&attempt, made[i++]);
  EXPECT_EQ(i, 20u);
  EXPECT_EQ(&list.front(), made.front());
  EXPECT_EQ(&list.back(), made.back());
}

TEST(AttemptListTest, OneIsTheFirstAndTheLast) {
  AttemptList list;
  list.Add().provider = "mock";
  EXPECT_EQ(&list.front(), &list.back());
  const AttemptList& same = list;
  for (const Attempt& attempt : same) EXPECT_EQ(attempt.provider, "mock");
  list.Clear();
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.size(), 0u);
}

TEST(AttemptTest, AnEndSaysWhatItsProgressWas) {
  Attempt attempt;
  attempt.began = absl::Seconds(10);
  attempt.progress.credential = "second";
  attempt.progress.http_status = 503;
  attempt.progress.http.reused_connection = true;
  attempt.progress.dispatched = absl::Seconds(11);
  attempt.progress.first_byte = absl::Seconds(14);
  attempt.End(MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down"),
              absl::Seconds(5));
  EXPECT_EQ(attempt.duration, absl::Seconds(5));
  EXPECT_EQ(attempt.credential, "second");
  EXPECT_EQ(attempt.http_status, 503);
  EXPECT_TRUE(attempt.reused_connection);
  EXPECT_FALSE(attempt.replaced);
  EXPECT_EQ(attempt.first_byte, absl::Seconds(3));
  EXPECT_EQ(attempt.time_to_first_token, std::nullopt);
  EXPECT_EQ(attempt.error_reason, v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(attempt.error_message, "down");
}

TEST(AttemptTest, AStreamThatBeganWellMayEndBadly) {
  Attempt attempt;
  attempt.began = absl::Seconds(10);
  attempt.End(absl::OkStatus(), absl::Seconds(1));
  EXPECT_EQ(attempt.error_reason, v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(attempt.first_byte, std::nullopt);
  attempt.first_content = absl::Seconds(12);
  attempt.End(MakeFault(v1::ERROR_REASON_STREAM_INTERRUPTED, "cut"),
              absl::Seconds(7));
  EXPECT_EQ(attempt.duration, absl::Seconds(7));
  EXPECT_EQ(attempt.time_to_first_token, absl::Seconds(2));
  EXPECT_EQ(attempt.error_reason, v1::ERROR_REASON_STREAM_INTERRUPTED);
}

TEST(AttemptTest, ItsEndIsItsOwn) {
  CancelSignal call;
  AttemptList list;
  for (int i = 0; i < 2; ++i) {
    Attempt& attempt = list.Add();
    attempt.follows_call.emplace(call,
                                 [&] { attempt.cancel.Cancel(call.status()); });
  }
  list.front().cancel.Cancel(absl::CancelledError("the other was quicker"));
  EXPECT_FALSE(call.cancelled());
  EXPECT_FALSE(list.back().cancel.cancelled());
  call.Cancel(absl::CancelledError("the caller left"));
  EXPECT_EQ(list.front().cancel.status().message(), "the other was quicker");
  EXPECT_EQ(list.back().cancel.status().message(), "the caller left");
}

}  // namespace
}  // namespace gateway
