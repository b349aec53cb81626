// The defaults of what admits calls: who may make them, how many, how often,
// and whether somebody is asked anew.
//
//   FillAdmission(&config);  // ApplyDefaults does.
//
// Thread-safe: plain function.

#ifndef SERVICE_CONFIG_ADMISSION_DEFAULTS_H_
#define SERVICE_CONFIG_ADMISSION_DEFAULTS_H_

#include "llmgateway/config/v1/config.pb.h"
#include "llmgateway/config/v1/rate_limits.pb.h"

namespace gateway {

// Fills in what is not set of the sections that are there. Sections that are
// not stay away: they turn on what they are about.
void FillAdmission(llmgateway::config::v1::GatewayConfig* config);

// The same of one limit that a key has.
void FillKeyLimit(llmgateway::config::v1::KeyLimit* limit);

}  // namespace gateway

#endif  // SERVICE_CONFIG_ADMISSION_DEFAULTS_H_
