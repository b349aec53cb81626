// The gateway's program, with all kinds of providers that the tree has.
//
//   gateway --config deploy/config/quickstart.yaml
//   gateway --config gateway.yaml --check_config --strict
//   gateway --config gateway.yaml --pid_file /run/llm-gateway/gateway.pid

#include "providers/registry/all_providers.h"
#include "service/run_gateway.h"

int main(int argc, char** argv) {
  return gateway::RunGateway(argc, argv, gateway::AllProviderKinds());
}
