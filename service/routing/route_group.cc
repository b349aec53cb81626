#include "service/routing/route_group.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
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

std::optional<uint64_t> StickyHashOf(const StickyKey& key) {
  if (!key.text.empty()) return StickyHash(key.by, key.text);
  if (key.prompt_prefix == nullptr) return std::nullopt;
  const std::string prefix = (*key.prompt_prefix)();
  if (prefix.empty()) return std::nullopt;
  return StickyHash(StickyBy::kPromptPrefix, prefix);
}

}  // namespace

RouteGroup::RouteGroup(std::string reason, const Targets& targets,
                       Balancing balancing, const Targets& fallbacks,
                       const TargetHealth& health)
    : reason_(std::move(reason)),
      health_(&health),
      is_sticky_(StrategyOf(balancing) == BalancingStrategy::kSticky) {
  for (const auto& target : targets) {
    if (IsReady(target, health)) {
      members_.push_back({health.NameOf(target.provider()), target.model()});
      names_models_ = names_models_ || !target.model().empty();
      continue;
    }
    LeaveOut(target);
    if (left_out_.empty()) {
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
    if (!IsReady(target, *health_)) {
      LeaveOut(target);
      continue;
    }
    fallback_models_.push_back(target.model());
    fallbacks_.push_back(
        {health_->NameOf(target.provider()), fallback_models_.back()});
  }
}

void RouteGroup::LeaveOut(const llmgateway::type::v1::Target& target) {
  if (health_->StateOf(target.provider()) == ProviderState::kUnknown) return;
  without_credential_.push_back(
      {health_->NameOf(target.provider()), target.model()});
}

void RouteGroup::AddNamed(std::string_view model,
                          std::vector<RouteTarget>* to) const {
  for (const auto* members : {&members_, &without_credential_}) {
    for (const Member& member : *members) {
      const RouteTarget target = TargetOf(member, model);
      if (!target.model.empty()) to->push_back(target);
    }
  }
}

GroupOrder RouteGroup::Order(const GroupQuery& query) const {
  GroupOrder order;
  if (!balancer_.has_value()) {
    if (!members_.empty()) order.targets_.push_back(TargetOf(0, query.model));
    return order;
  }
  order.random_ = &query.random;
  if (is_sticky_) order.sticky_hash_ = StickyHashOf(query.sticky);
  order.model_ = query.model;
  const auto load_of = [&](size_t member) {
    return LoadOf(member, query.model);
  };
  const BalancingQuery balancing = BalancingOf(order);
  const std::optional<BalancingChoice> first =
      query.is_preview ? balancer_->Preview(balancing, load_of)
                       : balancer_->Choose(balancing, load_of);
  if (!first.has_value()) {
    AddAll(&order);
    return order;
  }
  order.targets_.push_back(TargetOf(first->target, query.model));
  order.first_member_ = first->target;
  order.group_ = this;
  return order;
}

void RouteGroup::AddOthers(GroupOrder* order) const {
  absl::InlinedVector<size_t, GroupOrder::kSizeMax> placed = {
      order->first_member_};
  BalancingQuery balancing = BalancingOf(*order);
  balancing.asked = absl::MakeConstSpan(placed.data(), 1);
  for (const BalancingChoice& choice : balancer_->Order(
           balancing,
           [&](size_t member) { return LoadOf(member, order->model_); },
           GroupOrder::kSizeMax - 1)) {
    order->targets_.push_back(TargetOf(choice.target, order->model_));
    placed.push_back(choice.target);
  }
  // Behind them those that may not be asked now: where the others cannot serve
  // the request it is they of whom the caller hears, and until when they rest.
  for (size_t member = 0; member < members_.size() &&
                          order->targets_.size() < GroupOrder::kSizeMax;
       ++member) {
    const bool is_placed =
        std::find(placed.begin(), placed.end(), member) != placed.end();
    if (is_placed) continue;
    const RouteTarget target = TargetOf(member, order->model_);
    if (!target.model.empty()) order->targets_.push_back(target);
  }
}

void RouteGroup::AddAll(GroupOrder* order) const {
  for (size_t i = 0; i < members_.size(); ++i) {
    const RouteTarget target = TargetOf(i, order->model_);
    if (target.model.empty()) continue;
    order->targets_.push_back(target);
    if (order->targets_.size() == GroupOrder::kSizeMax) break;
  }
}

BalancingQuery RouteGroup::BalancingOf(const GroupOrder& order) const {
  return {.random = *order.random_, .sticky_hash = order.sticky_hash_};
}

TargetLoad RouteGroup::LoadOf(size_t member, std::string_view model) const {
  const RouteTarget target = TargetOf(member, model);
  if (target.model.empty()) return {.usable = false};
  TargetLoad load = health_->LoadOf(target.provider, target.model);
  if (target.member != nullptr) health_->AddStanding(*target.member, &load);
  return load;
}

}  // namespace gateway
