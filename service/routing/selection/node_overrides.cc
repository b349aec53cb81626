#include "service/routing/selection/node_overrides.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/text/utf8.h"
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

// Callers may give their nodes any name; in lists and lines of the log nothing
// of it may act upon who reads them.
bool IsNodeName(std::string_view text) {
  if (text.empty() || text.size() > kNodeNameBytesMax) return false;
  while (!text.empty()) {
    const size_t bytes = CharacterBytes(text);
    const auto first = static_cast<unsigned char>(text[0]);
    if (bytes == 0 || first < ' ' || first == 0x7F) return false;
    // U+0080 to U+009F.
    if (first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0) {
      return false;
    }
    text.remove_prefix(bytes);
  }
  return true;
}

absl::Status CheckOverride(const PolicyTable& table, const NodeOverride& next) {
  if (next.node.empty()) return InvalidField("node_name", "is required");
  if (!IsNodeName(next.node)) {
    return InvalidField(
        "node_name",
        absl::StrCat("must be 1 to ", kNodeNameBytesMax,
                     " bytes of UTF-8 without control characters"));
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
  const auto place = PlaceOf(*overrides, next.node);
  const bool has_one = place != overrides->end() && place->node == next.node;
  if (next.model.empty() && has_one) {  // Whatever its name.
    overrides->erase(place);
    return absl::OkStatus();
  }
  const absl::Status status = CheckOverride(table, next);
  if (!status.ok() || next.model.empty()) return status;
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

// Puts all of `next` into `overrides`; returns what is wrong with each.
std::vector<absl::Status> PutAll(const PolicyTable& table,
                                 absl::Span<const NodeOverride> next,
                                 std::vector<NodeOverride>* overrides) {
  std::vector<absl::Status> statuses;
  if (!next.empty()) {
    std::erase_if(*overrides, [&](const NodeOverride& entry) {
      return entry.expire_time <= next[0].set_time;
    });
  }
  for (const NodeOverride& each : next) {
    statuses.push_back(PutOverride(table, each, overrides));
  }
  return statuses;
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
  MutexLock lock(mu_);
  std::vector<NodeOverride> overrides = set_->all();
  std::vector<absl::Status> statuses = PutAll(table, next, &overrides);
  Swap(std::move(overrides));
  return statuses;
}

OverrideSet NodeOverrides::PreviewAll(
    const PolicyTable& table, absl::Span<const NodeOverride> next,
    std::vector<absl::Status>* statuses) const {
  std::vector<NodeOverride> overrides = Get()->all();
  *statuses = PutAll(table, next, &overrides);
  return OverrideSet(std::move(overrides));
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
