// Reads policies and nodes as they are configured.
//
//   const PolicyTable table(PoliciesOf(config), NodesOf(config));
//   ParseCostPer1k("0.00015");  // 150'000'000 nano-dollars per million tokens
//
// Thread contract: pure functions.

#ifndef SERVICE_ROUTING_SELECTION_SELECTION_CONFIG_H_
#define SERVICE_ROUTING_SELECTION_SELECTION_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/config/v1/selection.pb.h"
#include "service/routing/selection/model_capability.h"
#include "service/routing/selection/model_policy.h"
#include "service/routing/selection/model_selection.h"

namespace gateway {

// Returns a price in dollars per thousand tokens, as in `0.003`, in
// nano-dollars per million; nothing if it is no decimal text of 0 to 1000 with
// at most 12 digits behind the point.
std::optional<int64_t> ParseCostPer1k(std::string_view text);

// Returns the capabilities of these names; those that are not known are left
// out.
CapabilitySet CapabilitiesOf(
    const google::protobuf::RepeatedPtrField<std::string>& names);

// REQUIRES, here and below: defaults have been filled in.
std::vector<ModelPolicy> PoliciesOf(
    const llmgateway::config::v1::SelectionConfig& config);

std::vector<NodeRequirement> NodesOf(
    const llmgateway::config::v1::SelectionConfig& config);

SelectionStrategy DefaultStrategyOf(
    const llmgateway::config::v1::SelectionConfig& config);

// Whether others are asked if the chosen model fails.
bool HasFallbacks(const llmgateway::config::v1::SelectionConfig& config);

}  // namespace gateway

#endif  // SERVICE_ROUTING_SELECTION_SELECTION_CONFIG_H_
