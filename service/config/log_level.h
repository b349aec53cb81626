// Levels of the log, as the configuration and the contract write them and as
// the log takes them.
//
// Thread-safe: plain functions.

#ifndef SERVICE_CONFIG_LOG_LEVEL_H_
#define SERVICE_CONFIG_LOG_LEVEL_H_

#include "base/os/logging.h"
#include "llmgateway/config/v1/observability.pb.h"

namespace gateway {

// Unspecified ones are kInfo.
LogLevel ToLogLevel(llmgateway::config::v1::LogLevel level);

llmgateway::config::v1::LogLevel FromLogLevel(LogLevel level);

}  // namespace gateway

#endif  // SERVICE_CONFIG_LOG_LEVEL_H_
