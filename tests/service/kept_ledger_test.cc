#include "service/kept_ledger.h"

#include <filesystem>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/ledger/dispatch_note.h"
#include "service/ledger/entry.h"
#include "service/ledger/ledger_log.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::testing::HasSubstr;

class KeptLedgerTest : public testing::Test {
 protected:
  KeptLedgerTest() {
    config_.mutable_runtime()->set_state_dir("state");
    config_.mutable_ledger()->set_path("deep/ledger.db");
    config_.mutable_ledger()->set_queue_entries_limit(64);
    config_.mutable_ledger()->set_queue_bytes_limit(1 << 20);
  }
  TemporaryFolder folder_;
  std::string file_ = folder_.Path("gateway.yaml");
  std::string path_ = folder_.Path("state/deep/ledger.db");
  GatewayConfig config_;
};

TEST_F(KeptLedgerTest, ThereIsNoneWhereNoneIsAskedFor) {
  config_.clear_ledger();
  KeptLedger kept(SystemClock());
  EXPECT_TRUE(kept.Open(config_, file_).ok());
  EXPECT_EQ(kept.writer(), nullptr);
  EXPECT_EQ(kept.log(), nullptr);
  EXPECT_EQ(kept.index(), nullptr);
}

TEST_F(KeptLedgerTest, WhatIsInItCanBeFound) {
  KeptLedger kept(SystemClock());
  ASSERT_TRUE(kept.Open(config_, file_).ok());
  ASSERT_NE(kept.index(), nullptr);
  EXPECT_TRUE(kept.index()->CatchUp(absl::Seconds(30)));
  EXPECT_TRUE(std::filesystem::exists(path_ + ".index"));
}

TEST_F(KeptLedgerTest, WhatAProcessHasLeftOpenIsClosed) {
  {
    std::filesystem::create_directories(folder_.Path("state/deep"));
    auto log = LedgerLog::Open({.path = path_});
    ASSERT_TRUE(log.ok()) << log.status();
    LedgerEntry entry;
    entry.event_type = "DISPATCH";
    entry.id = "LED-1";
    const UnchainedEntry unchained(entry, OpeningNote("LED-1", "P", "{}"));
    const UnchainedEntry* const all = &unchained;
    ASSERT_TRUE((*log)->Append({&all, 1}, SystemClock().WallTime()).ok());
  }
  KeptLedger kept(SystemClock());
  ASSERT_TRUE(kept.Open(config_, file_).ok());
  EXPECT_EQ(kept.writer()->counts().entries, 2);
  EXPECT_EQ(kept.path(), path_);
}

TEST_F(KeptLedgerTest, AnErrorNamesItsField) {
  config_.mutable_ledger()->set_path("/proc/none/ledger.db");
  KeptLedger kept(SystemClock());
  const absl::Status opened = kept.Open(config_, file_);
  EXPECT_FALSE(opened.ok());
  EXPECT_THAT(std::string(opened.message()), HasSubstr("ledger.path: "));
}

}  // namespace
}  // namespace gateway
