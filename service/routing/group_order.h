// GroupOrder is the targets of one name in the order in which one call asks
// them.
//
//   GroupOrder order = group.Order({.random = random, .model = model});
//   const RouteTarget* target = order.At(0);
//   ... // It fails.
//   target = order.At(1);  // Chosen now, by what is known now.
//
// Most calls ask one target only, so those behind the first are chosen when
// somebody looks at them, all at once.
//
// Thread-compatible: one call's own. Borrows its group, and the texts and the
// chance of the query that it was made with.

#ifndef SERVICE_ROUTING_GROUP_ORDER_H_
#define SERVICE_ROUTING_GROUP_ORDER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "base/os/random.h"
#include "service/routing/balancing.h"
#include "service/routing/route_target.h"

namespace gateway {

class RouteGroup;

// What keeps calls together where targets are sticky; nothing if it is empty.
struct StickyKey {
  StickyBy by = StickyBy::kCaller;
  std::string_view text;
  // Asked, where targets are sticky and `text` is empty, for what the prompt
  // begins with; may be null.
  const absl::FunctionRef<std::string()>* prompt_prefix = nullptr;
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

class GroupOrder {
 public:
  // So many targets of a group one call asks at most.
  static constexpr size_t kSizeMax = 16;

  // Nobody.
  GroupOrder() = default;
  // These, and no others.
  explicit GroupOrder(absl::Span<const RouteTarget> targets)
      : targets_(targets.begin(), targets.end()) {}

  // The target at a place, the one to ask first at 0; null behind the last.
  // Valid until the next call.
  const RouteTarget* At(size_t place) {
    if (place >= targets_.size() && group_ != nullptr) AddOthers();
    return place < targets_.size() ? &targets_[place] : nullptr;
  }

  // At least so many as there are.
  size_t size_max() const;

 private:
  friend class RouteGroup;

  void AddOthers();

  absl::InlinedVector<RouteTarget, 1> targets_;
  // Null if there are no others.
  const RouteGroup* group_ = nullptr;
  // By the group's numbers.
  size_t first_member_ = 0;
  Random* random_ = nullptr;
  std::optional<uint64_t> sticky_hash_;
  std::string_view model_;
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_GROUP_ORDER_H_
