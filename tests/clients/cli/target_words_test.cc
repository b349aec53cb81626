#include "clients/cli/target_words.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(TargetWordsTest, AModelStandsBehindItsProvider) {
  const auto target = TargetOf("router/vendor/model");
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(target->provider(), "router");
  EXPECT_EQ(target->model(), "vendor/model");
  EXPECT_EQ(TargetText("router", "vendor/model"), "router/vendor/model");
  EXPECT_EQ(TargetText("router", ""), "router");
}

TEST(TargetWordsTest, BothAreNeeded) {
  for (const char* const wrong : {"", "gpt-5", "/gpt-5", "openai/"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(TargetOf(wrong).status())) << wrong;
  }
}

}  // namespace
}  // namespace gateway
