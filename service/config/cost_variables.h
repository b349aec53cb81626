// What variables of another gateway say of costs, as budgets of this one.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       const std::string field,
//       AddCostBudget("12.50", "cost-limit", Budget::MODE_ENFORCE, &config));
//
// Thread-safe: a plain function.

#ifndef SERVICE_CONFIG_COST_VARIABLES_H_
#define SERVICE_CONFIG_COST_VARIABLES_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "llmgateway/config/v1/config.pb.h"

namespace gateway {

// Adds a budget of what all calls together may cost, for ever, and returns the
// path of its limit; an empty one, and adds nothing, if that is 0, which is no
// limit. An InvalidArgument if `dollars` is no amount.
absl::StatusOr<std::string> AddCostBudget(
    std::string_view dollars, std::string_view name,
    llmgateway::config::v1::Budget::Mode mode,
    llmgateway::config::v1::GatewayConfig* config);

// Has the cheapest of the models that qualify be chosen where the call does not
// say how; or, if it is off, not so where the file says so. False if there are
// no models to choose among.
bool SetCostOptimization(bool is_on,
                         llmgateway::config::v1::GatewayConfig* config);

}  // namespace gateway

#endif  // SERVICE_CONFIG_COST_VARIABLES_H_
