#include "service/routing/route_group.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::Balancing;

BalancingStrategy StrategyOf(Balancing balancing) {
  switch (balancing) {
    case llmgateway::config::v1::BALANCING_ROUND_ROBIN:
      return BalancingStrategy::kRoundRobin;
    case llmgateway::config::v1::BALANCING_LEAST_REQUESTS:
      return BalancingStrategy::kLeastRequests;
    case llmgateway::config::v1::BALANCING_LOWEST_LATENCY:
      return BalancingStrategy::kLowestLatency;
    case llmgateway::config::v1::BALANCING_CHEAPEST:
      return BalancingStrategy::kCheapest;
    case llmgateway::config::v1::BALANCING_STICKY:
      return BalancingStrategy::kSticky;
    default:
      return BalancingStrategy::kWeighted;
  }
}

bool IsReady(const llmgateway::type::v1::Target& target,
             const TargetHealth& health) {
  return health.StateOf(target.provider()) == ProviderState::kReady;
}

// What Balancer is to know of the ready ones.
Balancer MakeBalancer(const RouteGroup::Targets& targets, Balancing balancing,
                      const TargetHealth& health) {
  std::vector<std::string> names;
  std::vector<BalancedTarget> balanced;
  names.reserve(static_cast<size_t>(targets.size()));
  for (const auto& target : targets) {
    if (!IsReady(target, health)) continue;
    names.push_back(absl::StrCat(target.provider(), "/", target.model()));
    balanced.push_back({
        .name = names.back(),
        .weight =
            target.has_weight() ? static_cast<uint32_t>(target.weight()) : 1,
        .priority = target.priority(),
        .price_usd_nanos = health.PriceOf(target.provider(), target.model()),
    });
  }
  return Balancer(StrategyOf(balancing), balanced);
}

}  // namespace

RouteGroup::RouteGroup(std::string reason, const Targets& targets,
                       Balancing balancing, const Targets& fallbacks,
                       const TargetHealth& health)
    : reason_(std::move(reason)), health_(&health) {
  for (const auto& target : targets) {
    if (IsReady(target, health)) {
      members_.push_back({health.NameOf(target.provider()), target.model()});
      names_models_ = names_models_ || !target.model().empty();
    } else if (left_out_.empty()) {
      left_out_ = target.provider();
      unknown_provider_ =
          health.StateOf(target.provider()) == ProviderState::kUnknown;
    }
  }
  AddFallbacks(fallbacks);
  if (members_.size() > 1) {
    balancer_.emplace(MakeBalancer(targets, balancing, health));
    CompareMembers();
  }
}

void RouteGroup::CompareMembers() {
  std::vector<RouteTarget> targets;
  for (const Member& member : members_) {
    targets.push_back({member.provider, member.model});
  }
  const std::vector<GroupMember*> compared = health_->CompareTargets(targets);
  for (size_t i = 0; i < compared.size(); ++i) {
    members_[i].compared = compared[i];
  }
}

std::string_view RouteGroup::WhyNot() const {
  if (!members_.empty()) return "names no model";
  return unknown_provider_ ? "no such provider" : "no credential";
}

void RouteGroup::AddFallbacks(const Targets& fallbacks) {
  // The views must not move.
  fallback_models_.reserve(static_cast<size_t>(fallbacks.size()));
  for (const auto& target : fallbacks) {
    if (!IsReady(target, *health_)) continue;
    fallback_models_.push_back(target.model());
    fallbacks_.push_back(
        {health_->NameOf(target.provider()), fallback_models_.back()});
  }
}

void RouteGroup::Order(const GroupQuery& query, RouteOrder* order) const {
  if (!balancer_.has_value()) {
    if (!members_.empty()) order->push_back(TargetOf(0, query.model));
    return;
  }
  const auto load_of = [&](size_t member) -> TargetLoad {
    const RouteTarget target = TargetOf(member, query.model);
    if (target.model.empty()) return {.usable = false};
    TargetLoad load = health_->LoadOf(target.provider, target.model);
    if (target.member != nullptr) health_->AddStanding(*target.member, &load);
    return load;
  };
  BalancingQuery balancing = {.random = query.random};
  if (!query.sticky.text.empty()) {
    balancing.sticky_hash = StickyHash(query.sticky.by, query.sticky.text);
  }
  const auto choices = query.is_preview
                           ? balancer_->Preview(balancing, load_of, kOrderMax)
                           : balancer_->Order(balancing, load_of, kOrderMax);
  for (const BalancingChoice& choice : choices) {
    order->push_back(TargetOf(choice.target, query.model));
  }
  for (size_t i = 0; choices.empty() && i < members_.size(); ++i) {
    const RouteTarget target = TargetOf(i, query.model);
    if (target.model.empty()) continue;
    order->push_back(target);
    if (order->size() == kOrderMax) break;
  }
}

}  // namespace gateway
