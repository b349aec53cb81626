// The defaults of `tools`, among them the tools that a code orchestrator has.
//
//   if (config.has_tools()) FillTools(config.mutable_tools());
//
// Thread-safe: plain function.

#ifndef SERVICE_CONFIG_TOOLS_DEFAULTS_H_
#define SERVICE_CONFIG_TOOLS_DEFAULTS_H_

#include "llmgateway/config/v1/tools.pb.h"

namespace gateway {

// Fills in what is not set.
void FillTools(llmgateway::config::v1::ToolServiceConfig* tools);

}  // namespace gateway

#endif  // SERVICE_CONFIG_TOOLS_DEFAULTS_H_
