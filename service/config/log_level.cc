#include "service/config/log_level.h"

namespace gateway {

namespace configv1 = ::llmgateway::config::v1;

LogLevel ToLogLevel(configv1::LogLevel level) {
  switch (level) {
    case configv1::LOG_LEVEL_TRACE:
      return LogLevel::kTrace;
    case configv1::LOG_LEVEL_DEBUG:
      return LogLevel::kDebug;
    case configv1::LOG_LEVEL_WARN:
      return LogLevel::kWarn;
    case configv1::LOG_LEVEL_ERROR:
      return LogLevel::kError;
    case configv1::LOG_LEVEL_OFF:
      return LogLevel::kOff;
    default:
      return LogLevel::kInfo;
  }
}

configv1::LogLevel FromLogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return configv1::LOG_LEVEL_TRACE;
    case LogLevel::kDebug:
      return configv1::LOG_LEVEL_DEBUG;
    case LogLevel::kInfo:
      return configv1::LOG_LEVEL_INFO;
    case LogLevel::kWarn:
      return configv1::LOG_LEVEL_WARN;
    case LogLevel::kError:
      return configv1::LOG_LEVEL_ERROR;
    case LogLevel::kOff:
      break;
  }
  return configv1::LOG_LEVEL_OFF;
}

}  // namespace gateway
