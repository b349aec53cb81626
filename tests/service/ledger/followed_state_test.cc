#include "service/ledger/followed_state.h"

#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"
#include "service/ledger/entry.h"

namespace gateway {
namespace {

// Keeps the texts that it is told of.
class ToldTexts final : public LedgerState {
 public:
  absl::Status Apply(std::string_view entry) override {
    if (entry.find("\"id\": \"bad\"") != std::string_view::npos) {
      return absl::InvalidArgumentError("bad");
    }
    told.append(entry);
    return absl::OkStatus();
  }
  // Handed on by who knows what it is: budget_ledger_state_test.cc has such.
  void Apply(const BudgetChanges& /*changes*/) override { told.append("?"); }
  std::string Checkpoint() const override { return told; }
  absl::Status Restore(std::string_view checkpoint) override {
    told = checkpoint;
    return absl::OkStatus();
  }

  std::string told;
};

UnchainedEntry FollowedEntry(std::string_view event_type, std::string_view id,
                             std::string note = {}) {
  LedgerEntry entry;
  entry.event_type = event_type;
  entry.id = id;
  return UnchainedEntry(entry, std::move(note));
}

std::string FollowedText(std::string_view event_type, std::string_view id) {
  std::string hash;
  std::string text;
  FollowedEntry(event_type, id).AppendChained(&hash, &text);
  return text + "\n";
}

class FollowedStateTest : public testing::Test {
 protected:
  ToldTexts told_;
  FollowedState followed_{&told_};
};

TEST_F(FollowedStateTest, ItsCheckpointIsWhereItGoesOn) {
  const std::string debit = FollowedText("BUDGET_DEBIT", "one");
  ASSERT_TRUE(followed_
                  .Follow(debit + FollowedText("EXCHANGE", "two"),
                          OpeningNote("d1", "x1", "s", "{}") +
                              OpeningNote("d2", "x2", "s", "{}"))
                  .ok());
  const LedgerCheckpoint kept =
      followed_.At({.commits = 1, .entries = 2, .hash = "h"});
  EXPECT_EQ(kept.end.entries, 2);
  ToldTexts later;
  FollowedState next(&later);
  ASSERT_TRUE(next.Restore(kept).ok());
  EXPECT_EQ(later.told, debit.substr(0, debit.size() - 1));
  EXPECT_EQ(next.open_dispatches().all().size(), 2);
  ASSERT_TRUE(next.Follow("", ClosingNote("d1")).ok());
  ASSERT_EQ(next.open_dispatches().all().size(), 1);
  EXPECT_EQ(next.open_dispatches().all().begin()->first, "d2");
}

TEST_F(FollowedStateTest, ItBeginsAnewWithWhatItRestores) {
  ASSERT_TRUE(followed_
                  .Follow(FollowedText("BUDGET_DEBIT", "one"),
                          OpeningNote("d1", "x1", "s", "{}"))
                  .ok());
  ASSERT_TRUE(followed_.Restore({}).ok());
  EXPECT_EQ(told_.told, "");
  EXPECT_TRUE(followed_.open_dispatches().all().empty());
}

TEST_F(FollowedStateTest, WhatCannotBeReadIsTold) {
  EXPECT_TRUE(absl::IsDataLoss(followed_.Restore({.open_dispatches = "?"})));
  EXPECT_TRUE(absl::IsDataLoss(followed_.Follow("", "?")));
  EXPECT_TRUE(absl::IsInvalidArgument(
      followed_.Follow(FollowedText("BUDGET_DEBIT", "bad"), "")));
}

TEST_F(FollowedStateTest, WhatWasTakenOverIsOfABudgetInWhateverForm) {
  const std::string compact = R"({"event_type":"BUDGET_DEBIT","id":"one"})";
  const std::string last = R"({"reason": ")" + std::string(1000, 'x') +
                           R"(", "event_type": "BUDGET_ALLOCATE"})";
  const std::string other = R"({"event_type":"EXCHANGE","id":"two"})";
  ASSERT_TRUE(
      followed_.Follow(compact + "\n" + other + "\n" + last + "\n", "").ok());
  EXPECT_EQ(told_.told, compact + last);
}

TEST_F(FollowedStateTest, EntriesAreFollowedAsTheirTextsAre) {
  const UnchainedEntry debit = FollowedEntry("BUDGET_DEBIT", "one");
  const UnchainedEntry first =
      FollowedEntry("DISPATCH", "d1", OpeningNote("d1", "x1", "s", "{}"));
  const UnchainedEntry second =
      FollowedEntry("DISPATCH", "d2", OpeningNote("d2", "x2", "s", "{}"));
  const UnchainedEntry closing =
      FollowedEntry("EXCHANGE", "x1", ClosingNote("d1"));
  ASSERT_TRUE(followed_.Follow({&first, &second, &debit, &closing}).ok());
  EXPECT_EQ(told_.told, debit.text());
  ASSERT_EQ(followed_.open_dispatches().all().size(), 1);
  EXPECT_EQ(followed_.open_dispatches().all().begin()->first, "d2");
  const UnchainedEntry unread = FollowedEntry("DISPATCH", "d3", "?");
  EXPECT_TRUE(absl::IsDataLoss(followed_.Follow({&unread})));
  const UnchainedEntry bad = FollowedEntry("BUDGET_DEBIT", "bad");
  EXPECT_TRUE(absl::IsInvalidArgument(followed_.Follow({&bad})));
}

TEST_F(FollowedStateTest, NobodyNeedsToMakeAnythingOfBudgets) {
  FollowedState followed(nullptr);
  ASSERT_TRUE(followed.Restore({.state = "x"}).ok());
  EXPECT_TRUE(followed.Follow(FollowedText("BUDGET_DEBIT", "bad"), "").ok());
  EXPECT_EQ(followed.At({}).state, "");
}

}  // namespace
}  // namespace gateway
