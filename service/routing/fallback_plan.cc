#include "service/routing/fallback_plan.h"

#include <algorithm>
#include <cassert>

namespace gateway {
namespace {

// Of one kind of failure: its part of a chain, and how its steps are called.
struct FallbacksByKind {
  absl::Span<const RouteTarget> FallbackChain::* targets;
  std::string_view of_rule;
  std::string_view common;
};

constexpr FallbacksByKind kAnyFallbacks = {
    &FallbackChain::any, "fallback of the rule", "common fallback"};
constexpr FallbacksByKind kRateLimitedFallbacks = {
    &FallbackChain::rate_limit, "rate_limit fallback of the rule",
    "common rate_limit fallback"};
constexpr FallbacksByKind kTooLongFallbacks = {
    &FallbackChain::context_length, "context_length fallback of the rule",
    "common context_length fallback"};
constexpr FallbacksByKind kRefusedFallbacks = {
    &FallbackChain::content_policy, "content_policy fallback of the rule",
    "common content_policy fallback"};

}  // namespace

FallbackPlan::FallbackPlan(GroupOrder& group, const FallbackChain& rule,
                           const FallbackChain& common,
                           std::string_view caller_model,
                           const TargetHealth* health,
                           std::vector<ConsideredFallback>* considered)
    : group_(group),
      rule_(rule),
      common_(common),
      caller_model_(caller_model),
      health_(health),
      considered_(considered) {}

std::optional<FallbackStep> FallbackPlan::First(Lacks lacks) {
  assert(asked_.empty());
  return Search(FailureKind::kOther, lacks);
}

std::optional<FallbackStep> FallbackPlan::Next(FailureKind failure,
                                               Lacks lacks) {
  Keep(failure);
  return Search(failure, lacks);
}

bool FallbackPlan::HasNext(Lacks lacks) {
  assert(considered_ == nullptr);
  const size_t asked = asked_.size();
  const bool found = Search(FailureKind::kOther, lacks).has_value();
  asked_.resize(asked);
  return found;
}

void FallbackPlan::Keep(FailureKind failure) {
  if (failure == FailureKind::kContentPolicy) content_refused_ = true;
  if (failure != FailureKind::kContextLength) return;
  // Nobody was asked where the prompt is known to be too long for all.
  too_small_.push_back(asked_.empty() ? std::string_view()
                                      : asked_.back().model);
}

std::optional<FallbackStep> FallbackPlan::Search(FailureKind failure,
                                                 Lacks lacks) {
  std::optional<FallbackStep> step;
  const auto search_group = [&] {
    if (!step.has_value()) step = SearchGroup(lacks);
  };
  const auto search_chains = [&](const FallbacksByKind& kind) {
    if (!step.has_value()) {
      step = SearchIn(rule_.*kind.targets, kind.of_rule, lacks);
    }
    if (!step.has_value()) {
      step = SearchIn(common_.*kind.targets, kind.common, lacks);
    }
  };
  // What was refused, or too long, stays so whatever fails later.
  if (content_refused_) {
    search_chains(kRefusedFallbacks);
    return step;
  }
  if (!too_small_.empty()) search_chains(kTooLongFallbacks);
  search_group();
  if (failure == FailureKind::kRateLimit) search_chains(kRateLimitedFallbacks);
  search_chains(kAnyFallbacks);
  return step;
}

std::optional<FallbackStep> FallbackPlan::SearchGroup(Lacks lacks) {
  std::optional<FallbackStep> step;
  for (size_t place = 0; !step.has_value(); ++place) {
    const RouteTarget* const target = group_.At(place);
    if (target == nullptr) break;
    step = Try(*target, "target of the name", lacks);
  }
  return step;
}

std::optional<FallbackStep> FallbackPlan::SearchIn(
    absl::Span<const RouteTarget> targets, std::string_view source,
    Lacks lacks) {
  std::optional<FallbackStep> step;
  absl::InlinedVector<const RouteTarget*, 4> avoided;
  for (const RouteTarget& configured : targets) {
    if (targets.size() > 1 && IsAvoided(configured)) {
      avoided.push_back(&configured);
      continue;
    }
    step = Try(configured, source, lacks);
    if (step.has_value()) return step;
  }
  for (const RouteTarget* const configured : avoided) {
    step = Try(*configured, source, lacks);
    if (step.has_value()) break;
  }
  return step;
}

bool FallbackPlan::IsAvoided(const RouteTarget& configured) const {
  const RouteTarget target = WithModel(configured);
  return health_ != nullptr && !target.model.empty() &&
         health_->LoadOf(target.provider, target.model).avoided;
}

std::optional<FallbackStep> FallbackPlan::Try(const RouteTarget& configured,
                                              std::string_view source,
                                              Lacks lacks) {
  const std::string_view why_not = WhyNot(configured, lacks);
  const RouteTarget target = WithModel(configured);
  if (considered_ != nullptr) {
    considered_->push_back(
        {.target = target,
         .source = source,
         .outcome = std::string(why_not.empty() ? "chosen" : why_not)});
  }
  if (!why_not.empty()) return std::nullopt;
  asked_.push_back(target);
  return FallbackStep{.target = target, .reason = source};
}

RouteTarget FallbackPlan::WithModel(const RouteTarget& target) const {
  return {.provider = target.provider,
          .model = target.model.empty() ? caller_model_ : target.model,
          .member = target.member};
}

bool FallbackPlan::WasAsked(const RouteTarget& target) const {
  return std::any_of(
      asked_.begin(), asked_.end(), [&](const RouteTarget& asked) {
        return asked.provider == target.provider &&
               (target.model.empty() || asked.model == target.model);
      });
}

std::string_view FallbackPlan::WhyNot(const RouteTarget& target,
                                      Lacks lacks) const {
  if (WasAsked(target)) return "asked already";
  const RouteTarget with_model = WithModel(target);
  if (std::find(too_small_.begin(), too_small_.end(), with_model.model) !=
      too_small_.end()) {
    return "the prompt was too long for this model";
  }
  if (with_model.model.empty()) return "names no model, nor does the request";
  if (asked_.size() > kFallbacksMax) {
    return "behind the limit of 16 fallbacks";
  }
  return lacks(with_model);
}

}  // namespace gateway
