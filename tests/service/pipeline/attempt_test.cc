#include "service/pipeline/attempt.h"

#include <vector>

#include "absl/status/status.h"
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
