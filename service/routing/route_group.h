// RouteGroup is what one rule leads to: the targets that share its calls, and
// where they go on when all of those have failed.
//
//   const RouteGroup group("model_rule:gpt-", rule.targets(), rule.balancing(),
//                          rule.fallbacks(), health);
//   if (group.CanServe(model)) {
//     group.Order({.random = random, .model = model}, &order);
//   }
//
// Targets whose provider has no credential are left out.
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

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "llmgateway/type/v1/target.pb.h"
#include "service/routing/balancing.h"
#include "service/routing/route_target.h"
#include "service/routing/target_health.h"

namespace gateway {

// Targets in the order in which they are to be asked.
using RouteOrder = absl::InlinedVector<RouteTarget, 2>;

// What keeps calls together where targets are sticky; nothing if `text` is
// empty.
struct StickyKey {
  StickyBy by = StickyBy::kCaller;
  std::string_view text;
};

// What of a call decides among the targets of a group.
struct GroupQuery {
  Random& random;
  StickyKey sticky = {};
  // The request's own model; empty if it has none.
  std::string_view model;
  // An operator asks, and nobody will be: no turn is taken.
  bool is_preview = false;
};

class RouteGroup {
 public:
  // So many of a rule's targets one call asks at most.
  static constexpr size_t kOrderMax = 16;

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

  // Puts the targets, those without a model asked for the request's, into
  // `order`: the one to ask, and those to ask after it, up to kOrderMax. If all
  // rest, so many of them as they are configured: whoever asks them finds out
  // why. REQUIRES: CanServe(query.model).
  void Order(const GroupQuery& query, RouteOrder* order) const;

  // Of the rule itself; a target without a model stands for the caller's.
  absl::Span<const RouteTarget> fallbacks() const { return fallbacks_; }

  size_t size() const { return members_.size(); }

 private:
  void AddFallbacks(const Targets& fallbacks);
  void CompareMembers();

  struct Member {
    std::string_view provider;
    std::string model;  // Empty for the request's own.
    GroupMember* compared = nullptr;
  };

  RouteTarget TargetOf(size_t member, std::string_view model) const {
    const Member& of = members_[member];
    return {of.provider, of.model.empty() ? model : std::string_view(of.model),
            of.compared};
  }

  std::string reason_;
  const TargetHealth* health_;
  std::vector<Member> members_;
  std::vector<std::string> fallback_models_;
  std::vector<RouteTarget> fallbacks_;
  std::string left_out_;
  bool unknown_provider_ = false;
  // At least one names a model.
  bool names_models_ = false;
  // Where there is more than one.
  std::optional<Balancer> balancer_;
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_ROUTE_GROUP_H_
