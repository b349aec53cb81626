#include "service/learned_state.h"

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/api/override_document.h"
#include "service/api/performance_document.h"
#include "tests/service/store/temporary_folder.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::SizeIs;

class LearnedStateTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::unique_ptr<StateStore> state_ = *StateStore::Open(folder_.path());
  std::shared_ptr<const RuntimeSnapshot> first_ =
      MakeTestRuntime("providers: [{name: mock, mock: {}}]\n");
};

TEST_F(LearnedStateTest, WhatOperatorsHaveSaidIsRestored) {
  const OverrideSet said(
      std::vector<NodeOverride>{{.node = "writer", .model = "gpt-x"}});
  ASSERT_TRUE(state_
                  ->Write(kOverrideDocument,
                          WriteOverrides(said, first_->clock().WallTime()))
                  .ok());
  RestoreOperators(*state_, *first_);
  EXPECT_THAT(first_->selection().overrides.Get()->all(), SizeIs(1));
}

TEST_F(LearnedStateTest, WhatWasLearnedIsWrittenAtTheEnd) {
  const CurrentRuntime runtime(first_);
  KeepWhatIsLearned(*state_, runtime);
  first_->selection().performance.HistoryOf("m")->Record(
      /*shard=*/0, {.succeeded = true}, first_->clock().WallTime());
  EXPECT_FALSE(state_->Read(kPerformanceDocument)->has_value());
  state_->Close();
  EXPECT_TRUE(state_->Read(kPerformanceDocument)->has_value());
}

}  // namespace
}  // namespace gateway
