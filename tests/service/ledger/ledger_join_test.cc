#include "service/ledger/ledger_join.h"

#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr absl::Time kJoined = absl::FromUnixMicros(1767225600'500'001);

TEST(LedgerJoinTest, ItsTextIsAsPythonWritesIt) {
  const LedgerJoin join = {
      .number = 2,
      .time = kJoined,
      .previous_hash = "before",
      .heads = {{"1", {.commits = 3, .entries = 5, .hash = "h1"}},
                {"2", {.commits = 1, .entries = 1, .hash = "h2"}}}};
  EXPECT_EQ(
      JoinText(join),
      R"({"chains": [{"chain": "1", "commits": 3, "entries": 5, )"
      R"("hash": "h1"}, )"
      R"({"chain": "2", "commits": 1, "entries": 1, "hash": "h2"}], )"
      R"("number": 2, "previous_hash": "before", )"
      R"("time": "2026-01-01T00:00:00.500001+00:00"})");
}

TEST(LedgerJoinTest, IsReadAsItWasWritten) {
  const LedgerJoin join = {
      .number = 7,
      .time = kJoined,
      .previous_hash = "before",
      .heads = {{"12", {.commits = 3, .entries = 5, .hash = "h"}}}};
  const auto read = ReadJoin(JoinText(join));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->number, 7);
  EXPECT_EQ(read->time, kJoined);
  EXPECT_EQ(read->previous_hash, "before");
  EXPECT_EQ(read->heads, join.heads);
}

TEST(LedgerJoinTest, WhatIsNoneIsRefused) {
  for (const char* const text : {"", "7", "{\"number\": \"x\"}", "{"}) {
    EXPECT_FALSE(ReadJoin(text).ok()) << text;
  }
}

}  // namespace
}  // namespace gateway
