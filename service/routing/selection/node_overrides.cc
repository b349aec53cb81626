#include "service/routing/selection/node_overrides.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "errors/fault.h"

namespace gateway {
namespace {

// Returns where the node's override is or would be.
template <typename Overrides>
auto PlaceOf(Overrides& overrides, std::string_view node) {
  return std::lower_bound(overrides.begin(), overrides.end(), node,
                          [](const NodeOverride& entry, std::string_view key) {
                            return entry.node < key;
                          });
}

absl::Status CheckOverride(const PolicyTable& table, const NodeOverride& next) {
  if (next.node.empty()) return InvalidField("node_name", "is required");
  if (next.node.size() > kNodeNameBytesMax) {
    return InvalidField("node_name", absl::StrCat("is longer than ",
                                                  kNodeNameBytesMax, " bytes"));
  }
  if (next.model.empty()) return absl::OkStatus();
  const ModelPolicy* policy = table.FindPolicy(next.model);
  if (policy == nullptr) {
    return InvalidField("model_id", absl::StrCat("no model policy has the id '",
                                                 next.model, "'"));
  }
  if (!policy->admin_overridable) {
    return InvalidField(
        "model_id", absl::StrCat("the policy of '", next.model,
                                 "' has admin_overridable off: it cannot be "
                                 "given to a node by an override"));
  }
  if (next.expire_time <= next.set_time) {
    return InvalidField("ttl", "must be longer than 0");
  }
  return absl::OkStatus();
}

absl::Status PutOverride(const PolicyTable& table, const NodeOverride& next,
                         std::vector<NodeOverride>* overrides) {
  const absl::Status status = CheckOverride(table, next);
  if (!status.ok()) return status;
  const auto place = PlaceOf(*overrides, next.node);
  const bool has_one = place != overrides->end() && place->node == next.node;
  if (next.model.empty()) {
    if (has_one) overrides->erase(place);
    return absl::OkStatus();
  }
  if (has_one) {
    *place = next;
    return absl::OkStatus();
  }
  if (overrides->size() >= kNodeOverridesMax) {
    return InvalidField("node_name",
                        absl::StrCat("as many as ", kNodeOverridesMax,
                                     " nodes have an override: remove "
                                     "one first"));
  }
  overrides->insert(place, next);
  return absl::OkStatus();
}

}  // namespace

OverrideSet::OverrideSet(std::vector<NodeOverride> overrides) {
  for (NodeOverride& next : overrides) {
    const auto place = PlaceOf(overrides_, next.node);
    if (place != overrides_.end() && place->node == next.node) {
      *place = std::move(next);
    } else {
      overrides_.insert(place, std::move(next));
    }
  }
}

const NodeOverride* OverrideSet::Find(std::string_view node,
                                      absl::Time now) const {
  const auto place = PlaceOf(overrides_, node);
  if (place == overrides_.end() || place->node != node) return nullptr;
  return now < place->expire_time ? &*place : nullptr;
}

const ModelPolicy* EffectiveOverride(const OverrideSet& overrides,
                                     const PolicyTable& table,
                                     std::string_view node, absl::Time now) {
  const NodeOverride* found = overrides.Find(node, now);
  if (found == nullptr) return nullptr;
  const ModelPolicy* policy = table.FindPolicy(found->model);
  return policy != nullptr && policy->admin_overridable ? policy : nullptr;
}

void NodeOverrides::Swap(std::vector<NodeOverride> overrides) {
  set_ = std::make_shared<const OverrideSet>(std::move(overrides));
  version_.fetch_add(1, std::memory_order_release);
}

absl::Status NodeOverrides::Set(const PolicyTable& table,
                                const NodeOverride& next) {
  return SetAll(table, absl::MakeConstSpan(&next, 1))[0];
}

std::vector<absl::Status> NodeOverrides::SetAll(
    const PolicyTable& table, absl::Span<const NodeOverride> next) {
  std::vector<absl::Status> statuses;
  MutexLock lock(mu_);
  std::vector<NodeOverride> overrides = set_->all();
  if (!next.empty()) {
    std::erase_if(overrides, [&](const NodeOverride& entry) {
      return entry.expire_time <= next[0].set_time;
    });
  }
  for (const NodeOverride& each : next) {
    statuses.push_back(PutOverride(table, each, &overrides));
  }
  Swap(std::move(overrides));
  return statuses;
}

absl::StatusOr<OverrideSet> NodeOverrides::Preview(
    const PolicyTable& table, const NodeOverride& next) const {
  std::vector<NodeOverride> overrides = Get()->all();
  const absl::Status status = PutOverride(table, next, &overrides);
  if (!status.ok()) return status;
  return OverrideSet(std::move(overrides));
}

void NodeOverrides::Replace(std::vector<NodeOverride> overrides) {
  if (overrides.size() > kNodeOverridesMax) {
    overrides.resize(kNodeOverridesMax);
  }
  MutexLock lock(mu_);
  Swap(std::move(overrides));
}

std::shared_ptr<const OverrideSet> NodeOverrides::Get() const {
  MutexLock lock(mu_);
  return set_;
}

}  // namespace gateway
