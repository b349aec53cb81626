#include "service/pipeline/rollout_route.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/routing/model_tier.h"
#include "service/routing/rollout.h"

namespace gateway {
namespace {

absl::Status NotRolledOut(std::string_view why) {
  return MakeFault(v1::ERROR_REASON_NOT_ROLLED_OUT,
                   absl::StrCat("the gateway's rules are not rolled out to "
                                "this caller yet",
                                ToAbsl(why)));
}

}  // namespace

bool IsRolledOutTo(const RuntimeSnapshot& runtime, const RolloutPlace& place) {
  return runtime.rollout().now().Includes(
      RolloutSubject(place.caller, place.user_id, place.request_id));
}

// A caller who names a provider gets that one or is refused: it is never passed
// over silently, and no way around a rollout that is taken back.
absl::StatusOr<RoutePlan> PlanOutsideRollout(const RuntimeSnapshot& runtime,
                                             const RolloutQuery& query) {
  const auto& baseline = runtime.config().routing().rollout().baseline();
  if (baseline.provider().empty()) return NotRolledOut("");
  if (!query.provider.empty() && query.provider != baseline.provider()) {
    return NotRolledOut(
        absl::StrCat("; its calls go to '", baseline.provider(), "'"));
  }
  const std::string_view model =
      baseline.model().empty() ? query.model : baseline.model();
  if (ModelTiers::NamedTier(model).has_value()) {
    return NotRolledOut(", nor are tiers; name a model");
  }
  GATEWAY_ASSIGN_OR_RETURN(
      RoutePlan route,
      runtime.router().Plan({.model = model, .provider = baseline.provider()},
                            *runtime.ports().random));
  route.reason = "rollout:baseline";
  return route;
}

}  // namespace gateway
