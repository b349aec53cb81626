#include "service/routing/group_order.h"

#include <algorithm>
#include <utility>

#include "service/routing/route_group.h"

namespace gateway {

size_t GroupOrder::size_max() const {
  return group_ == nullptr ? targets_.size()
                           : std::min(group_->size(), kSizeMax);
}

void GroupOrder::AddOthers() {
  std::exchange(group_, nullptr)->AddOthers(this);
}

}  // namespace gateway
