#include "service/shared_budgets.h"

#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/os/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/store/temporary_folder.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class ReplicaNameTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::string ledger_ = folder_.Path("ledger.db");
};

TEST_F(ReplicaNameTest, ItIsTheSameAfterARestart) {
  const absl::StatusOr<std::string> name = ReplicaNameBeside(ledger_);
  ASSERT_TRUE(name.ok()) << name.status();
  EXPECT_EQ(name->size(), 16u);
  EXPECT_EQ(*ReplicaNameBeside(ledger_), *name);
  EXPECT_NE(*ReplicaNameBeside(folder_.Path("other.db")), *name);
}

TEST_F(ReplicaNameTest, WhatIsNoneIsRefused) {
  std::ofstream(ledger_ + ".replica") << "a name with spaces\n";
  const absl::Status refused = ReplicaNameBeside(ledger_).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("ledger.path: "));
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr("16 hexadecimal digits"));
}

TEST_F(ReplicaNameTest, WhereItCannotBeWrittenIsSaid) {
  const absl::Status refused =
      ReplicaNameBeside(folder_.Path("none/ledger.db")).status();
  EXPECT_FALSE(refused.ok());
  EXPECT_THAT(std::string(refused.message()), HasSubstr("ledger.path: "));
}

TEST(SharedBudgetsTest, WithoutRedisThereIsNothingToStop) {
  SharedBudgets budgets(SystemClock());
  EXPECT_NE(budgets.sharer(), nullptr);
  EXPECT_EQ(budgets.sharer()->figures().exchanges, 0);
  budgets.Stop();
}

}  // namespace
}  // namespace gateway
