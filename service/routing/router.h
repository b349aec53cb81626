// Router decides where a request goes and says why. The first that applies
// wins:
//
//   explicit provider  >  model rule, in configured order  >  default target
//
// A rule whose provider has no credential is skipped. With `strict`, a model
// that no rule knows is refused instead of going to the default.
//
//   GATEWAY_ASSIGN_OR_RETURN(const RoutePlan plan,
//                            router.Plan({.model = "gpt-5-mini"}));
//   plan.targets[0].provider;  // "openai"
//   plan.reason;               // "model_rule:gpt-"
//
// Pure: no I/O, no clock, no provider; what it must know of the world comes
// through TargetHealth.
//
// Thread contract: immutable, shared by all loops.

#ifndef SERVICE_ROUTING_ROUTER_H_
#define SERVICE_ROUTING_ROUTER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "llmgateway/type/v1/target.pb.h"
#include "service/routing/model_matcher.h"
#include "service/routing/target_health.h"

namespace gateway {

// What of a request decides where it goes.
struct RouteQuery {
  std::string_view model;
  std::string_view provider;  // As named by the caller; empty if it names none.
};

// The provider is valid as long as the router; so is the model, unless it is
// the query's own, which no rule replaced.
struct RouteTarget {
  std::string_view provider;
  std::string_view model;
};

struct RoutePlan {
  // At least one, the best first.
  absl::InlinedVector<RouteTarget, 1> targets;
  // `explicit`, `model_rule:<what matched>` or `default`. Valid as long as the
  // router.
  std::string_view reason;
};

// A rule that was considered, for operators who ask why.
struct RouteStep {
  std::string rule;     // As in RoutePlan::reason.
  std::string outcome;  // `chosen`, `no match`, `no credential`, ...
};

class Router {
 public:
  // Borrows `health`. REQUIRES: the configuration has passed validation.
  Router(const llmgateway::config::v1::RoutingConfig& config,
         const TargetHealth& health);

  // True if a request that names no model can be routed: the default target
  // names one.
  bool knows_default_model() const {
    return !strict_ && !default_.model().empty();
  }

  // Faults: INVALID_REQUEST without a model where there must be one,
  // UNIMPLEMENTED for a tier in its place, PROVIDER_NOT_FOUND for an unknown
  // explicit provider, PROVIDER_AUTH_FAILED for one without a credential,
  // MODEL_NOT_FOUND when nothing applies. `steps`, if not null, receives every
  // rule that was considered.
  absl::StatusOr<RoutePlan> Plan(const RouteQuery& query,
                                 std::vector<RouteStep>* steps = nullptr) const;

 private:
  struct Rule {
    ModelMatcher matcher;
    llmgateway::type::v1::Target target;
    std::string reason;
  };

  // Plans a request without a model.
  absl::StatusOr<RoutePlan> PlanUnnamed(const RouteQuery& query,
                                        std::vector<RouteStep>* steps) const;
  absl::StatusOr<RoutePlan> PlanExplicit(const RouteQuery& query,
                                         std::vector<RouteStep>* steps) const;
  // `skipped` is the first rule that matched but was skipped; null if there was
  // none.
  absl::StatusOr<RoutePlan> PlanDefault(const RouteQuery& query,
                                        const Rule* skipped,
                                        std::vector<RouteStep>* steps) const;

  const TargetHealth& health_;
  std::vector<Rule> rules_;
  // Without a provider if there is none.
  llmgateway::type::v1::Target default_;
  bool strict_;
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_ROUTER_H_
