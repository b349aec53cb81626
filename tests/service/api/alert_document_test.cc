#include "service/api/alert_document.h"

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/alerts/alert_rule.h"

namespace gateway {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

class AlertDocumentTest : public testing::Test {
 protected:
  AlertDocumentTest() {
    std::string folder = testing::TempDir() + "/alerts.XXXXXX";
    state_ = *StateStore::Open(mkdtemp(folder.data()));
    board_.SetRules({{.name = "errors", .text = "error_rate > 5%"}}, kNow);
  }

  std::unique_ptr<StateStore> state_;
  AlertBoard board_{kNow};
};

TEST_F(AlertDocumentTest, WhatIsKeptIsRestored) {
  const absl::Time end = kNow + absl::Hours(1);
  ASSERT_TRUE(
      state_
          ->Write(kAlertDocument,
                  board_.WriteSilenced("errors", end - absl::Hours(1), end))
          .ok());
  RestoreAlerts(*state_, &board_);
  EXPECT_EQ(board_.List(kNow).at(0).silence_end, end);
}

TEST_F(AlertDocumentTest, WithoutADocumentAllIsWell) {
  RestoreAlerts(*state_, &board_);
  EXPECT_FALSE(board_.List(kNow).at(0).firing);
  EXPECT_TRUE(state_->damaged().empty());
}

TEST_F(AlertDocumentTest, OneThatIsDamagedIsSetAside) {
  ASSERT_TRUE(state_->Write(kAlertDocument, "{").ok());
  RestoreAlerts(*state_, &board_);
  EXPECT_FALSE(board_.List(kNow).at(0).firing);
  EXPECT_EQ(state_->damaged().size(), 1u);
}

}  // namespace
}  // namespace gateway
