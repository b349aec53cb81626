// A `budget_config` as a GatewayConfig: budgets of sessions, work orders and
// agents, limits of how fast they and providers are asked, and prices. What
// becomes of each field is told in docs/compatible_configurations.md.
//
//   TranslateBudgetConfig(file, "budget_config", /*bypassed=*/false,
//                         &translation);
//   config.budgets().sessions().session_tokens();  // 100000
//
// Thread-safe.

#ifndef SERVICE_CONFIG_COMPATIBILITY_BUDGET_CONFIG_H_
#define SERVICE_CONFIG_COMPATIBILITY_BUDGET_CONFIG_H_

#include <string_view>

#include "service/config/compatibility/foreign_files.pb.h"
#include "service/config/compatibility/translation.h"

namespace gateway {

// `section` is where the file has it. Who is `bypassed` is counted, and told
// nothing.
void TranslateBudgetConfig(const llmgateway::compatibility::BudgetConfig& file,
                           std::string_view section, bool bypassed,
                           Translation* translation);

}  // namespace gateway

#endif  // SERVICE_CONFIG_COMPATIBILITY_BUDGET_CONFIG_H_
