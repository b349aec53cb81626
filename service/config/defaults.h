// Fills in what a configuration leaves out, so that the one in use says
// everything and nobody has to look defaults up elsewhere. What only one kind
// of provider has is filled in by its ProviderKind.
//
//   ApplyDefaults(kinds, &config);
//   config.runtime().drain_grace();  // Set, whatever the file said.
//
// The file's comments in proto/llmgateway/config/v1 state the same values;
// deploy/config/reference.yaml spells them out and a test compares.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_DEFAULTS_H_
#define SERVICE_CONFIG_DEFAULTS_H_

#include "llmgateway/config/v1/config.pb.h"
#include "providers/provider_kind.h"

namespace gateway {

// Sets every field that is not set and has a default. If there are no model
// rules, the shipped ones go in: those whose provider is configured.
void ApplyDefaults(const ProviderKinds& kinds,
                   llmgateway::config::v1::GatewayConfig* config);

// Has each listener without an address be at a port of loopback that is free,
// where ApplyDefaults would give it one that another program may have.
void UseFreePorts(llmgateway::config::v1::GatewayConfig* config);

}  // namespace gateway

#endif  // SERVICE_CONFIG_DEFAULTS_H_
