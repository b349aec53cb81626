#include "service/pipeline/route_preview.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "errors/fault.h"
#include "service/limits/limit_charges.h"
#include "service/pipeline/call_limits.h"
#include "service/pipeline/next_attempt.h"
#include "service/pipeline/provider_policy.h"
#include "service/pipeline/target_obstacles.h"
#include "service/pipeline/target_permit.h"
#include "service/resilience/target_board.h"
#include "service/routing/fallback_plan.h"
#include "service/routing/target_health.h"

namespace gateway {
namespace {

constexpr char kNoCredential[] = "no credential";
constexpr char kIsEjected[] =
    "comes last: it does worse than the others of its name, and is ejected";

class Previewing {
 public:
  Previewing(IncomingCall& call, const Caller& caller, const Admitted& admitted,
             RoutePlan plan)
      : runtime_(*call.runtime),
        named_(std::move(plan.named)),
        limits_(
            CallLimits::OfTargets(call, caller, admitted.scope, plan.reason)),
        walk_(call, caller, admitted, std::move(plan), &considered_),
        now_(runtime_.clock().SteadyTime()) {}

  RoutePreview Run() {
    TellOfNamed();
    FindFirst();
    if (preview_.first.ok()) FindFallbacks();
    return std::move(preview_);
  }

 private:
  // The walk meets neither those without a credential nor, where a rule has
  // very many targets, all that may not be asked now.
  void TellOfNamed() {
    for (const RouteTarget& target : named_) {
      const ProviderRegistry::Entry& provider =
          *runtime_.providers().Find(target.provider);
      const std::string_view model = provider.UpstreamModel(target.model);
      if (provider.credential_absent) {
        Add(provider, model, kNoCredential);
        continue;
      }
      const TargetObstacle obstacle = runtime_.ObstacleOf(target);
      if (IsOfTarget(obstacle)) {
        Add(provider, model, std::string(TextOf(obstacle)));
      }
    }
  }

  // As NextAttempt's First and InsteadOfFirst.
  void FindFirst() {
    absl::StatusOr<PlannedTarget> target = Tell(walk_.First());
    if (!target.ok()) {
      preview_.first = target.status();
      return;
    }
    // Why the first is not asked decides who is asked in its place.
    absl::Status why;
    while (target.ok() && !MayBeAsked(*target)) {
      if (why.ok()) why = refusal_;
      target = Tell(walk_.Next(why));
    }
    if (target.ok()) {
      preview_.first = *target;
    } else if (last_resort_.has_value()) {
      preview_.first = *last_resort_;
    } else {
      preview_.first = refusal_;
    }
  }

  void FindFallbacks() {
    const absl::Status failure =
        MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "fails");
    for (;;) {
      const absl::StatusOr<PlannedTarget> target = Tell(walk_.Next(failure));
      if (!target.ok()) return;
      if (!MayBeAsked(*target)) continue;
      TellWhyLast(*target);
      preview_.fallbacks.push_back(*target);
    }
  }

  // Tells of the targets that the walk has passed over on its way here.
  absl::StatusOr<PlannedTarget> Tell(absl::StatusOr<PlannedTarget> found) {
    for (ConsideredFallback& each : considered_) {
      if (each.outcome == "chosen" || each.outcome == "asked already") continue;
      const ProviderRegistry::Entry& provider =
          *runtime_.providers().Find(each.target.provider);
      Add(provider, provider.UpstreamModel(each.target.model),
          std::move(each.outcome));
    }
    considered_.clear();
    return found;
  }

  void Add(const ProviderRegistry::Entry& provider, std::string_view model,
           std::string why) {
    const bool is_told = std::any_of(
        preview_.passed_over.begin(), preview_.passed_over.end(),
        [&](const RoutePreview::PassedOver& other) {
          return other.provider == provider.name && other.model == model;
        });
    if (is_told) return;
    preview_.passed_over.push_back({.provider = provider.name,
                                    .model = std::string(model),
                                    .why = std::move(why)});
  }

  // Whether the target may be asked now; otherwise it is told of, and what the
  // caller would be is in refusal_.
  bool MayBeAsked(const PlannedTarget& target) {
    const TargetObstacle obstacle =
        runtime_.ObstacleOf({target.provider->name, target.model});
    if (obstacle == TargetObstacle::kNone) return HasRoom(target);
    Add(*target.provider, target.upstream_model, std::string(TextOf(obstacle)));
    if (!last_resort_.has_value() && IsLastResort(target, obstacle)) {
      last_resort_ = target;
    }
    absl::Status refusal = RefusalOf(runtime_, target, obstacle, now_);
    if (IsToldRather(refusal, refusal_)) refusal_ = std::move(refusal);
    return false;
  }

  // The same, by its limits. Nothing is taken.
  bool HasRoom(const PlannedTarget& target) {
    if (limits_ == nullptr) return true;
    const std::unique_ptr<LimitCharges> charges =
        limits_->ForTarget(target, CredentialOf(target));
    if (charges->WouldTake(now_)) return true;
    absl::Status refusal = RefusalByLimits(target, *charges);
    Add(*target.provider, target.upstream_model,
        std::string(refusal.message()));
    if (IsToldRather(refusal, refusal_)) refusal_ = std::move(refusal);
    return false;
  }

  // The one that would be sent; empty where it is not known which of several,
  // or that none is.
  std::string_view CredentialOf(const PlannedTarget& target) const {
    const CredentialPool* const pool =
        runtime_.PolicyOf(*target.provider).credentials.get();
    if (pool == nullptr || pool->is_keyless() || pool->size() > 1) return {};
    return pool->NameOf(0);
  }

  bool IsLastResort(const PlannedTarget& target,
                    TargetObstacle obstacle) const {
    if (obstacle == TargetObstacle::kRefused) return true;
    if (obstacle != TargetObstacle::kCools) return false;
    const std::vector<CredentialPool::Snapshot> credentials =
        runtime_.PolicyOf(*target.provider).credentials->Read(now_);
    return std::any_of(credentials.begin(), credentials.end(),
                       [](const CredentialPool::Snapshot& credential) {
                         return credential.is_predicted;
                       });
  }

  void TellWhyLast(const PlannedTarget& target) {
    const TargetState* const state = runtime_.resilience().targets.FindKnown(
        target.provider->name, target.upstream_model);
    if (state != nullptr && state->probes.failing()) {
      Add(*target.provider, target.upstream_model, std::string(kFailsProbes));
    } else if (target.member != nullptr && target.member->was_ejected() &&
               target.member->WeightPermille(now_) == 0) {
      Add(*target.provider, target.upstream_model, kIsEjected);
    }
  }

  const RuntimeSnapshot& runtime_;
  const std::vector<RouteTarget> named_;
  // Null where no target has any.
  const std::unique_ptr<CallLimits> limits_;
  std::vector<ConsideredFallback> considered_;
  TargetWalk walk_;
  const absl::Duration now_;
  absl::Status refusal_;
  std::optional<PlannedTarget> last_resort_;
  RoutePreview preview_;
};

}  // namespace

Task<absl::StatusOr<std::unique_ptr<HttpExchange>>>
UnaskedCallParts::NoUpstream::Send(const HttpCall&) {
  co_return absl::FailedPreconditionError("nobody is asked for a preview");
}

UnaskedCall::UnaskedCall(std::shared_ptr<const RuntimeSnapshot> runtime,
                         EventLoop& loop)
    : IncomingCall(std::move(runtime), loop, no_upstream_, cancel_signal_,
                   own_arena_, loop.Now()) {}

void UnaskedCall::Take(const llmgateway::v1::GenerateRequest& asked) {
  request = &asked;
  facts.model = asked.model();
  facts.provider = asked.provider_id();
  facts.request_bytes = asked.ByteSizeLong();
}

RoutePreview PreviewRoute(IncomingCall& call, const Caller& caller,
                          const Admitted& admitted, RoutePlan plan) {
  return Previewing(call, caller, admitted, std::move(plan)).Run();
}

}  // namespace gateway
