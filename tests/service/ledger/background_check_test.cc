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
  // Once so many checks have come to an end.
  BackgroundCheck::State AwaitChecks(const BackgroundCheck& check,
                                     int64_t count) {
    while (check.state().checks < count) std::this_thread::yield();
    return check.state();
  }

  TemporaryFolder folder_;
  const std::string path_ = folder_.Path("ledger.db");
  std::unique_ptr<LedgerLog> log_;
};

TEST_F(BackgroundCheckTest, AllIsChecked) {
  const BackgroundCheck check(*log_, {}, SystemClock());
  const BackgroundCheck::State state = AwaitChecks(check, 1);
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
  EXPECT_EQ(AwaitChecks(check, 1).broken_entry, 2);
}

TEST_F(BackgroundCheckTest, ItIsCheckedAgain) {
  const BackgroundCheck check(*log_, {.interval = absl::Milliseconds(1)},
                              SystemClock());
  AwaitChecks(check, 1);
  Append("LED-new");
  const int64_t before = check.state().checks;
  EXPECT_EQ(AwaitChecks(check, before + 2).checked_entries, 6);
}

TEST_F(BackgroundCheckTest, ItEndsInTheMidstOfIt) {
  const BackgroundCheck check(
      *log_, {.interval = absl::InfiniteDuration(), .work = -absl::Hours(1)},
      SystemClock());
}

}  // namespace
}  // namespace gateway
