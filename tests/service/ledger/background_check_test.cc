#include "service/ledger/background_check.h"

#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "gtest/gtest.h"
#include "service/ledger/entry.h"
#include "service/ledger/ledger_log.h"
#include "service/store/sqlite_connection.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

class BackgroundCheckTest : public testing::Test {
 protected:
  void SetUp() override {
    Open();
    for (int i = 0; i < 5; ++i) Append(absl::StrCat("LED-", i));
    // So that a start has nothing to look at.
    ASSERT_TRUE(log_->KeepCheckpoint().ok());
  }
  void Open() {
    log_.reset();
    auto log = LedgerLog::Open({.path = path_});
    ASSERT_TRUE(log.ok()) << log.status();
    log_ = *std::move(log);
  }
  void Append(const std::string& id) {
    LedgerEntry entry;
    entry.event_type = "EXCHANGE";
    entry.reason = "Exchange completed";
    entry.id = id;
    const UnchainedEntry unchained(entry);
    const UnchainedEntry* const all = &unchained;
    ASSERT_TRUE(log_->Append({&all, 1}, SystemClock().WallTime()).ok());
  }
  // The first state seen that is as told. The next check may have begun again
  // since.
  template <typename IsSo>
  static BackgroundCheck::State Await(const BackgroundCheck& check,
                                      const IsSo& is_so) {
    for (;;) {
      const BackgroundCheck::State state = check.state();
      if (is_so(state)) return state;
      std::this_thread::yield();
    }
  }
  static BackgroundCheck::State AwaitEnd(const BackgroundCheck& check) {
    return Await(check, [](const auto& state) { return state.checks > 0; });
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.Path("ledger.db");
  std::unique_ptr<LedgerLog> log_;
};

TEST_F(BackgroundCheckTest, AllIsChecked) {
  const BackgroundCheck check(*log_, {}, SystemClock());
  const BackgroundCheck::State state = AwaitEnd(check);
  EXPECT_EQ(state.checked_entries, 5);
  EXPECT_EQ(state.broken_entry, 0);
}

TEST_F(BackgroundCheckTest, WhatWasAlteredBeforeTheCheckpointIsFound) {
  log_.reset();
  {
    auto db = SqliteConnection::Open(
        path_, SqliteConnection::Access::kReadWrite, absl::Seconds(5));
    ASSERT_TRUE(db.ok()) << db.status();
    ASSERT_TRUE((*db)
                    ->Execute("UPDATE commits SET texts = CAST(replace(CAST("
                              "texts AS TEXT), 'completed', 'Completed') AS "
                              "BLOB) WHERE number = 2")
                    .ok());
  }
  Open();
  const BackgroundCheck check(*log_, {.work = absl::ZeroDuration()},
                              SystemClock());
  EXPECT_EQ(AwaitEnd(check).broken_entry, 2);
}

TEST_F(BackgroundCheckTest, ItIsCheckedAgain) {
  const BackgroundCheck check(*log_, {.interval = absl::Milliseconds(1)},
                              SystemClock());
  AwaitEnd(check);
  Append("LED-new");
  // Only a check that began anew reads it.
  const BackgroundCheck::State again = Await(
      check, [](const auto& state) { return state.checked_entries == 6; });
  EXPECT_GE(again.checks, 1);
  EXPECT_EQ(again.broken_entry, 0);
}

TEST_F(BackgroundCheckTest, WhatAnotherHasFoundCountsUntilItEndsAgain) {
  BackgroundCheck check(*log_, {.interval = absl::Seconds(3600)},
                        SystemClock());
  AwaitEnd(check);
  check.TellBroken(3);
  EXPECT_EQ(check.state().broken_entry, 3);
}

TEST_F(BackgroundCheckTest, ItEndsInTheMidstOfIt) {
  const BackgroundCheck check(
      *log_, {.interval = absl::InfiniteDuration(), .work = -absl::Hours(1)},
      SystemClock());
}

}  // namespace
}  // namespace gateway
