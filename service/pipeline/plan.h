// Plan, the second stage: where does the call go, why, and in which form? It
// asks nobody (service/routing/router.h decides by the rules), and refuses what
// no target of the plan could serve.
//
//   GATEWAY_ASSIGN_OR_RETURN(call.planned,
//                            Plan(call, call.caller, call.admitted));
//
// Thread contract: one call, by one thread at a time.

#ifndef SERVICE_PIPELINE_PLAN_H_
#define SERVICE_PIPELINE_PLAN_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/memory/recycler.h"
#include "providers/models/model_facts.h"
#include "providers/registry/registry.h"
#include "service/pipeline/admission.h"
#include "service/pipeline/incoming_call.h"
#include "service/pipeline/response_store.h"
#include "service/routing/fallback_plan.h"
#include "service/routing/model_selector.h"
#include "service/routing/route_target.h"
#include "service/routing/router.h"

namespace gateway {

// A provider, and what it would be asked. Valid until the call ends.
struct PlannedTarget {
  const ProviderRegistry::Entry* provider = nullptr;
  // The model by the name that the routing gave it, and by the provider's.
  std::string_view model;
  std::string_view upstream_model;
  std::string_view recorded_model;  // As records name it (recorded_model.h).
  ModelFacts facts;
  // The provider speaks the API's dialect: header fields of the caller's own
  // that belong to it may go along.
  bool speaks_dialect = false;
  // The bytes of the request go to the provider, and those of the answer to the
  // caller, as they are.
  bool forwards = false;
  // The target as one of those that it is compared with; null if it is not.
  GroupMember* member = nullptr;
};

// The targets of a call one after another, each planned when its turn comes.
// One that could not serve the request is passed over.
class TargetWalk final : public Recycled {
 public:
  // Borrows all of them. `considered`, if not null, receives each target that
  // is looked at.
  TargetWalk(IncomingCall& call, const Caller& caller, const Admitted& admitted,
             RoutePlan route,
             std::vector<ConsideredFallback>* considered = nullptr);
  TargetWalk(const TargetWalk&) = delete;
  TargetWalk& operator=(const TargetWalk&) = delete;

  // The first of all. Fails as the rule's own target does if nobody can serve.
  absl::StatusOr<PlannedTarget> First();

  // Whom to ask after the last one has failed so. Fails with `failure` if there
  // is nobody. A raw request may have to be read for that.
  absl::StatusOr<PlannedTarget> Next(const absl::Status& failure);

  // Whether Next would find one of whom `may_be_asked` says yes, after a
  // failure that says nothing of the request. What they lack is not looked at.
  bool HasNext(absl::FunctionRef<bool(const RouteTarget&)> may_be_asked);

  // How many targets there may yet be, at most.
  size_t targets_left() const;

 private:
  // Plans a target, and returns what it lacks; an empty text if nothing.
  std::string_view Consider(const RouteTarget& target);
  auto Considering() {
    return [this](const RouteTarget& target) { return Consider(target); };
  }

  IncomingCall& call_;
  const Caller& caller_;
  const Admitted& admitted_;
  RoutePlan route_;
  FallbackPlan plan_;
  // The target that was considered last, and why it cannot serve.
  PlannedTarget considered_;
  absl::Status obstacle_;
  // Of the first that was considered.
  absl::Status first_obstacle_;
};

// Returns where the rules lead the call, without asking whether they are rolled
// out to its caller. Fails as Router::Plan does, and keeps `steps` like that.
absl::StatusOr<RoutePlan> PlanByRules(IncomingCall& call, const Caller& caller,
                                      const Admitted& admitted,
                                      std::vector<RouteStep>* steps = nullptr);

// Returns the texts of a prompt that say which agent asks.
PromptTexts TextsOf(const llmgateway::v1::GenerateRequest& request);

// What Plan has decided.
struct Planned {
  // Where the call goes first; without a provider before the stage.
  PlannedTarget first;
  // As in RoutePlan.
  std::string_view reason;
  // Where it goes then; null if there is nobody else. Goes on as attempts fail.
  std::unique_ptr<TargetWalk> next;
  // What the request refers to lives at the first target, and its credential
  // alone will do; null if it refers to nothing.
  ResponseStore::Entry stored_at;
  // As in RoutePlan.
  std::shared_ptr<const RouteSelection> selection;
};

// Faults: the Router's; those of CheckContinued, CheckNamedCapabilities and
// CheckCapabilities; FORBIDDEN and MODEL_NOT_ALLOWED where the caller's scopes
// leave no target;
// NOT_FOUND for a stored response of which nothing is known. `caller` outlives
// the result.
absl::StatusOr<Planned> Plan(IncomingCall& call, const Caller& caller,
                             const Admitted& admitted);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_PLAN_H_
