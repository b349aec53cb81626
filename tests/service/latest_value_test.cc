#include "service/latest_value.h"

#include "base/secret.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(LatestValueTest, WhoAsksHasACopyOfTheNewest) {
  LatestValue<Secret> password{Secret("one")};
  const Secret before = password.Get();
  password.Set(Secret("two"));
  EXPECT_EQ(before.Reveal(), "one");
  EXPECT_EQ(password.Get().Reveal(), "two");
  EXPECT_EQ(password.Get().Reveal(), "two");
}

}  // namespace
}  // namespace gateway
