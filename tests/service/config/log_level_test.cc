#include "service/config/log_level.h"

#include "gtest/gtest.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

TEST(LogLevelTest, EachLevelIsTheSameInBothForms) {
  for (int number = configv1::LOG_LEVEL_TRACE; number <= configv1::LogLevel_MAX;
       ++number) {
    const auto level = static_cast<configv1::LogLevel>(number);
    EXPECT_EQ(FromLogLevel(ToLogLevel(level)), level);
    // They have the same order.
    EXPECT_EQ(static_cast<int>(ToLogLevel(level)),
              number - configv1::LOG_LEVEL_TRACE);
  }
}

TEST(LogLevelTest, WhatIsNotSaidIsInfo) {
  EXPECT_EQ(ToLogLevel(configv1::LOG_LEVEL_UNSPECIFIED), LogLevel::kInfo);
}

}  // namespace
}  // namespace gateway
