#include "base/os/descriptor_limit.h"

#include <sys/resource.h>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(DescriptorLimitTest, RaisesTheSoftLimitToTheHardOne) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  if (before.rlim_max < 512) GTEST_SKIP() << "the hard limit is too low";
  const rlimit low{256, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  const size_t limit = RaiseDescriptorLimit();
  rlimit after{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, limit);
  EXPECT_GT(limit, low.rlim_cur);
  EXPECT_LE(limit, kDescriptorsMax);
  EXPECT_EQ(RaiseDescriptorLimit(), limit);
  setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace gateway
