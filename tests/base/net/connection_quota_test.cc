#include "base/net/connection_quota.h"

#include <utility>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(ConnectionQuotaTest, GivesSoManyPlacesAndNoMore) {
  ConnectionQuota quota(2);
  ConnectionQuota::Place first = quota.Take();
  ConnectionQuota::Place second = quota.Take();
  EXPECT_TRUE(first.taken());
  EXPECT_TRUE(second.taken());
  EXPECT_FALSE(quota.Take().taken());
  first.Leave();
  EXPECT_FALSE(first.taken());
  ConnectionQuota::Place third = quota.Take();
  EXPECT_TRUE(third.taken());
  EXPECT_FALSE(quota.Take().taken());
}

TEST(ConnectionQuotaTest, APlaceThatIsHandedOnIsOnePlace) {
  ConnectionQuota quota(1);
  {
    ConnectionQuota::Place first = quota.Take();
    ConnectionQuota::Place second = std::move(first);
    EXPECT_TRUE(second.taken());
    EXPECT_FALSE(quota.Take().taken());
  }
  EXPECT_TRUE(quota.Take().taken());
}

TEST(ConnectionQuotaTest, LeavesDescriptorsToOthers) {
  EXPECT_EQ(ConnectionQuota::OperatorsShareOf(1024), 64u);
  EXPECT_EQ(ConnectionQuota::CallersShareOf(1024), 424u);
  EXPECT_EQ(ConnectionQuota::OperatorsShareOf(10), 16u);
  EXPECT_EQ(ConnectionQuota::CallersShareOf(10), 1u);
  EXPECT_EQ(ConnectionQuota::OperatorsShareOf(1'000'000), 1024u);
}

}  // namespace
}  // namespace gateway
