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

#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "providers/models/model_facts.h"
#include "providers/registry/registry.h"
#include "service/pipeline/admission.h"
#include "service/pipeline/incoming_call.h"
#include "service/pipeline/response_store.h"

namespace gateway {

// A provider, and what it would be asked. Valid until the call ends.
struct PlannedTarget {
  const ProviderRegistry::Entry* provider = nullptr;
  // The model by the name that the routing gave it, and by the provider's.
  std::string_view model;
  std::string_view upstream_model;
  ModelFacts facts;
  // The provider speaks the API's dialect: header fields of the caller's own
  // that belong to it may go along.
  bool speaks_dialect = false;
  // The bytes of the request go to the provider, and those of the answer to the
  // caller, as they are.
  bool forwards = false;
};

// What Plan has decided.
struct Planned {
  // At least one, the best first; none before the stage.
  absl::InlinedVector<PlannedTarget, 1> targets;
  // As in RoutePlan.
  std::string_view reason;
  // What the request refers to lives at the first target, and its credential
  // alone will do; null if it refers to nothing.
  ResponseStore::Entry stored_at;
};

// Faults: the Router's; those of CheckContinued and CheckCapabilities;
// NOT_FOUND for a stored response of which nothing is known.
absl::StatusOr<Planned> Plan(IncomingCall& call, std::string_view caller,
                             const Admitted& admitted);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_PLAN_H_
