#include "service/sessions/session_shares.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr int kLimit = 8;
constexpr absl::Duration kTtl = absl::Minutes(5);
constexpr int kBytes = 100;  // Of each session.

class SessionSharesTest : public testing::Test {
 protected:
  // Of the owner's, the next so many.
  void Open(const std::string& owner, int count) {
    for (int i = 0; i < count; ++i) {
      shares_.Record(absl::StrCat("id-", opened_++), owner,
                     Extent(now_ + kTtl, kBytes));
    }
  }
  static SessionExtent Extent(absl::Time expire_time, int bytes) {
    return {.expire_time = expire_time, .bytes = bytes};
  }
  bool Admits(const std::string& owner, int open) {
    return shares_.Admits(owner, open, kLimit, now_);
  }

  absl::Time now_ = absl::FromUnixSeconds(1'800'000'000);
  int opened_ = 0;
  SessionShares shares_;
};

TEST_F(SessionSharesTest, TheLastQuarterIsForThoseWhoHaveLess) {
  Open("greedy", 5);
  EXPECT_TRUE(Admits("greedy", 5));
  Open("greedy", 1);
  EXPECT_FALSE(Admits("greedy", 6));
  EXPECT_TRUE(Admits("other", 6));
  Open("other", 1);
  EXPECT_TRUE(Admits("other", 7));
  Open("other", 1);
  EXPECT_FALSE(Admits("other", 7));
}

TEST_F(SessionSharesTest, WhatWasDeletedOrHasExpiredIsNoShare) {
  Open("greedy", 2);
  EXPECT_FALSE(Admits("greedy", 6));
  shares_.Forget("id-0");
  shares_.Forget("id-0");
  shares_.Forget("unknown");
  EXPECT_TRUE(Admits("greedy", 6));
  Open("greedy", 1);
  EXPECT_FALSE(Admits("greedy", 6));
  now_ += kTtl;
  EXPECT_TRUE(Admits("greedy", 6));
}

TEST_F(SessionSharesTest, OneThatIsGoneOnWithStays) {
  Open("greedy", 2);
  now_ += kTtl / 2;
  shares_.Record("id-0", "greedy", Extent(now_ + kTtl, kBytes));
  shares_.Record("id-1", "greedy", Extent(now_ + kTtl, kBytes));
  now_ += kTtl / 2;
  EXPECT_FALSE(Admits("greedy", 6));
  now_ += kTtl / 2;
  EXPECT_TRUE(Admits("greedy", 6));
}

TEST_F(SessionSharesTest, TheLastQuarterOfTheirBytesIsForThoseWhoHaveLess) {
  const auto has_room = [&](const std::string& owner, int bytes) {
    return shares_.HasRoom(owner, bytes, 8 * kBytes, now_);
  };
  Open("greedy", 5);
  EXPECT_TRUE(has_room("greedy", kBytes));
  EXPECT_FALSE(has_room("greedy", kBytes + 1));
  Open("greedy", 1);
  EXPECT_FALSE(has_room("greedy", 1));
  EXPECT_TRUE(has_room("other", 2 * kBytes));
  EXPECT_FALSE(has_room("other", 2 * kBytes + 1));
  // One of them grows, and shrinks.
  shares_.Record("id-0", "greedy", Extent(now_ + kTtl, 2 * kBytes));
  EXPECT_FALSE(has_room("other", kBytes + 1));
  shares_.Record("id-0", "greedy", Extent(now_ + kTtl, 0));
  EXPECT_TRUE(has_room("greedy", kBytes));
  now_ += kTtl;
  EXPECT_TRUE(has_room("greedy", 6 * kBytes));
}

TEST_F(SessionSharesTest, WhatIsAboutToBeWrittenCounts) {
  const auto reserve = [&](const std::string& id, int bytes) {
    return shares_.Reserve(id, "owner", Extent(now_ + kTtl, bytes), 8 * kBytes,
                           now_);
  };
  ASSERT_TRUE(reserve("new", 6 * kBytes));
  EXPECT_FALSE(reserve("other", 1));
  EXPECT_FALSE(shares_.Find("other").has_value());
  // It was not written.
  shares_.Settle("new", std::nullopt);
  EXPECT_TRUE(reserve("other", 4 * kBytes));
  // It shrinks, which is so when it is written; and then it grows, which is
  // not.
  ASSERT_TRUE(reserve("other", kBytes));
  EXPECT_FALSE(reserve("new", 3 * kBytes));
  shares_.Settle("other", Extent(now_ + kTtl, kBytes));
  ASSERT_TRUE(reserve("other", 6 * kBytes));
  EXPECT_FALSE(reserve("new", 1));
  shares_.Settle("other", Extent(now_ + kTtl, kBytes));
  EXPECT_TRUE(reserve("new", 5 * kBytes));
}

TEST_F(SessionSharesTest, WhatWasDeletedMeanwhileDoesNotComeBack) {
  Open("owner", 1);
  const std::optional<SessionExtent> before = shares_.Find("id-0");
  ASSERT_TRUE(shares_.Reserve("id-0", "owner",
                              Extent(now_ + kTtl, 2 * kBytes), 8 * kBytes,
                              now_));
  shares_.Forget("id-0");
  shares_.Settle("id-0", before);
  EXPECT_FALSE(shares_.Find("id-0").has_value());
}

TEST_F(SessionSharesTest, OneThatIsBeingGoneOnWithDoesNotExpire) {
  Open("owner", 2);
  now_ += kTtl - absl::Seconds(1);
  ASSERT_TRUE(shares_.Reserve("id-0", "owner", Extent(now_ + kTtl, kBytes),
                              8 * kBytes, now_));
  now_ += absl::Seconds(1);
  EXPECT_TRUE(shares_.HasRoom("owner", 5 * kBytes, 8 * kBytes, now_));
  EXPECT_FALSE(shares_.HasRoom("owner", 6 * kBytes, 8 * kBytes, now_));
}

TEST_F(SessionSharesTest, OfFewSessionsNoneIsKeptForOthers) {
  Open("only", 2);
  EXPECT_TRUE(shares_.Admits("only", 2, 3, now_));
}

}  // namespace
}  // namespace gateway
