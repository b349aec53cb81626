// The one list of the kinds of provider that this gateway has. A new one is a
// folder with its ProviderKind, a field of the `oneof` in provider.proto, and
// one line here.
//
// Thread contract: plain function, called at start-up.

#ifndef PROVIDERS_REGISTRY_ALL_PROVIDERS_H_
#define PROVIDERS_REGISTRY_ALL_PROVIDERS_H_

#include "providers/provider_kind.h"

namespace gateway {

// Returns them in the order in which the shipped rules ask for their models.
ProviderKinds AllProviderKinds();

}  // namespace gateway

#endif  // PROVIDERS_REGISTRY_ALL_PROVIDERS_H_
