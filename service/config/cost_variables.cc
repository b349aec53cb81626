#include "service/config/cost_variables.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "base/status_macros.h"
#include "llmgateway/config/v1/budgets.pb.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "llmgateway/config/v1/selection.pb.h"
#include "service/config/config_problem.h"
#include "service/money/money.h"

namespace gateway {

absl::StatusOr<std::string> AddCostBudget(
    std::string_view dollars, std::string_view name,
    llmgateway::config::v1::Budget::Mode mode,
    llmgateway::config::v1::GatewayConfig* config) {
  GATEWAY_ASSIGN_OR_RETURN(const Money limit, Money::Parse(dollars));
  if (limit == Money()) return std::string();
  const auto place = static_cast<size_t>(config->budgets().rules_size());
  auto& budget = *config->mutable_budgets()->add_rules();
  budget.set_name(std::string(name));
  budget.set_unit(llmgateway::config::v1::LIMIT_UNIT_COST);
  budget.set_limit_usd(limit.Text());
  budget.set_mode(mode);
  return JoinPath(ElementPath("budgets.rules", place), "limit_usd");
}

bool SetCostOptimization(bool is_on,
                         llmgateway::config::v1::GatewayConfig* config) {
  using llmgateway::config::v1::SELECTION_STRATEGY_COST_OPTIMIZED;
  if (!config->routing().has_selection()) return false;
  auto& selection = *config->mutable_routing()->mutable_selection();
  if (is_on) {
    selection.set_default_strategy(SELECTION_STRATEGY_COST_OPTIMIZED);
  } else if (selection.default_strategy() ==
             SELECTION_STRATEGY_COST_OPTIMIZED) {
    selection.clear_default_strategy();
  }
  return true;
}

}  // namespace gateway
