#include "service/pipeline/plan.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/pipeline/call_log.h"
#include "service/pipeline/capability_check.h"
#include "service/pipeline/conversation.h"

namespace gateway {
namespace {

// The one place that decides whether bytes are forwarded.
PlannedTarget TargetOf(const IncomingCall& call,
                       const ProviderRegistry::Entry& entry,
                       std::string_view model) {
  PlannedTarget target{.provider = &entry,
                       .model = model,
                       .upstream_model = entry.UpstreamModel(model)};
  if (call.request != nullptr || call.raw != nullptr) {
    target.facts = entry.FactsOf(target.upstream_model);
  }
  if (call.facts.dialect.empty() && call.raw == nullptr) return target;
  const Provider& provider = *entry.provider;
  target.speaks_dialect =
      provider.FindDialect(call.raw != nullptr ? call.raw->dialect->name()
                                               : call.facts.dialect) != nullptr;
  if (!call.may_forward()) return target;
  target.forwards =
      call.facts.counts
          ? provider.ForwardsCount(*call.raw, target.upstream_model)
          : target.speaks_dialect && provider.Forwards(*call.raw);
  return target;
}

// Plans a question about a stored response: the provider that has it is the
// only target.
absl::StatusOr<Planned> PlanStored(const IncomingCall& call,
                                   std::string_view caller) {
  Planned planned;
  planned.reason = "kept";
  if (call.responses != nullptr) {
    planned.stored_at = call.responses->Find(caller, call.stored_query->id);
  }
  const ProviderRegistry::Entry* const provider =
      planned.stored_at == nullptr
          ? nullptr
          : call.runtime->providers().Find(planned.stored_at->provider);
  if (provider == nullptr) {
    return MakeFault(v1::ERROR_REASON_NOT_FOUND,
                     absl::StrCat("nothing is known of the response '",
                                  ToAbsl(call.stored_query->id), "'"));
  }
  planned.targets.push_back(TargetOf(call, *provider, ""));
  return planned;
}

}  // namespace

absl::StatusOr<Planned> Plan(IncomingCall& call, std::string_view caller,
                             const Admitted& admitted) {
  if (call.stored_query != nullptr) return PlanStored(call, caller);
  GATEWAY_ASSIGN_OR_RETURN(
      const RoutePlan route,
      call.runtime->router().Plan(
          {.model = call.facts.model, .provider = call.facts.provider}));
  Planned planned;
  planned.reason = route.reason;
  planned.stored_at = admitted.continuation.lives_upstream;
  for (const RouteTarget& target : route.targets) {
    planned.targets.push_back(TargetOf(
        call, *call.runtime->providers().Find(target.provider), target.model));
  }
  LogRoute(call, planned);
  GATEWAY_RETURN_IF_ERROR(CheckContinued(call, admitted.continuation, planned));
  GATEWAY_RETURN_IF_ERROR(CheckCapabilities(call, planned.targets.front()));
  return planned;
}

}  // namespace gateway
