// What the log is told by the configuration.
//
//   StartLogging(LoggingOptionsOf(config.logging()));
//   AccessLog::Open(AccessLogOptionsOf(config.logging()));
//   SetLogLevels(LogLevelsOf(next.logging()));
//
// Thread-safe: plain functions.

#ifndef SERVICE_LOG_OPTIONS_H_
#define SERVICE_LOG_OPTIONS_H_

#include "base/os/logging.h"
#include "llmgateway/config/v1/observability.pb.h"
#include "service/observability/access_log.h"

namespace gateway {

// REQUIRES: `config` has its defaults, here and below.
LogLevels LogLevelsOf(const llmgateway::config::v1::LoggingConfig& config);

LoggingOptions LoggingOptionsOf(
    const llmgateway::config::v1::LoggingConfig& config);

AccessLog::Options AccessLogOptionsOf(
    const llmgateway::config::v1::LoggingConfig& config);

}  // namespace gateway

#endif  // SERVICE_LOG_OPTIONS_H_
