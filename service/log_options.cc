#include "service/log_options.h"

namespace gateway {
namespace {

LogLevel ToLogLevel(llmgateway::config::v1::LogLevel level) {
  switch (level) {
    case llmgateway::config::v1::LOG_LEVEL_TRACE:
      return LogLevel::kTrace;
    case llmgateway::config::v1::LOG_LEVEL_DEBUG:
      return LogLevel::kDebug;
    case llmgateway::config::v1::LOG_LEVEL_WARN:
      return LogLevel::kWarn;
    case llmgateway::config::v1::LOG_LEVEL_ERROR:
      return LogLevel::kError;
    case llmgateway::config::v1::LOG_LEVEL_OFF:
      return LogLevel::kOff;
    default:
      return LogLevel::kInfo;
  }
}

}  // namespace

LogLevels LogLevelsOf(const llmgateway::config::v1::LoggingConfig& config) {
  LogLevels levels;
  levels.level = ToLogLevel(config.level());
  for (const auto& [module, level] : config.module_levels()) {
    levels.module_levels[module] = ToLogLevel(level);
  }
  return levels;
}

LoggingOptions LoggingOptionsOf(
    const llmgateway::config::v1::LoggingConfig& config) {
  LoggingOptions options;
  options.levels = LogLevelsOf(config);
  options.file = config.file();
  return options;
}

}  // namespace gateway
