#include "service/pipeline/plan.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "providers/prompt_prefix.h"
#include "service/pipeline/call_log.h"
#include "service/pipeline/capability_check.h"
#include "service/pipeline/conversation.h"
#include "service/pipeline/recorded_model.h"
#include "service/pipeline/rollout_route.h"
#include "service/routing/balancing.h"

namespace gateway {
namespace {

// The one place that decides whether bytes are forwarded.
PlannedTarget TargetOf(IncomingCall& call, const ProviderRegistry::Entry& entry,
                       std::string_view model) {
  PlannedTarget target{.provider = &entry,
                       .model = model,
                       .upstream_model = entry.UpstreamModel(model)};
  target.recorded_model = RecordedModel(call, target.upstream_model);
  if (call.request != nullptr || call.raw != nullptr) {
    target.facts = entry.FactsOf(target.upstream_model);
  }
  if (call.facts.dialect.empty() && call.raw == nullptr) return target;
  const Provider& provider = *entry.provider;
  target.speaks_dialect =
      provider.FindDialect(call.raw != nullptr ? call.raw->dialect->name()
                                               : call.facts.dialect) != nullptr;
  if (!call.may_forward()) return target;
  if (call.facts.counts) {
    target.forwards = provider.ForwardsCount(*call.raw, target.upstream_model);
    return target;
  }
  target.forwards = target.speaks_dialect && provider.Forwards(*call.raw);
  // A schema that its provider does not hold the model to is made up for, in a
  // request that is written anew.
  if (target.forwards && target.facts.Lacks(kAbilityStrictSchema) &&
      AsksForSchema(call)) {
    target.forwards = false;
  }
  return target;
}

// Plans a question about a stored response: the provider that has it is the
// only target.
absl::StatusOr<Planned> PlanStored(IncomingCall& call,
                                   std::string_view caller) {
  Planned planned;
  planned.reason = "kept";
  planned.stored_at = call.found_response;
  if (planned.stored_at == nullptr && call.responses != nullptr) {
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
  planned.first = TargetOf(call, *provider, "");
  return planned;
}

PlannedTarget TargetOf(IncomingCall& call, const RouteTarget& target) {
  PlannedTarget planned =
      TargetOf(call, *call.runtime->providers().Find(target.provider),
               target.model);
  planned.member = target.member;
  return planned;
}

// Whether the caller may be served by the target. A model that it has named was
// looked at before; what becomes of that name is the operator's affair.
absl::Status CheckTargetScopes(const IncomingCall& call, const Caller& caller,
                               const Admitted& admitted,
                               const PlannedTarget& target) {
  GATEWAY_RETURN_IF_ERROR(caller.scopes.CheckProvider(target.provider->name));
  const bool has_named_model =
      !call.facts.model.empty() && admitted.selection == nullptr;
  return has_named_model ? absl::OkStatus()
                         : caller.scopes.CheckModel(target.model);
}

// Why the target cannot serve the request, if that is known.
absl::Status CheckTarget(IncomingCall& call, const Caller& caller,
                         const Admitted& admitted,
                         const PlannedTarget& target) {
  if (!caller.scopes.unrestricted()) {
    GATEWAY_RETURN_IF_ERROR(CheckTargetScopes(call, caller, admitted, target));
  }
  GATEWAY_RETURN_IF_ERROR(CheckContinued(call, admitted.continuation, target));
  return CheckCapabilities(call, target);
}

// The same, with what the call names.
absl::Status CheckTarget(IncomingCall& call, const Caller& caller,
                         const Admitted& admitted, CapabilitySet named,
                         const PlannedTarget& target) {
  if (named != 0) {
    GATEWAY_RETURN_IF_ERROR(CheckNamedCapabilities(call, named, target));
  }
  return CheckTarget(call, caller, admitted, target);
}

FailureKind KindOf(const absl::Status& failure) {
  switch (FaultReason(failure)) {
    case v1::ERROR_REASON_PROVIDER_RATE_LIMITED:
    case v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED:
      return FailureKind::kRateLimit;
    case v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED:
      return FailureKind::kContextLength;
    case v1::ERROR_REASON_CONTENT_POLICY:
      return FailureKind::kContentPolicy;
    default:
      return FailureKind::kOther;
  }
}

// Whether there is anybody but the first target.
bool HasMore(const RoutePlan& route) {
  const auto any = [](const FallbackChain& chain) {
    return !chain.any.empty() || !chain.rate_limit.empty() ||
           !chain.context_length.empty() || !chain.content_policy.empty();
  };
  return route.targets.size_max() > 1 || any(route.rule) || any(route.common);
}

// What keeps calls of one origin at one target: the session, or else the user,
// or else the caller, or else what the prompt begins with.
StickyKey StickyKeyOf(const CallScope& scope, std::string_view caller,
                      const absl::FunctionRef<std::string()>& prompt_prefix) {
  if (!scope.session_id.empty()) return {StickyBy::kSession, scope.session_id};
  if (!scope.user_id.empty()) return {StickyBy::kUser, scope.user_id};
  return {
      .by = StickyBy::kCaller, .text = caller, .prompt_prefix = &prompt_prefix};
}

std::string PromptPrefixOf(const IncomingCall& call) {
  if (call.request != nullptr) {
    return PromptPrefix(*call.request, kStickyPromptBytesMax);
  }
  if (call.raw != nullptr) {
    return PromptPrefix(*call.raw, kStickyPromptBytesMax);
  }
  return "";
}

absl::StatusOr<RoutePlan> RouteOf(IncomingCall& call, const Caller& caller,
                                  const Admitted& admitted) {
  if (!IsRolledOutTo(*call.runtime, {.caller = caller.id,
                                     .user_id = admitted.scope.user_id,
                                     .request_id = call.facts.request_id})) {
    return PlanOutsideRollout(*call.runtime, {.model = call.facts.model,
                                              .provider = admitted.provider});
  }
  return PlanByRules(call, caller, admitted);
}

}  // namespace

absl::StatusOr<RoutePlan> PlanByRules(IncomingCall& call, const Caller& caller,
                                      const Admitted& admitted,
                                      std::vector<RouteStep>* steps) {
  const DomainTags tags = DomainTagsOf(call);
  // One that cannot be read says nothing; its fault is found later.
  const auto read_texts = [&call] {
    const absl::StatusOr<const v1::GenerateRequest*> request =
        call.ParsedRequest();
    return request.ok() ? TextsOf(**request) : PromptTexts();
  };
  const absl::FunctionRef<PromptTexts()> prompt = read_texts;
  const auto read_prefix = [&call] { return PromptPrefixOf(call); };
  const absl::FunctionRef<std::string()> prefix = read_prefix;
  const bool can_be_read = call.request != nullptr || call.raw != nullptr;
  RouteQuery query = {.model = call.facts.model,
                      .provider = admitted.provider,
                      .agent_type = admitted.scope.agent_type,
                      .domain_tags = tags,
                      .sticky = StickyKeyOf(admitted.scope, caller.id, prefix),
                      .prompt = can_be_read ? &prompt : nullptr};
  const auto find_lacking = [&](const RouteTarget& target) {
    return std::string(
        CheckTarget(call, caller, admitted, TargetOf(call, target)).message());
  };
  const TargetLacks lacks = find_lacking;
  if (admitted.selection != nullptr) {
    query.selection = &admitted.selection->query();
    query.lacks = &lacks;
    query.now = call.start_time;
  }
  return call.runtime->router().Plan(query, *call.runtime->ports().random,
                                     steps);
}

PromptTexts TextsOf(const v1::GenerateRequest& request) {
  PromptTexts texts;
  for (const v1::Message& message : request.messages()) {
    std::vector<std::string_view>* to = nullptr;
    if (message.role() == v1::ROLE_SYSTEM ||
        message.role() == v1::ROLE_DEVELOPER) {
      to = &texts.system;
    } else if (message.role() == v1::ROLE_USER) {
      to = &texts.user;
    }
    if (to == nullptr) continue;
    for (const v1::Part& part : message.parts()) {
      if (part.has_text()) to->push_back(part.text());
    }
  }
  return texts;
}

TargetWalk::TargetWalk(IncomingCall& call, const Caller& caller,
                       const Admitted& admitted, RoutePlan route,
                       std::vector<ConsideredFallback>* considered)
    : call_(call),
      caller_(caller),
      admitted_(admitted),
      route_(std::move(route)),
      plan_(route_.targets, route_.rule, route_.common, route_.model,
            &call.runtime->health(), considered) {}

absl::StatusOr<PlannedTarget> TargetWalk::First() {
  bool found = plan_.First(Considering()).has_value();
  // What is too long for all of them may have a place of its own.
  if (!found && KindOf(first_obstacle_) != FailureKind::kOther) {
    found = plan_.Next(KindOf(first_obstacle_), Considering()).has_value();
  }
  if (!found) return first_obstacle_;
  return considered_;
}

absl::StatusOr<PlannedTarget> TargetWalk::Next(const absl::Status& failure) {
  if (!plan_.Next(KindOf(failure), Considering()).has_value()) return failure;
  return considered_;
}

bool TargetWalk::HasNext(
    absl::FunctionRef<bool(const RouteTarget&)> may_be_asked) {
  return plan_.HasNext([&](const RouteTarget& target) {
    return may_be_asked(target) ? std::string_view() : "may not be asked now";
  });
}

size_t TargetWalk::targets_left() const {
  const size_t all = route_.targets.size_max() + route_.rule.any.size() +
                     route_.common.any.size();
  return all - std::min(all, plan_.asked_count());
}

std::string_view TargetWalk::Consider(const RouteTarget& target) {
  considered_ = TargetOf(call_, target);
  obstacle_ = CheckTarget(call_, caller_, admitted_, route_.named_capabilities,
                          considered_);
  if (obstacle_.ok()) return {};
  if (first_obstacle_.ok()) first_obstacle_ = obstacle_;
  return ToStd(obstacle_.message());
}

absl::StatusOr<Planned> Plan(IncomingCall& call, const Caller& caller,
                             const Admitted& admitted) {
  if (call.stored_query != nullptr) return PlanStored(call, caller.id);
  GATEWAY_ASSIGN_OR_RETURN(RoutePlan route, RouteOf(call, caller, admitted));
  Planned planned;
  planned.reason = route.reason;
  planned.stored_at = admitted.continuation.lives_upstream;
  planned.selection = route.selection;
  if (HasMore(route)) {
    planned.next =
        std::make_unique<TargetWalk>(call, caller, admitted, std::move(route));
    GATEWAY_ASSIGN_OR_RETURN(planned.first, planned.next->First());
    LogRoute(admitted, planned, call);
    return planned;
  }
  planned.first = TargetOf(call, *route.targets.At(0));
  LogRoute(admitted, planned, call);
  GATEWAY_RETURN_IF_ERROR(CheckTarget(call, caller, admitted,
                                      route.named_capabilities, planned.first));
  return planned;
}

}  // namespace gateway
