#include "service/ledger/ledger_walk.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/hash_text.h"
#include "service/ledger/ledger_log.h"
#include "tests/service/ledger/generated_ledger.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class KeptJoins final : public JoinSource {
 public:
  absl::StatusOr<int64_t> LastJoin() const override {
    return static_cast<int64_t>(joins.size());
  }
  absl::Status ReadJoins(int64_t first, VisitJoin visit) const override {
    for (const StoredJoin& join : joins) {
      if (join.number < first) continue;
      if (absl::Status visited = visit(join); !visited.ok()) return visited;
    }
    return absl::OkStatus();
  }

  std::vector<StoredJoin> joins;
};

// Two chains, which are joined from time to time.
class LedgerWalkTest : public testing::Test {
 protected:
  LedgerWalkTest() {
    for (const char* const name : {"1", "2"}) {
      logs_.push_back(*LedgerLog::Open(
          {.path = folder_.Path(name), .sync = SqliteSync::kNormal}));
    }
  }

  void Append(size_t chain, int64_t calls) {
    const int64_t first = std::exchange(next_call_, next_call_ + calls);
    ASSERT_TRUE(
        AppendCalls(*logs_[chain],
                    {.calls = calls, .first_call = first, .calls_in_commit = 3})
            .ok());
  }
  LedgerJoin NextJoin() const {
    LedgerJoin join{.number = static_cast<int64_t>(joins_.joins.size()) + 1,
                    .time = kFirstCallTime};
    if (join.number > 1) join.previous_hash = joins_.joins.back().hash;
    for (size_t i = 0; i < logs_.size(); ++i) {
      if (logs_[i]->end().commits == 0) continue;
      join.heads.push_back({absl::StrCat(i + 1), logs_[i]->end()});
    }
    return join;
  }
  void Join(const LedgerJoin& join) {
    const std::string text = JoinText(join);
    joins_.joins.push_back({join.number, text, HashText(text)});
  }
  void Join() { Join(NextJoin()); }

  LedgerWalk Walk(LedgerWalk::Options options) {
    LedgerWalk walk(std::move(options));
    EXPECT_TRUE(walk.Begin().ok());
    while (!walk.is_done()) EXPECT_TRUE(walk.Step().ok());
    return walk;
  }
  LedgerWalk WalkAll() {
    return Walk({.chains = {{"1", logs_[0].get()}, {"2", logs_[1].get()}},
                 .joins = &joins_});
  }

  TemporaryFolder folder_;
  std::vector<std::unique_ptr<LedgerLog>> logs_;
  KeptJoins joins_;
  int64_t next_call_ = 0;
};

TEST_F(LedgerWalkTest, ChainsAndJoinsAreVerified) {
  for (int i = 0; i < 300; ++i) {
    Append(static_cast<size_t>(i) % 2, 2);
    Join();
  }
  Append(0, 5);
  const LedgerWalk walk = WalkAll();
  EXPECT_TRUE(walk.valid()) << walk.DescribeProblem();
  EXPECT_EQ(walk.checked_entries(), 1210);
  EXPECT_EQ(walk.total_entries(), 1210);
  EXPECT_EQ(walk.checked_chains(), 2);
  EXPECT_EQ(walk.checked_joins(), 300);
  EXPECT_EQ(walk.last_hash(), joins_.joins.back().hash);
  EXPECT_FALSE(walk.merkle_root().empty());
}

TEST_F(LedgerWalkTest, OneChainIsVerifiedByItself) {
  Append(0, 10);
  Append(1, 4);
  Join();
  const LedgerWalk walk = Walk(
      {.chains = {{"2", logs_[1].get()}}, .joins = &joins_, .is_part = true});
  EXPECT_TRUE(walk.valid()) << walk.DescribeProblem();
  EXPECT_EQ(walk.checked_entries(), 8);
  EXPECT_EQ(walk.last_hash(), logs_[1]->end().hash);
  Append(1, 4);
  Join();
  const LedgerWalk behind = Walk({.chains = {{"2", logs_[1].get()}},
                                  .joins = &joins_,
                                  .is_part = true,
                                  .after_entry = 9});
  EXPECT_TRUE(behind.valid()) << behind.DescribeProblem();
  EXPECT_EQ(behind.checked_entries(), 7);
}

TEST_F(LedgerWalkTest, AChainThatWasCutIsFound) {
  Append(0, 10);
  Append(1, 10);
  LedgerJoin join = NextJoin();
  join.heads[1].end.commits += 2;
  join.heads[1].end.entries += 8;
  Join(join);
  const LedgerWalk walk = WalkAll();
  EXPECT_FALSE(walk.valid());
  EXPECT_EQ(walk.broken_chain(), "2");
  EXPECT_EQ(walk.broken_entry(), 21);
  EXPECT_THAT(walk.DescribeProblem(),
              HasSubstr("chain 2: the entry 21 is not there, and the join 1 "
                        "has seen 28 entries"));
}

TEST_F(LedgerWalkTest, AChainThatWasWrittenAnewIsFound) {
  Append(0, 10);
  Join();
  logs_[0] = *LedgerLog::Open(
      {.path = folder_.Path("anew"), .sync = SqliteSync::kNormal});
  Append(0, 10);
  const LedgerWalk walk = WalkAll();
  EXPECT_FALSE(walk.valid());
  EXPECT_EQ(walk.broken_chain(), "1");
  EXPECT_THAT(walk.problem(), HasSubstr("was written anew"));
}

TEST_F(LedgerWalkTest, AChainThatIsNotThereIsFound) {
  Append(0, 10);
  Append(1, 10);
  Join();
  const LedgerWalk walk =
      Walk({.chains = {{"1", logs_[0].get()}}, .joins = &joins_});
  EXPECT_FALSE(walk.valid());
  EXPECT_EQ(walk.broken_chain(), "2");
}

TEST_F(LedgerWalkTest, AJoinThatWasAlteredOrTakenOutIsFound) {
  for (int i = 0; i < 4; ++i) {
    Append(0, 2);
    Join();
  }
  const std::vector<StoredJoin> whole = joins_.joins;
  joins_.joins[2].text.replace(joins_.joins[2].text.find("commits"), 1, "C");
  EXPECT_THAT(WalkAll().DescribeProblem(), HasSubstr("the join 3 was altered"));
  joins_.joins = whole;
  joins_.joins.erase(joins_.joins.begin() + 1);
  EXPECT_THAT(WalkAll().DescribeProblem(),
              HasSubstr("the join 2 is not there"));
  joins_.joins = whole;
  joins_.joins[1].text.replace(joins_.joins[1].text.find("2026"), 4, "2027");
  joins_.joins[1].hash = HashText(joins_.joins[1].text);
  EXPECT_THAT(WalkAll().DescribeProblem(),
              HasSubstr("the join 3 does not follow the one before"));
}

}  // namespace
}  // namespace gateway
