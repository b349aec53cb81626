// The variables by which other systems turn tracing on and off, and say where
// spans go; part of compatibility_variables.h.
//
//   LLM_TRACE_ENABLED=1 LLM_TRACE_EXPORTER=otlp   tracing.exporter: otlp_grpc
//   OTLP_ENDPOINT=collector:4317                  tracing.endpoint
//   GATEWAY_TRACE_SAMPLING_RATE=0.1               tracing.sampling_ratio: 0.1
//
// Thread-safe: a plain function.

#ifndef SERVICE_CONFIG_TRACING_VARIABLES_H_
#define SERVICE_CONFIG_TRACING_VARIABLES_H_

#include "llmgateway/config/v1/config.pb.h"
#include "service/config/compatibility_variables.h"
#include "service/config/config_problem.h"

namespace gateway {

// Sets `tracing` by those that are set, before defaults are applied.
void ApplyTracingVariables(const Environment& environment,
                           llmgateway::config::v1::GatewayConfig* config,
                           ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_TRACING_VARIABLES_H_
