// What the configuration of whatever records calls has where it says nothing:
// so far, the ledger.
//
// Thread-safe: a plain function.

#ifndef SERVICE_CONFIG_RECORD_DEFAULTS_H_
#define SERVICE_CONFIG_RECORD_DEFAULTS_H_

#include "llmgateway/config/v1/config.pb.h"

namespace gateway {

void FillRecords(llmgateway::config::v1::GatewayConfig* config);

}  // namespace gateway

#endif  // SERVICE_CONFIG_RECORD_DEFAULTS_H_
