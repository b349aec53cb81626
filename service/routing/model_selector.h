// ModelSelector chooses among the configured policies for one call, by what the
// call asks for and what is known now: overrides, how calls went, credentials,
// who rests.
//
//   const ModelSelector selector(config.selection(), health, state);
//   GATEWAY_ASSIGN_OR_RETURN(
//       const std::shared_ptr<const RouteSelection> chosen,
//       selector.Select({.asked = &asked, .now = now}));
//   chosen->reason;         // "selection:balanced"
//   chosen->target;         // openrouter, google/gemini-2.0-flash-exp
//   chosen->result.score;   // 60.0
//
// Thread-safe.

#ifndef SERVICE_ROUTING_MODEL_SELECTOR_H_
#define SERVICE_ROUTING_MODEL_SELECTOR_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "llmgateway/config/v1/selection.pb.h"
#include "service/routing/route_target.h"
#include "service/routing/selection/model_performance.h"
#include "service/routing/selection/model_policy.h"
#include "service/routing/selection/model_selection.h"
#include "service/routing/selection/selection_state.h"
#include "service/routing/target_health.h"

namespace gateway {

// What a call needs that a target does not have, in words; empty if nothing.
using TargetLacks = absl::FunctionRef<std::string(const RouteTarget&)>;

// A model that was chosen for a call. Its texts are valid as long as this and
// the selector.
struct RouteSelection {
  SelectionResult result;
  std::string reason;  // `override:<node>` or `selection:<strategy>`.
  RouteTarget target;
  // Of result.fallback_chain.
  absl::InlinedVector<RouteTarget, kFallbackChainMax> fallbacks;
};

class ModelSelector {
 public:
  struct Query {
    // What is asked for; what else a SelectionQuery has, is filled in here.
    const SelectionQuery* asked = nullptr;
    absl::Time now;                      // Wall time.
    const TargetLacks* lacks = nullptr;  // Null if nothing is known to lack.
  };
  using Candidates = std::vector<SelectionCandidate>;

  // Borrows `health`. REQUIRES: the configuration has passed validation.
  ModelSelector(const llmgateway::config::v1::SelectionConfig& config,
                const TargetHealth& health,
                std::shared_ptr<SelectionState> state);

  const PolicyTable& table() const { return table_; }
  // Where calls do not say.
  SelectionStrategy default_strategy() const { return default_strategy_; }
  // Whether others are asked if the chosen model fails.
  bool has_fallbacks() const { return has_fallbacks_; }
  // How the calls of the table's policies went, in their order.
  std::shared_ptr<const PerformanceView::Records> Performance(
      absl::Time now) const {
    return performance_.At(now);
  }

  // What an operator has given to the node, if it can serve the call; else
  // null. `why_not`, if not null, is set to why one that there is cannot.
  std::shared_ptr<const RouteSelection> SelectOverride(
      const Query& query, std::string* why_not = nullptr) const;

  // As SelectModel, whose faults it has. Of models that all rest, one is chosen
  // all the same: the caller hears until when. One that is out of use until
  // somebody acts is chosen only if all of them are. One whose provider fails
  // its probes comes behind the others, and is refused nothing.
  absl::StatusOr<std::shared_ptr<const RouteSelection>> Select(
      const Query& query, Candidates* candidates = nullptr) const;

  // What stands in the way of a policy now, whatever a call asks for.
  SelectionObstacle ObstacleNow(size_t place) const;

  RouteTarget TargetOf(const ModelPolicy& policy) const {
    return {policy.provider, policy.model};
  }

 private:
  // Which of the models that cannot be asked now are passed over: first all
  // of them, and fewer where nobody else is left.
  enum class PassedOver { kNobody, kOutOfUse, kAllThatRest };

  // What a query becomes with all that is known now.
  struct Completed {
    SelectionQuery query;
    std::shared_ptr<const PerformanceView::Records> records;
    PassedOver passed_over = PassedOver::kAllThatRest;
    bool any_rests = false;
  };

  void Complete(const Query& query, Completed* completed) const;
  std::shared_ptr<const RouteSelection> RouteOf(const SelectionQuery& query,
                                                SelectionResult result) const;

  const TargetHealth& health_;
  const std::shared_ptr<SelectionState> state_;
  const PolicyTable table_;
  const SelectionStrategy default_strategy_;
  const bool has_fallbacks_;
  mutable PerformanceView performance_;
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_MODEL_SELECTOR_H_
