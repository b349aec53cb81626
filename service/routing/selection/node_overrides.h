// NodeOverrides are what operators have given to nodes while the gateway runs:
// this node, this model, for so long or until they take it back. One takes
// effect with the first call that is planned after Set has returned, and none
// after it has expired.
//
//   NodeOverrides overrides;                        // One for the process.
//   GATEWAY_RETURN_IF_ERROR(overrides.Set(
//       table, {.node = "writer", .model = "claude-sonnet",
//               .set_by = "ops", .set_time = now,
//               .expire_time = now + absl::Hours(1)}));
//
//   CachedOverrides cached(overrides);              // One for each loop.
//   query.override_policy =
//       EffectiveOverride(cached.Get(), table, "writer", now);
//
// An override is used only while its model is configured and may be given away;
// one whose model goes by a reload is kept, and is used again if the model
// comes back. Time is wall time, so that an expiry survives a restart.
//
// Thread contract: as each class says.

#ifndef SERVICE_ROUTING_SELECTION_NODE_OVERRIDES_H_
#define SERVICE_ROUTING_SELECTION_NODE_OVERRIDES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/os/mutex.h"
#include "service/routing/selection/model_policy.h"

namespace gateway {

// So many nodes can have an override at a time.
inline constexpr size_t kNodeOverridesMax = 1024;
inline constexpr size_t kNodeNameBytesMax = 128;

struct NodeOverride {
  std::string node;    // Need not be configured.
  std::string model;   // The id of a policy.
  std::string set_by;  // Whoever it was, for people.
  absl::Time set_time;
  absl::Time expire_time = absl::InfiniteFuture();

  friend bool operator==(const NodeOverride& a,
                         const NodeOverride& b) = default;
};

// The overrides at one moment. Immutable.
class OverrideSet {
 public:
  OverrideSet() = default;
  // Of several for one node the last counts.
  explicit OverrideSet(std::vector<NodeOverride> overrides);

  // Sorted by node; the expired ones are among them until another is set.
  const std::vector<NodeOverride>& all() const { return overrides_; }

  // Returns null if the node has none, or none any more. An override ends at
  // its expire_time, to the nanosecond.
  const NodeOverride* Find(std::string_view node, absl::Time now) const;

 private:
  std::vector<NodeOverride> overrides_;
};

// Returns the policy that an override gives to the node now; null if there is
// no override, or its model is not configured or not overridable. Valid as long
// as `table`.
const ModelPolicy* EffectiveOverride(const OverrideSet& overrides,
                                     const PolicyTable& table,
                                     std::string_view node, absl::Time now);

// Thread-safe.
class NodeOverrides {
 public:
  NodeOverrides() : set_(std::make_shared<const OverrideSet>()) {}

  NodeOverrides(const NodeOverrides&) = delete;
  NodeOverrides& operator=(const NodeOverrides&) = delete;

  // Puts an override in the place of the node's last one; one without a model
  // takes that back. Faults: INVALID_REQUEST if the node has no name, too long
  // a one or one with control characters, the model is not in `table` or not
  // overridable, the expiry has passed at `set_time`, or kNodeOverridesMax
  // other nodes have one.
  absl::Status Set(const PolicyTable& table, const NodeOverride& next)
      LOCKS_EXCLUDED(mu_);

  // Does so with several at once: no call sees some of them only. Returns what
  // Set would have, in their order; those that fail do not keep the others from
  // taking effect.
  std::vector<absl::Status> SetAll(const PolicyTable& table,
                                   absl::Span<const NodeOverride> next)
      LOCKS_EXCLUDED(mu_);

  // Returns what SetAll would lead to, with what it would return.
  OverrideSet PreviewAll(const PolicyTable& table,
                         absl::Span<const NodeOverride> next,
                         std::vector<absl::Status>* statuses) const
      LOCKS_EXCLUDED(mu_);

  // Returns what Set would lead to, and fails as it would.
  absl::StatusOr<OverrideSet> Preview(const PolicyTable& table,
                                      const NodeOverride& next) const
      LOCKS_EXCLUDED(mu_);

  // Puts these in the place of all, as when a saved state is read: nothing is
  // checked but their number, of which the first are kept.
  void Replace(std::vector<NodeOverride> overrides) LOCKS_EXCLUDED(mu_);

  // Returns those of now; what is to be saved are those of it that have not
  // expired.
  std::shared_ptr<const OverrideSet> Get() const LOCKS_EXCLUDED(mu_);

  // Grows with every change.
  uint64_t version() const { return version_.load(std::memory_order_acquire); }

 private:
  void Swap(std::vector<NodeOverride> overrides) EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable Mutex mu_;
  std::shared_ptr<const OverrideSet> set_ GUARDED_BY(mu_);
  std::atomic<uint64_t> version_ = 1;
};

// Reads NodeOverrides for one loop, and takes the lock only after a change.
//
// Thread-compatible: for one thread at a time.
class CachedOverrides {
 public:
  // Borrows `overrides`.
  explicit CachedOverrides(const NodeOverrides& overrides)
      : overrides_(overrides) {}

  // Valid until the next call.
  const OverrideSet& Get() {
    const uint64_t version = overrides_.version();
    if (version != version_) {
      set_ = overrides_.Get();
      version_ = version;
    }
    return *set_;
  }

 private:
  const NodeOverrides& overrides_;
  uint64_t version_ = 0;
  std::shared_ptr<const OverrideSet> set_;
};

}  // namespace gateway

#endif  // SERVICE_ROUTING_SELECTION_NODE_OVERRIDES_H_
