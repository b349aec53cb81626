// The rollout as a step of Plan: are the rules for this call and, if they are
// not, where does it go instead? Whoever explains a route asks here, too, so
// that it says what the call would meet.
//
//   if (!IsRolledOutTo(runtime, {.caller = "team-a"})) {
//     return PlanOutsideRollout(runtime, {.model = "gpt-5"});
//   }
//
// Thread-safe: plain functions.

#ifndef SERVICE_PIPELINE_ROLLOUT_ROUTE_H_
#define SERVICE_PIPELINE_ROLLOUT_ROUTE_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/routing/router.h"

namespace gateway {

// By what a call is placed: the first of them that is not empty.
struct RolloutPlace {
  std::string_view caller;  // The id of the caller's key.
  std::string_view user_id;
  std::string_view request_id;
};

// Whether the call is one of the share that the rules are for now.
bool IsRolledOutTo(const RuntimeSnapshot& runtime, const RolloutPlace& place);

// What a call outside of the share asks for; empty where it says nothing.
struct RolloutQuery {
  std::string_view model;
  std::string_view provider;
};

// Where it goes: to `rollout.baseline`. NOT_ROLLED_OUT if there is none, or if
// the call asks for something else. The plan's texts are valid as long as the
// runtime and the query's.
absl::StatusOr<RoutePlan> PlanOutsideRollout(const RuntimeSnapshot& runtime,
                                             const RolloutQuery& query);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_ROLLOUT_ROUTE_H_
