#include "service/log_options.h"

#include "proto/proto_time.h"
#include "service/config/log_level.h"

namespace gateway {
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
  options.format = config.format() == llmgateway::config::v1::LOG_FORMAT_CONSOLE
                       ? LogFormat::kConsole
                       : LogFormat::kJson;
  options.file = config.file();
  if (config.has_rotation()) {
    options.rotation = {.size_bytes = config.rotation().size_bytes_limit(),
                        .interval = ToAbsl(config.rotation().interval()),
                        .files = config.rotation().files_limit()};
  }
  return options;
}

AccessLog::Options AccessLogOptionsOf(
    const llmgateway::config::v1::LoggingConfig& config) {
  AccessLog::Options options;
  options.members.assign(config.access_log_fields().begin(),
                         config.access_log_fields().end());
  return options;
}

absl::StatusOr<std::unique_ptr<AccessLog>> OpenAccessLog(
    const llmgateway::config::v1::LoggingConfig& config) {
  if (!config.access_log()) return nullptr;
  return AccessLog::Open(AccessLogOptionsOf(config));
}

}  // namespace gateway
