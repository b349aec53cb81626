#include "service/ledger/ledger_recovery.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/ledger/chain_check.h"
#include "service/ledger/dispatch_note.h"
#include "service/ledger/entry.h"
#include "service/ledger/ledger_log.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class LedgerRecoveryTest : public testing::Test {
 protected:
  void Open() {
    log_.reset();
    auto log = LedgerLog::Open({.path = path_});
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  }
  void Append(std::string_view type, std::string_view id, std::string note) {
    LedgerEntry entry;
    entry.event_type = type;
    entry.id = id;
    entry.time = SystemClock().WallTime();
    const UnchainedEntry unchained(entry, std::move(note));
    const UnchainedEntry* const all = &unchained;
    ASSERT_TRUE(log_->Append({&all, 1}, entry.time).ok());
  }
  int64_t Close() {
    // As budgets do it, with what was reserved as the reason.
    const auto charge = [](const OpenDispatches::Left& left, std::string id,
                           absl::Time time) -> absl::StatusOr<UnchainedEntry> {
      LedgerEntry entry;
      entry.event_type = "BUDGET_DEBIT";
      entry.reason = left.reservation;
      entry.id = std::move(id);
      entry.time = time;
      return UnchainedEntry(entry);
    };
    const auto closed =
        CloseOpenDispatches(*log_, charge, SystemRandom(), SystemClock());
    EXPECT_TRUE(closed.ok()) << closed.status();
    return closed.value_or(-1);
  }
  // All entries, whose chain is checked.
  std::vector<std::string> Entries() {
    std::vector<std::string> entries;
    ChainCheck check;
    EXPECT_TRUE(log_->Read(1,
                           [&](const LedgerCommit& commit) {
                             ForEachEntry(
                                 commit.texts, [&](std::string_view entry) {
                                   EXPECT_EQ(check.Add(entry).what, "");
                                   entries.emplace_back(entry);
                                 });
                             return absl::OkStatus();
                           })
                    .ok());
    return entries;
  }
  TemporaryFolder folder_;
  std::string path_ = folder_.Path("ledger.db");
  std::unique_ptr<LedgerLog> log_;
};

TEST_F(LedgerRecoveryTest, WhatIsOpenIsClosedOnceWithWhatItsNoteSays) {
  Open();
  Append("DISPATCH", "LED-1",
         OpeningNote("LED-1", "LED-9", "PRC-1", "{\"outcome\": \"unknown\"}"));
  Append("DISPATCH", "LED-2", OpeningNote("LED-2", "", "PRC-2", "{}"));
  Append("EXCHANGE", "LED-3", ClosingNote("LED-2"));
  Open();
  EXPECT_EQ(Close(), 1);
  EXPECT_EQ(Close(), 0);
  Open();
  EXPECT_EQ(Close(), 0) << "nor after another start";
  ASSERT_EQ(Entries().size(), 4U);
  EXPECT_THAT(Entries()[3],
              AllOf(HasSubstr("\"decision\": \"UNKNOWN\""),
                    HasSubstr("\"event_type\": \"EXCHANGE\""),
                    HasSubstr("\"id\": \"LED-9\""),
                    HasSubstr("\"metadata\": {\"outcome\": \"unknown\"}"),
                    HasSubstr("\"submission_id\": \"PRC-1\"")));
}

TEST_F(LedgerRecoveryTest, BudgetsAreChargedOnceWhatWasReservedOfThem) {
  Open();
  Append(
      "DISPATCH", "LED-1",
      OpeningNote("LED-1", "", "PRC-1", "{}") + ReservationNote("LED-1", "10"));
  Append("DISPATCH", "LED-2", OpeningNote("LED-2", "", "PRC-2", "{}"));
  Append(
      "DISPATCH", "LED-3",
      OpeningNote("LED-3", "", "PRC-3", "{}") + ReservationNote("LED-3", "30"));
  Append("EXCHANGE", "LED-4", ClosingNote("LED-3"));
  // By the checkpoint, too.
  EXPECT_TRUE(log_->KeepCheckpoint().ok());
  Open();
  EXPECT_EQ(Close(), 2);
  EXPECT_EQ(Close(), 0);
  ASSERT_EQ(Entries().size(), 7U);
  EXPECT_THAT(Entries()[4], HasSubstr("\"decision\": \"UNKNOWN\""));
  EXPECT_THAT(Entries()[5], AllOf(HasSubstr("\"event_type\": \"BUDGET_DEBIT\""),
                                  HasSubstr("\"reason\": \"10\"")));
  EXPECT_THAT(Entries()[6], HasSubstr("\"decision\": \"UNKNOWN\""));
}

TEST_F(LedgerRecoveryTest, WhatWasNotSentHasCostNothing) {
  Open();
  Append("DISPATCH", "LED-1",
         OpeningNote("LED-1", "", "PRC-1", "{\"cost\": \"much\"}") +
             ReservationNote("LED-1", "10"));
  Append("PROMPT_REJECTED", "LED-2", WithdrawingNote("LED-1"));
  EXPECT_EQ(Close(), 1);
  ASSERT_EQ(Entries().size(), 3U);
  EXPECT_THAT(Entries()[2], AllOf(HasSubstr("\"decision\": \"ERROR\""),
                                  HasSubstr("\"dispatch_entry_id\": \"LED-1\""),
                                  HasSubstr("\"output_tokens\": 0"),
                                  testing::Not(HasSubstr("much"))));
}

}  // namespace
}  // namespace gateway
