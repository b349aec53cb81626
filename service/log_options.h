// What the log is told by the configuration.
//
//   StartLogging(LoggingOptionsOf(config.logging()));
//   GATEWAY_ASSIGN_OR_RETURN(access_log, OpenAccessLog(config.logging()));
//   SetLogLevels(LogLevelsOf(next.logging()));
//
// Thread-safe: plain functions.

#ifndef SERVICE_LOG_OPTIONS_H_
#define SERVICE_LOG_OPTIONS_H_

#include <memory>

#include "absl/status/statusor.h"
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

// Null if calls are not logged. Errors are those of AccessLog::Open.
absl::StatusOr<std::unique_ptr<AccessLog>> OpenAccessLog(
    const llmgateway::config::v1::LoggingConfig& config);

}  // namespace gateway

#endif  // SERVICE_LOG_OPTIONS_H_
