#include "service/log_options.h"

#include <utility>

#include "base/os/logging.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/observability.pb.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

TEST(LogOptionsTest, EveryLevelIsTheLogs) {
  const std::pair<configv1::LogLevel, LogLevel> pairs[] = {
      {configv1::LOG_LEVEL_TRACE, LogLevel::kTrace},
      {configv1::LOG_LEVEL_DEBUG, LogLevel::kDebug},
      {configv1::LOG_LEVEL_INFO, LogLevel::kInfo},
      {configv1::LOG_LEVEL_WARN, LogLevel::kWarn},
      {configv1::LOG_LEVEL_ERROR, LogLevel::kError},
      {configv1::LOG_LEVEL_OFF, LogLevel::kOff}};
  for (const auto& [configured, expected] : pairs) {
    configv1::LoggingConfig config;
    config.set_level(configured);
    EXPECT_EQ(LogLevelsOf(config).level, expected);
  }
}

TEST(LogOptionsTest, ModulesHaveLevelsOfTheirOwn) {
  configv1::LoggingConfig config;
  config.set_level(configv1::LOG_LEVEL_INFO);
  config.set_file("/var/log/gateway.log");
  (*config.mutable_module_levels())["net"] = configv1::LOG_LEVEL_DEBUG;
  const LoggingOptions options = LoggingOptionsOf(config);
  EXPECT_EQ(options.file, "/var/log/gateway.log");
  EXPECT_EQ(options.levels.level, LogLevel::kInfo);
  EXPECT_EQ(options.levels.module_levels.at("net"), LogLevel::kDebug);
}

}  // namespace
}  // namespace gateway
