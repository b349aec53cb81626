// The commands that a newcomer tries first, for this gateway: its addresses,
// with TLS and a key where it is configured to ask for them, a model that it
// lists, and grpcurl by its path.
//
// Thread contract: plain function. Looks for files.

#ifndef SERVICE_FIRST_CALLS_H_
#define SERVICE_FIRST_CALLS_H_

#include <string>

#include "service/app.h"
#include "service/config/environment.h"
#include "service/config/snapshot.h"

namespace gateway {

// Returns text for a person at a terminal; each command can be pasted. It holds
// no secret: a key is written as a reference that the shell expands.
// `environment` is the gateway's, for its PATH.
std::string FirstCalls(const App::Addresses& at, const ConfigSnapshot& config,
                       const Environment& environment);

}  // namespace gateway

#endif  // SERVICE_FIRST_CALLS_H_
