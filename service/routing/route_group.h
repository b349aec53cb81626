// RouteGroup is what one rule leads to: the targets that share its calls, and
// where they go on when all of those have failed.
//
//   const RouteGroup group("model_rule:gpt-", rule.targets(), rule.balancing(),
//                          rule.fallbacks(), health);
//   if (group.CanServe(model)) {
//     order = group.Order({.random = random, .model = model});
//   }
//
// Targets whose provider has no credential are left out; operators who ask are
// told of them.
//
// Thread-safe: immutable, but for whose turn it is (balancing.h). Borrows the
// names that `health` keeps.

#ifndef SERVICE_ROUTING_ROUTE_GROUP_H_
#define SERVICE_ROUTING_ROUTE_GROUP_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "llmgateway/type/v1/target.pb.h"
#include "service/routing/balancing.h"
#include "service/routing/group_order.h"
#include "service/routing/route_target.h"
#include "service/routing/target_health.h"

namespace gateway {

class RouteGroup {
 public:
  using Targets =
      google::protobuf::RepeatedPtrField<llmgateway::type::v1::Target>;

  // Borrows `health`.
  RouteGroup(std::string reason, const Targets& targets,
             llmgateway::config::v1::Balancing balancing,
             const Targets& fallbacks, const TargetHealth& health);

  RouteGroup(RouteGroup&&) = default;
  RouteGroup& operator=(RouteGroup&&) = delete;

  // As it is told to callers: `model_rule:gpt-`.
  std::string_view reason() const { return reason_; }

  // Whether a target could be asked. `model` is the request's own, which takes
  // the place of one that a target does not name; empty if it has none.
  bool CanServe(std::string_view model) const {
    return !members_.empty() && (!model.empty() || names_models_);
  }

  // Why CanServe says no, for operators who ask.
  std::string_view WhyNot() const;
  // The first provider that was left out; empty if none was.
  std::string_view LeftOut() const { return left_out_; }

  // The targets, those without a model asked for the request's, in the order
  // in which one call asks them. If all rest, those are all of them, as they
  // are configured: whoever asks them finds out why. Nobody if
  // CanServe(query.model) is false.
  GroupOrder Order(const GroupQuery& query) const;

  // Of the rule itself; a target without a model stands for the caller's.
  absl::Span<const RouteTarget> fallbacks() const { return fallbacks_; }

  // Adds all the targets, whether they can be asked or not, and behind them the
  // targets and fallbacks that were left out. For operators who ask.
  void AddNamed(std::string_view model, std::vector<RouteTarget>* to) const;

  size_t size() const { return members_.size(); }

 private:
  friend class GroupOrder;

  // Adds those behind the first.
  void AddOthers(GroupOrder* order) const;
  // All of them, as they are configured.
  void AddAll(GroupOrder* order) const;

  TargetLoad LoadOf(size_t member, std::string_view model) const;
  BalancingQuery BalancingOf(const GroupOrder& order) const;

  void AddFallbacks(const Targets& fallbacks);
  void LeaveOut(const llmgateway::type::v1::Target& target);
  void CompareMembers();

  struct Member {
    std::string_view provider;
    std::string model;  // Empty for the request's own.
    GroupMember* compared = nullptr;
  };

  static RouteTarget TargetOf(const Member& of, std::string_view model) {
    return {of.provider, of.model.empty() ? model : std::string_view(of.model),
            of.compared};
  }
  RouteTarget TargetOf(size_t member, std::string_view model) const {
    return TargetOf(members_[member], model);
  }

  std::string reason_;
  const TargetHealth* health_;
  std::vector<Member> members_;
  std::vector<std::string> fallback_models_;
  std::vector<RouteTarget> fallbacks_;
  std::vector<Member> without_credential_;
  std::string left_out_;
  bool unknown_provider_ = false;
  // What keeps calls together is asked for.
  bool is_sticky_ = false;
  // At least one names a model.
  bool names_models_ = false;
  // Where there is more than one.
  std::optional<Balancer> balancer_;
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_ROUTE_GROUP_H_
