// Checks what a configuration asks of the machine that it is for: a log file
// that can be written, addresses that are the machine's own, CA files that hold
// certificates, directories that are there; programs that are installed and a
// folder for its state, whose absence is a warning. What passes on one
// machine may fail on another, so this is no part of validation.
//
//   CheckMachine(kinds, config, environment, places, &problems);
//   // gateway.yaml:3:11: logging.file: cannot open the log /var/x/y.log: ...
//
// Nothing is created and no port is taken: a gateway that runs with the same
// configuration does not notice.
//
// Thread-safe. Blocks on files and on the name `localhost`.

#ifndef SERVICE_CONFIG_MACHINE_CHECK_H_
#define SERVICE_CONFIG_MACHINE_CHECK_H_

#include <string>

#include "llmgateway/config/v1/config.pb.h"
#include "providers/provider_kind.h"
#include "service/config/config_problem.h"
#include "service/config/environment.h"

namespace gateway {

// `state_dir` is where `runtime.state_dir` is, from here; empty if there is
// none. REQUIRES: `config` has its defaults and has passed validation.
void CheckMachine(const ProviderKinds& kinds,
                  const llmgateway::config::v1::GatewayConfig& config,
                  const Environment& environment, const FieldPlaces& places,
                  const std::string& state_dir, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_MACHINE_CHECK_H_
