#include "service/routing/selection/selection_state.h"

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(SelectionStateTest, BeginsWithoutOverridesAndCalls) {
  SelectionState state(2);
  EXPECT_TRUE(state.overrides.Get()->all().empty());
  PerformanceHistory* const history = state.performance.HistoryOf("m");
  ASSERT_NE(history, nullptr);
  EXPECT_EQ(history->Read(absl::UnixEpoch()).calls(), 0);
}

}  // namespace
}  // namespace gateway
