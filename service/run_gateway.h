// RunGateway is the gateway's program: flags, environment, signals. A program
// that brings kinds of providers of its own is as short as ours:
//
//   int main(int argc, char** argv) {
//     gateway::ProviderKinds kinds = gateway::AllProviderKinds();
//     kinds.Add(kMyKind);
//     return gateway::RunGateway(argc, argv, kinds);
//   }
//
// Thread contract: called once, by main's thread, before there is any other.

#ifndef SERVICE_RUN_GATEWAY_H_
#define SERVICE_RUN_GATEWAY_H_

#include "providers/provider_kind.h"

namespace gateway {

// Returns the exit code: 0 for a configuration that is fine, --help and
// --version, 1 for anything that is not. A gateway that has served ends the
// process itself: with 0 after a drain, with 1 if that was overtaken by a
// second signal or by the end of its grace.
int RunGateway(int argc, char** argv, const ProviderKinds& kinds);

}  // namespace gateway

#endif  // SERVICE_RUN_GATEWAY_H_
