#include "service/log_options.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
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

TEST(LogOptionsTest, LinesAreJsonAndNothingIsSetAsideUnlessConfigured) {
  const LoggingOptions plain = LoggingOptionsOf({});
  EXPECT_EQ(plain.format, LogFormat::kJson);
  EXPECT_FALSE(plain.rotation.is_on());
  configv1::LoggingConfig config;
  config.set_format(configv1::LOG_FORMAT_CONSOLE);
  config.mutable_rotation()->set_size_bytes_limit(1 << 20);
  config.mutable_rotation()->mutable_interval()->set_seconds(3600);
  config.mutable_rotation()->set_files_limit(3);
  const LoggingOptions options = LoggingOptionsOf(config);
  EXPECT_EQ(options.format, LogFormat::kConsole);
  EXPECT_EQ(options.rotation.size_bytes, 1 << 20);
  EXPECT_EQ(options.rotation.interval, absl::Hours(1));
  EXPECT_EQ(options.rotation.files, 3);
}

TEST(LogOptionsTest, LinesOfTheAccessLogHaveTheMembersThatAreNamed) {
  configv1::LoggingConfig config;
  EXPECT_TRUE(AccessLogOptionsOf(config).members.empty());
  config.add_access_log_fields("request_id");
  config.add_access_log_fields("status");
  EXPECT_EQ(AccessLogOptionsOf(config).members,
            (std::vector<std::string>{"request_id", "status"}));
}

TEST(LogOptionsTest, CallsAreLoggedIfThatIsConfigured) {
  configv1::LoggingConfig config;
  auto log = OpenAccessLog(config);
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(*log, nullptr);
  config.set_access_log(true);
  log = OpenAccessLog(config);
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_NE(*log, nullptr);
}

}  // namespace
}  // namespace gateway
