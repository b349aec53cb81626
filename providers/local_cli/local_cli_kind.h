// What the configuration may say of a command-line tool.
//
// Thread contract: as ProviderKind.

#ifndef PROVIDERS_LOCAL_CLI_LOCAL_CLI_KIND_H_
#define PROVIDERS_LOCAL_CLI_LOCAL_CLI_KIND_H_

#include "providers/provider_kind.h"

namespace gateway {

extern const ProviderKind kLocalCliKind;

}  // namespace gateway

#endif  // PROVIDERS_LOCAL_CLI_LOCAL_CLI_KIND_H_
