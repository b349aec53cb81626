// Checks how much callers may spend.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_BUDGETS_VALIDATOR_H_
#define SERVICE_CONFIG_BUDGETS_VALIDATOR_H_

#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"

namespace gateway {

// Adds what is wrong with `config.budgets()`, and with the budgets that callers
// are charged to by their keys. REQUIRES: the defaults are filled in.
void CheckBudgets(const llmgateway::config::v1::GatewayConfig& config,
                  const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_BUDGETS_VALIDATOR_H_
